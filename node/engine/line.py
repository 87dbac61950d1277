"""The straight line as plain functions: read -> segment -> measure -> encode, for one case.

`lungnode analyse` calls them one after the other; the durable workflow calls the same two, `analyse_case` and
`encode_case`, as steps. Both are idempotent: they write under temporary names and rename.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

from node.engine.analysis import Analysis, read_analysis, write_analysis
from node.engine.pet_case import Partner, measure_partner, pet_result
from node.engine.shares import shares_of
from node.errors import OurMistake, Reason, Refusal
from node.measure.chest import Chest, chest_of
from node.measure.lesions.carina_of_scan import carina_of_scan
from node.measure.lesions.lesions import measure_lesions
from node.measure.lesions.many import too_many
from node.measure.lesions.values import LesionMeasurements
from node.measure.lungs import measure_lungs
from node.measure.plausible import unsure_texts
from node.measure.quality import check_quality
from node.measure.zones import measure_zones
from node.report.case import FIRST_RUN, Run
from node.report.check import self_check
from node.report.check_pet import check_pet
from node.report.encode import ReportInput, encode_results
from node.report.encoded import EncodedObject
from node.report.uids import CaseIdentity, UidScheme, device_uid, digest_of_instances
from node.route.select import Case
from node.segment.contract import LungModel, Segmentation, SegmentKind
from node.segment.lesions.sureness import Sureness
from node.segment.runner import BoundedModel, WarmModels
from node.segment.whole import identities_of, runtimes_of, without_lungs
from node.settings import Rung, Settings
from node.volume.digest import instance_digests
from node.volume.read import read_volume
from node.volume.volume import Volume


def model_of(case: Case, settings: Settings) -> BoundedModel:
    """Return the models that the case's route names, the node's default for the lungs; loaded once in this process.

    Lesions are looked for round the lungs, so that a route without lungs takes the default's, too.
    """
    compute, rules = settings.compute, settings.rules
    sureness = Sureness(rules.lesion_confidence, drop=rules.uncertain_lesions == "drop")
    warm = _warm_models(settings.models_dir, compute.threads, compute.limit_s, sureness, compute.device)
    return warm.both(case.lungs or compute.lungs, case.lesions)


@cache
def _warm_models(models_dir: Path | None, threads: int, limit_s: float, sureness: Sureness, device: str) -> WarmModels:
    return WarmModels(models_dir, threads, limit_s, sureness, device)


def identify(
    case: Case, model: LungModel, settings: Settings, *, identity_revision: int = 0, run: int = 1
) -> CaseIdentity:
    """Derive who this case is: the same input, model and settings give the same identity (standards 1.3)."""
    sources = (case.anchor, *case.partners)
    digests = [digest for series in sources for digest in instance_digests(series, settings.compute.threads)]
    scheme = UidScheme(settings.objects.uid_root, settings.objects.uid_namespace)
    return CaseIdentity(
        study_uid=case.anchor.study_instance_uid,
        source_series_uids=tuple(sorted(s.series_instance_uid for s in sources)),
        instances_digest=digest_of_instances(digests),
        device_uid=device_uid(identities_of(model), scheme),
        route=case.route,
        runtime=runtimes_of(model),
        config_hash=settings.config_hash,
        identity_revision=identity_revision,
        run=run,
        scheme=scheme,
    )


def read_case(case: Case, settings: Settings) -> Volume | Refusal:
    """Read the case's anchor series as a volume, with the checks of its headers and pixels."""
    rules = settings.rules
    return read_volume(
        case.anchor,
        multivolume=rules.multivolume,
        minimum_age_years=rules.minimum_age_years,
        refuse_without_patient_id=rules.refuse_without_patient_id,
        threads=settings.compute.threads,
    )


def analyse_volume(
    volume: Volume, model: LungModel, pet: Partner | None = None, *, refuse_without_patient_id: bool = True
) -> Analysis | Refusal:
    """Segment and measure one volume, and its PET where it has one; a refused PET leaves the CT's result."""
    timings_s: dict[str, float] = {}
    with timed("segment", timings_s):
        found = model.segment(volume)
    if isinstance(found, Refusal):
        return Refusal((*found.reasons, *volume.reasons))
    with timed("measure", timings_s):
        chest = chest_of(volume, found)
        analysis = measured(volume, found, chest, (*volume.reasons, *found.reasons))
    if isinstance(analysis, Refusal):
        return analysis
    if pet is None:
        return replace(analysis, timings_s=timings_s)
    with timed("pet", timings_s):
        partner = measure_partner(
            pet, volume, analysis.segmentation, chest, analysis.reasons,
            refuse_without_patient_id=refuse_without_patient_id,
        )  # fmt: skip
    return replace(analysis, timings_s=timings_s, pet=partner.case, pet_mask=partner.mask)


