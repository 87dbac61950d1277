"""The measurement groups of a PET: each CT lesion's uptake, references, and candidates apart (standards 2.3)."""

import numpy as np
from highdicom.sr import ContentItem
from numpy.typing import NDArray
from pydicom.sr.coding import Code

from node.measure.pet.foci import BELOW_LUNGS_MM, LEAST_ML, LOWEST_G_ML, Focus
from node.measure.pet.near_lung import NEAR_MM
from node.measure.pet.pet_findings import LesionPet
from node.measure.pet.references import Reference as Sphere
from node.measure.pet.uptake_quantity import ALGORITHM, Statistic, Threshold
from node.report import codes, tree
from node.report.document import Reference
from node.report.equipment import Equipment
from node.report.lesion_groups import doubtful, head
from node.report.pet_measured import PetName, pet_number, uptake_number
from node.report.pet_result import ABOUT, PreparedPet
from node.report.segments import Tracked
from node.report.stamp import Job
from node.report.statements import warnings
from node.volume.pet import SuvKind

MOST_FOCI = 20  # the hottest; how many more there are is told
SEARCHED = "chest and upper abdomen"  # below the lungs, too
NOT_TOLD_APART = "heart, vessels, stomach and bowel are not told apart"
PLACE = "({:.0f}, {:.0f}, {:.0f}) mm (x, y, z; LPS)"
_NAME, _, _VERSION = ALGORITHM.partition("/")


def pet_groups(
    pet: PreparedPet,
    lps_from_zyx: NDArray[np.float64],
    lesions: tuple[Tracked, ...],
    seg: Reference | None,
    job: Job,
    *,
    searched_ct: bool,
) -> list[ContentItem]:
    """Return the groups of lesions with numbers, then references, then candidates.

    Parameters
    ----------
    lps_from_zyx : of the PET's grid, mm.
    lesions : the CT's, as its SEG tracks them.
    seg : the PET's segmentation, None where no lesion has a mask in it.
    searched_ct : whether lesions were looked for on the CT.
    """
    in_pet = {t.segment.label: t for t in pet.tracked}
    groups = []
    for tracked in lesions:
        lesion = pet.lesion(tracked.segment.label)
        if lesion is not None and lesion.quantities:
            groups.append(_lesion(tracked, lesion, in_pet.get(lesion.label), pet, seg, job.equipment))
    for key, site, sphere in (
        ("liver-reference", codes.LIVER, pet.found.liver),
        ("mediastinal-reference", codes.DESCENDING_AORTA, pet.found.mediastinum),
    ):
        if sphere is not None:
            groups.append(_reference(key, site, sphere, pet, lps_from_zyx, job))
    for number, focus in enumerate((pet.found.foci or ())[:MOST_FOCI], start=1):
        place = PLACE.format(*maximum_lps_mm(focus, lps_from_zyx))
        where = continuous_words(focus) or where_of_foci(searched_ct=searched_ct)
        groups.append(_focus(number, focus, f"{where}, SUVmax at {place}{side_words(focus)}", pet, job))
    return groups


def where_of_foci(*, searched_ct: bool) -> str:
    """Say where candidates lie: outside the CT's lesions only where such were looked for, and by their maximum."""
    return "with a maximum outside the CT lesions" if searched_ct else f"in the {SEARCHED}"


def continuous_words(focus: Focus) -> str:
    """Say that a candidate reaches into lesions of the CT: it is one uptake with them, not a second one; else ""."""
    return f"continuous with {', '.join(focus.continuous_with)}: one uptake" if focus.continuous_with else ""


def side_words(focus: Focus) -> str:
    """Say which lung the maximum is in or beside, where that is clear; else ""."""
    return f", within {NEAR_MM:.0f} mm of the {focus.side} lung" if focus.side is not None else ""


