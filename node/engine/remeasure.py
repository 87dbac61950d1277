"""A reader's correction measured, by order: a case of its own, with the reader's masks in the place of a model's."""

import time
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from dbos import DBOSClient
from pydantic import TypeAdapter

from node.engine.analysis import Analysis, read_analysis, write_analysis
from node.engine.case_catalogue import CaseCatalogue
from node.engine.case_file import CaseFile, read_case_file, write_case
from node.engine.correction_file import MASKS, CorrectionFile, one_correction
from node.engine.correction_state import correction_folder
from node.engine.line import measured
from node.engine.masks import read_labels
from node.engine.queueing import enqueue_anew
from node.errors import Code, InputRefused, Refusal
from node.measure.chest import chest_of
from node.report.document import Reference
from node.report.encode_corrected import ReadersSegmentation
from node.report.uids import RESULTS_VERSION, CaseIdentity, device_uid
from node.review.drawn import LEFT, RIGHT, DrawnSegment
from node.review.meaning import Meaning
from node.segment.contract import LungDefinition, ModelIdentity, Segment, Segmentation, SegmentKind, Task
from node.settings import Settings
from node.volume.volume import Volume

ALGORITHM = "segmentation by a reader"
_LARGEST_NUMBER = 255  # of a segment that the self-check can hold
_KINDS = {RIGHT: SegmentKind.RIGHT_LUNG, LEFT: SegmentKind.LEFT_LUNG}
_NAMES = {RIGHT: "Right lung", LEFT: "Left lung"}
_identities = TypeAdapter(CaseIdentity)


def case_of_correction(data_dir: Path, correction: CorrectionFile) -> CaseFile:
    """Return the case that measures a correction; the same correction gives the same case.

    Raises
    ------
    InputRefused
        COR-UNUSED where the correction is not used, COR-SEGMENT where a lung is not one segment of its own, COR-GONE
        where the images or our result are no longer kept.
    """
    if not correction.is_used:
        why = "a rejection note took it back" if correction.withdrawn else correction.reasons[0].text
        raise InputRefused("COR-UNUSED", f"this segmentation is not used as a correction: {why}")
    if any(s.n_voxels and not _is_one_segment(s) for s in correction.segments):
        raise InputRefused(Code.COR_SEGMENT, "a report refers to one segment for each lung; these are not so")
    before = read_case_file(data_dir, correction.workflow_id)
    if before is None or before.identity is None or not _sources_are_there(data_dir, before, correction):
        raise InputRefused("COR-GONE", "the images or our result are no longer kept: send the study again")
    known = _identities.validate_python(before.identity)
    identity = replace(
        known,
        route="/".join((known.route, "correction", correction.sop_instance_uid, *_named_as(correction))),
        device_uid=device_uid((), known.scheme),  # what measures is this software; no model has a part in it
        results_version=RESULTS_VERSION,
    )
    newest = CaseCatalogue(data_dir).newest_like(before) or before
    return replace(
        before,
        workflow_id=identity.workflow_id,
        identity=_identities.dump_python(identity, mode="json"),
        proved=True,
        why=(*before.why, "a reader's correction, measured by order"),
        predecessor=newest.workflow_id,
        created_s=time.time(),
        not_before_s=0.0,
        correction=correction.sop_instance_uid,
    )


def order(settings: Settings, engine: DBOSClient, correction: CorrectionFile) -> tuple[CaseFile, bool]:
    """Queue the case that measures a correction, and tell whether this call did; it raises as `case_of_correction`."""
    case = case_of_correction(settings.data_dir, correction)
    before = read_case_file(settings.data_dir, case.workflow_id)
    if before is not None:
        return before, False
    write_case(settings.data_dir, case)
    enqueue_anew(engine, case)
    return case, True


def measure_correction(data_dir: Path, case: CaseFile, volume: Volume, folder: Path) -> Analysis | Refusal:
    """Measure what the reader drew, and keep the analysis in `folder`; one that is there is not made again."""
    kept = read_analysis(folder)
    if kept is not None:
        return kept
    correction = one_correction(data_dir, case.correction or "")
    found = _segmentation(data_dir, correction)
    analysis = measured(volume, found, chest_of(volume, found), (*volume.reasons, *correction.reasons))
    if isinstance(analysis, Refusal):
        return analysis
    write_analysis(analysis, volume, folder)
    return analysis


def readers_segmentation(correction: CorrectionFile) -> ReadersSegmentation:
    """Return what the report says of where its masks come from."""
    return ReadersSegmentation(
        Reference(
            correction.study_instance_uid,
            correction.series_instance_uid,
            correction.sop_class_uid,
            correction.sop_instance_uid,
        ),
        {s.label: s.numbers[0] for s in correction.segments if s.n_voxels},
        correction.reader,
        correction.saved_at,
    )


def _named_as(correction: CorrectionFile) -> list[str]:
    """Return what an operator called the segments: other names make other numbers, so another case."""
    return [f"{number}={meaning.value}" for number, meaning in sorted(correction.named.items())]


def _is_one_segment(segment: DrawnSegment) -> bool:
    return segment.meaning is not Meaning.LUNGS and len(segment.numbers) == 1 and segment.numbers[0] <= _LARGEST_NUMBER


def _sources_are_there(data_dir: Path, case: CaseFile, correction: CorrectionFile) -> bool:
    masks = correction_folder(data_dir, correction.study_instance_uid, correction.sop_instance_uid) / MASKS
    return masks.exists() and all((data_dir / path).exists() for _, path in case.anchor.files)


def _segmentation(data_dir: Path, correction: CorrectionFile) -> Segmentation:
    labels_zyx = read_labels(
        correction_folder(data_dir, correction.study_instance_uid, correction.sop_instance_uid) / MASKS
    )
    drawn = [s for s in correction.segments if s.n_voxels]
    digest = sha256(labels_zyx.tobytes()).hexdigest()
    tasks = [Task.LUNGS] if any(s.label in _KINDS for s in drawn) else []
    tasks += [Task.LESIONS] if any(s.label not in _KINDS for s in drawn) else []
    software = correction.software[:64] or "unknown software"
    return Segmentation(
        labels_zyx,
        tuple(Segment(s.label, _KINDS.get(s.label, SegmentKind.LESION), name) for s, name in _named(drawn)),
        LungDefinition.AS_DRAWN,
        tuple(ModelIdentity(ALGORITHM, software, digest, task, "reader") for task in tasks),
    )


def _named(drawn: list[DrawnSegment]) -> list[tuple[DrawnSegment, str]]:
    """Give every segment a name of its own: the reader's label, numbered where two are equal."""
    names: list[str] = []
    for segment in drawn:
        name = _NAMES.get(segment.label, segment.name)
        names.append(name if name not in names else f"{name[:56]} ({segment.numbers[0]})")
    return list(zip(drawn, names, strict=True))