def measured(volume: Volume, found: Segmentation, chest: Chest, reasons: tuple[Reason, ...]) -> Analysis | Refusal:
    """Measure a segmented scan, whoever drew it: a model or a reader.

    Parameters
    ----------
    chest : both on the working grid.
    reasons : everything known about the scan and its masks so far; they come first.
    """
    quality = check_quality(volume, found, chest)
    if isinstance(quality, Refusal):
        return Refusal((*quality.reasons, *reasons))
    reasons = (*reasons, *quality, *too_many(_n_lesions(found)))
    found = replace(found, unsure=unsure_texts(found, reasons))
    quantities = (*measure_lungs(volume, found, reasons), *measure_zones(volume, found, reasons))
    return Analysis(found, quantities, reasons, {}, lesions=_lesions(volume, found, chest, reasons))


def as_asked(analysis: Analysis, case: Case) -> Analysis:
    """Leave the lungs out where the route asked for lesions alone: they served to find and to place those."""
    if case.lungs is not None or case.lesions is None:
        return analysis
    return replace(analysis, segmentation=without_lungs(analysis.segmentation), quantities=())


def _n_lesions(found: Segmentation) -> int:
    return sum(s.kind is SegmentKind.LESION for s in found.segments)


def _lesions(
    volume: Volume, found: Segmentation, chest: Chest, reasons: tuple[Reason, ...]
) -> tuple[LesionMeasurements, ...]:
    if not _n_lesions(found):
        return ()
    return measure_lesions(volume, found, reasons, carina_of_scan(chest))


def pet_of(case: Case) -> Partner | None:
    """Return the PET that was paired with the case's CT."""
    return Partner(case.partners[0], case.partner_reasons) if case.partners else None


def analyse_case(
    case: Case, settings: Settings, work_dir: Path, *, volume: Volume | Refusal | None = None
) -> Analysis | Refusal:
    """Read, segment and measure a case, and keep the analysis in `work_dir`; one that is there is not made again."""
    kept = read_analysis(work_dir)
    if kept is not None:
        return kept
    timings_s: dict[str, float] = {}
    with timed("read", timings_s):
        source = volume or read_case(case, settings)
    if isinstance(source, Refusal):
        return source
    without_id = settings.rules.refuse_without_patient_id
    model = model_of(case, settings)
    analysis = analyse_volume(source, model, pet_of(case), refuse_without_patient_id=without_id)
    if isinstance(analysis, Refusal):
        return analysis
    analysis = as_asked(analysis, case)
    analysis.timings_s.update(timings_s)
    write_analysis(analysis, source, work_dir)
    return analysis


def encode_case(
    case: Case,
    identity: CaseIdentity,
    settings: Settings,
    work_dir: Path,
    *,
    now: datetime,
    volume: Volume | None = None,
    run: Run = FIRST_RUN,
    shares: tuple[frozenset[Rung], ...] | None = None,
) -> tuple[EncodedObject, ...]:
    """Encode a kept analysis into `work_dir/objects`, after checking the objects against what was found.

    `shares` are what each destination gets; None takes those of the case's destinations.

    Raises
    ------
    OurMistake
        SELF-CHECK where an object, read back, does not say what was found; NO-ANALYSIS where there is none.
    """
    analysis = read_analysis(work_dir)
    source = volume or read_case(case, settings)
    if analysis is None or isinstance(source, Refusal):
        raise OurMistake("NO-ANALYSIS", "encode was called for a case without a kept analysis")
    out_dir = work_dir / "objects"
    out_dir.mkdir(parents=True, exist_ok=True)
    with timed("encode", analysis.timings_s):
        pet = pet_result(pet_of(case), analysis.pet, analysis.pet_mask, settings)
        objects = encode_results(
            ReportInput(
                identity=identity,
                volume=source,
                segmentation=analysis.segmentation,
                quantities=analysis.quantities,
                reasons=analysis.reasons,
                objects=settings.objects,
                now=now,
                run=run,
                pet=pet,
                lesions=analysis.lesions,
            ),
            out_dir,
            *(shares_of(settings, case.destinations) if shares is None else shares),
        )
        self_check(objects, source, analysis.segmentation, analysis.quantities, analysis.lesions)
        if pet is not None and pet.measured is not None:
            check_pet(objects, pet.measured)
    return objects


@contextmanager
def timed(step: str, into: dict[str, float]) -> Iterator[None]:
    """Note how long the block took, in seconds, under the name of its step."""
    started_s = time.perf_counter()
    yield
    into[step] = time.perf_counter() - started_s