def maximum_lps_mm(focus: Focus, lps_from_zyx: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return where the maximum of a candidate lies: the point that pictures mark and whose slice the report names."""
    x, y, z = (lps_from_zyx @ [*focus.maximum_zyx, 1.0])[:3].tolist()
    return x, y, z


def pet_words(pet: PreparedPet, *, searched_ct: bool) -> list[str]:
    """Return what is said of the PET as a whole, beside its codes."""
    foci = pet.found.foci
    where = where_of_foci(searched_ct=searched_ct)
    if foci is None:
        return [f"PET: foci {where} were not looked for."]
    searched = (
        f"from the apices of the lungs to {BELOW_LUNGS_MM:.0f} mm below their bases "
        f"(SUVbw >= {LOWEST_G_ML:g}, at least {LEAST_ML:g} ml)"
    )
    if not foci:
        return [f"PET: no focus {where} was listed by this software {searched}."]
    more = f" The {MOST_FOCI} hottest are given." if len(foci) > MOST_FOCI else ""
    return [f"PET: FDG-avid foci {where}, listed as candidates {searched}: {len(foci)}; {NOT_TOLD_APART}.{more}"]


def _lesion(
    tracked: Tracked,
    lesion: LesionPet,
    segment: Tracked | None,
    pet: PreparedPet,
    seg: Reference | None,
    equipment: Equipment,
) -> ContentItem:
    """Return TID 1411 with the PET's segment, TID 1501 where it has none: no edge, or a hotter lesion's voxels."""
    given = [(q, q.value) for q in lesion.quantities if q.value is not None]
    missing = [reason for q in lesion.quantities for reason in q.refused_by]
    children = [
        *head(tracked, tracked.tracking_id),
        *_algorithm(equipment),
        *(uptake_number(quantity, value) for quantity, value in given),
    ]
    if segment is not None and seg is not None:
        children.append(tree.segment(codes.REFERENCED_SEGMENT, seg.sop_class_uid, seg.sop_instance_uid, segment.number))
        children += tree.images(codes.SOURCE_FOR_SEGMENTATION, pet.source, pet.slices_of(segment))
    elif lesion.maximum_zyx is not None:
        children += tree.images(codes.SOURCE, pet.source, [lesion.maximum_zyx[0]])
    children += [*warnings([*missing, *lesion.warnings], ABOUT), *doubtful(tracked)]
    if lesion.shares_maximum_with:
        words = f"The maximum is also that of {', '.join(lesion.shares_maximum_with)}: the uptake is not told apart."
        children.append(tree.text(tree.CONTAINS, codes.COMMENT, words))
    with_segment = segment is not None and seg is not None
    return tree.container(codes.MEASUREMENT_GROUP, children, template="1411" if with_segment else "1501")


def _reference(
    key: str, site: Code, sphere: Sphere, pet: PreparedPet, lps_from_zyx: NDArray[np.float64], job: Job
) -> ContentItem:
    """Return the mean uptake of a sphere in liver or blood."""
    name = PetName(Statistic.MEAN, pet.found.kind)
    parameters = (f"sphere={sphere.diameter_mm:g} mm", f"standard deviation={sphere.sd:.4g} g/ml")
    z = int(np.rint((np.linalg.inv(lps_from_zyx) @ [*sphere.centre_lps_mm, 1.0])[0]))
    children = [
        *_tracking(key, pet, job),
        tree.code(tree.CONTAINS, codes.FINDING_CATEGORY, codes.ANATOMICAL_STRUCTURE),
        tree.code(tree.CONTAINS, codes.FINDING, site),
        tree.code(tree.HAS_CONCEPT_MOD, codes.FINDING_SITE, site),
        *_algorithm(job.equipment),
        pet_number(name, sphere.suv_mean, _NAME, _VERSION, parameters),
        *tree.images(codes.SOURCE, pet.source, [z]),
        tree.text(tree.CONTAINS, codes.COMMENT, f"Reference at {PLACE.format(*sphere.centre_lps_mm)}."),
    ]
    return tree.container(codes.MEASUREMENT_GROUP, children, template="1501")


def _focus(number: int, focus: Focus, where: str, pet: PreparedPet, job: Job) -> ContentItem:
    """Return a candidate: no segment, no word of what it is, and no site, for chest and abdomen are not told apart."""
    threshold = (f"threshold={LOWEST_G_ML:g} g/ml", "SUV=BW", "connected=6")
    children = [
        *_tracking(f"fdg-focus-{number}", pet, job),
        tree.code(tree.CONTAINS, codes.FINDING, codes.FDG_FOCUS),
        *_algorithm(job.equipment),
        pet_number(PetName(Statistic.MAX, SuvKind.BW), focus.suv_max, _NAME, _VERSION, (f"search={SEARCHED}",)),
        pet_number(PetName(Statistic.MTV, None, Threshold.MTV40), focus.volume_ml, _NAME, _VERSION, threshold),
        *tree.images(codes.SOURCE, pet.source, [focus.maximum_zyx[0]]),
        tree.text(
            tree.CONTAINS,
            codes.COMMENT,
            f"Candidate {where}; {NOT_TOLD_APART}."
            + (f" It goes on beyond the searched {SEARCHED}: the numbers are of the part inside." if focus.cut else ""),
        ),
    ]
    return tree.container(codes.MEASUREMENT_GROUP, children, template="1501")


def _tracking(key: str, pet: PreparedPet, job: Job) -> list[ContentItem]:
    uid = job.identity.tracking_uid(pet.source.first.series_instance_uid, key)
    return [
        tree.text(tree.HAS_OBS_CONTEXT, codes.TRACKING_IDENTIFIER, key),
        tree.uid(tree.HAS_OBS_CONTEXT, codes.TRACKING_UID, uid),
    ]


def _algorithm(equipment: Equipment) -> list[ContentItem]:
    return [
        tree.text(tree.HAS_CONCEPT_MOD, codes.ALGORITHM_NAME, _NAME),
        tree.text(tree.HAS_CONCEPT_MOD, codes.ALGORITHM_VERSION, _VERSION),
        tree.text(tree.HAS_CONCEPT_MOD, codes.ALGORITHM_MANUFACTURER, equipment.manufacturer),
    ]
