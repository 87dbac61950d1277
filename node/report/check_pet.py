"""The PET's part of the self-check: what others will read of it against the volume and what was measured."""

from collections.abc import Iterable

import numpy as np
from pydicom import dcmread

from node.errors import OurMistake
from node.measure.pet.uptake_quantity import Statistic, Threshold
from node.report.decode import DecodedSeg, decode_seg
from node.report.decode_labelmap import decode_labelmap
from node.report.encoded import EncodedObject
from node.report.pet_groups import MOST_FOCI
from node.report.pet_measured import PetName, name_of
from node.report.pet_result import MeasuredPet
from node.report.report_numbers import ReportedUptake, read_uptakes
from node.report.uids import BASIC_TEXT_SR, LABEL_MAP_SEGMENTATION
from node.segment.contract import UNCERTAIN_LABEL
from node.settings import Rung
from node.volume.pet import SuvKind

_FOCUS_MAXIMUM = PetName(Statistic.MAX, SuvKind.BW)
_FOCUS_VOLUME = PetName(Statistic.MTV, None, Threshold.MTV40)
_RELATIVE_TOLERANCE = 1e-6
_SINGLE_TOLERANCE = 1e-5  # of a mean over the single-precision volume


def check_pet(objects: Iterable[EncodedObject], pet: MeasuredPet) -> None:
    """Compare the PET's segmentation with its masks, and every number of the reports with what was measured.

    Raises
    ------
    OurMistake
        SELF-CHECK, with what differs.
    """
    made = tuple(objects)
    seg = next((o for o in made if o.kind == Rung.PET_SEG), None)
    decoded = None
    if seg is not None:
        decode = decode_labelmap if seg.sop_class_uid == LABEL_MAP_SEGMENTATION else decode_seg
        decoded = decode(seg.path, pet.volume.suv_zyx.shape, pet.volume.lps_from_zyx)
        _same_masks(decoded, pet)
    _require(seg is not None or not pet.found.segments, "the PET has masks but no segmentation was written")
    for report in made:
        if report.kind == Rung.SR and report.sop_class_uid != BASIC_TEXT_SR:
            _same_numbers(read_uptakes(dcmread(report.path)), decoded, pet)


def _same_masks(decoded: DecodedSeg, pet: MeasuredPet) -> None:
    label_of = {segment.name: segment.label for segment in pet.found.segments}
    named = {s.tracking_id for s in decoded.segments if s.tracking_id == s.label.removesuffix(UNCERTAIN_LABEL)}
    fits = named == set(label_of) and len(named) == len(decoded.segments)
    _require(fits, "the PET has masks of other lesions than were found")
    to_label = np.zeros(256, np.uint8)
    for segment in decoded.segments:
        to_label[segment.number] = label_of[segment.tracking_id]
    differing = int(np.count_nonzero(to_label[decoded.numbers_zyx] != pet.labels_zyx))
    _require(differing == 0, f"{differing} voxels of the PET's written segmentation differ")
    for z, sop_instance_uid, _ in decoded.sources:
        _require(pet.volume.frames[z].sop_instance_uid == sop_instance_uid, "a PET mask names another image")


def _same_numbers(groups: Iterable[ReportedUptake], decoded: DecodedSeg | None, pet: MeasuredPet) -> None:
    by_name = {group.tracking_id: group for group in groups}
    for lesion in pet.found.lesions:
        wanted = {name_of(q): q.value for q in lesion.quantities if q.value is not None}
        group = by_name.pop(lesion.name, None)
        _require((group is None) == (not wanted), f"{lesion.name} has no group of its PET, or one too many")
        if group is not None:
            _same_values(lesion.name, group.values, wanted)
            _from_masks(group, decoded, pet)
    references = {"liver-reference": pet.found.liver, "mediastinal-reference": pet.found.mediastinum}
    for key, sphere in references.items():
        group = by_name.pop(key, None)
        _require((group is None) == (sphere is None), f"the group of {key} is missing or one too many")
        if group is not None and sphere is not None:
            _same_values(key, group.values, {PetName(Statistic.MEAN, pet.found.kind): sphere.suv_mean})
    for number, focus in enumerate((pet.found.foci or ())[:MOST_FOCI], start=1):
        key = f"fdg-focus-{number}"
        group = by_name.pop(key, None)
        if group is None:
            raise OurMistake("SELF-CHECK", f"the group of {key} is missing")
        maximum = float(pet.volume.suv_zyx[focus.maximum_zyx])
        _same_values(key, group.values, {_FOCUS_MAXIMUM: maximum, _FOCUS_VOLUME: focus.volume_ml})
    _require(not by_name, f"groups of a PET that nobody measured: {', '.join(by_name)}")


def _same_values(who: str, values: dict[PetName, float], wanted: dict[PetName, float]) -> None:
    _require(set(values) == set(wanted), f"{who}: numbers of the PET are missing in or added to the report")
    for name, value in values.items():
        fits = np.isclose(value, wanted[name], rtol=_RELATIVE_TOLERANCE, atol=_RELATIVE_TOLERANCE)
        _require(bool(fits), f"{who}: {name.statistic} is {value:g} in the report, {wanted[name]:g} was measured")


def _from_masks(group: ReportedUptake, decoded: DecodedSeg | None, pet: MeasuredPet) -> None:
    """Compute maximum, mean and volume again from the decoded mask, where no hotter lesion took voxels of it."""
    if group.segment_number is None:
        return
    if decoded is None:
        raise OurMistake("SELF-CHECK", "the report names a segment of a PET that has no segmentation")
    tracked = {s.number: (s.tracking_id, s.tracking_uid) for s in decoded.segments}
    _require(
        tracked.get(group.segment_number) == (group.tracking_id, group.tracking_uid),
        f"{group.tracking_id}: tracking differs between the PET's SEG and SR",
    )
    inside = pet.volume.suv_zyx[decoded.numbers_zyx == group.segment_number]
    kind = pet.found.kind
    maximum = group.values[PetName(Statistic.MAX, kind)]
    _require(float(inside.max()) <= maximum * (1 + _RELATIVE_TOLERANCE), f"{group.tracking_id}: a voxel is hotter")
    volume_ml = group.values.get(PetName(Statistic.MTV, None, Threshold.MTV41))
    if volume_ml is None or not np.isclose(len(inside) * pet.volume.voxel_ml, volume_ml, rtol=_RELATIVE_TOLERANCE):
        return
    mean = float(inside.mean(dtype=np.float64))
    stated = group.values[PetName(Statistic.MEAN, kind)]
    _require(bool(np.isclose(mean, stated, rtol=_SINGLE_TOLERANCE)), f"{group.tracking_id}: another mean in the mask")
    _require(bool(np.isclose(float(inside.max()), maximum)), f"{group.tracking_id}: another maximum in the mask")


def _require(fits: bool, text: str) -> None:
    if not fits:
        raise OurMistake("SELF-CHECK", text)
