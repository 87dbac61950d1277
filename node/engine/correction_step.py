"""Take a foreign segmentation in: find the result of ours that it is about, compare, keep. Runs in a child process."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from node.engine.analysis import Analysis, read_analysis
from node.engine.case_catalogue import CaseCatalogue
from node.engine.case_file import CaseFile, result_folder
from node.engine.correction_file import MASKS, CorrectionFile, write_correction
from node.engine.correction_state import NO_RESULT, correction_folder, has_result
from node.engine.masks import read_grid, write_labels
from node.errors import InputRefused, OurMistake, Refusal
from node.facts.read import Unread, read_facts
from node.facts.segmentation import SegmentationFacts
from node.report.uids import CaseIdentity
from node.review.meaning import Meaning
from node.review.review import Reviewed, review
from node.segment.contract import SegmentKind
from node.volume.segmentation import Grid, read_segmentation

_identities = TypeAdapter(CaseIdentity)


def take_in(data_dir: Path, path: Path, named: dict[int, Meaning] | None = None) -> dict[str, Any]:
    """Judge one segmentation against our current result of the series that it was drawn on, and keep the judgement.

    Parameters
    ----------
    named : what an operator said that segments stand for, by number

    Returns
    -------
    {"state": "used" | "refused" | "no-result", "codes": [...]}; nothing is kept where there is no result of ours.

    Raises
    ------
    InputRefused
        FILE-UNREAD where it cannot be parsed.
    """
    facts = read_segmentation(path)
    case = current_result(data_dir, facts)
    if case is None:
        return {"state": NO_RESULT, "codes": []}
    folder = result_folder(data_dir, case.workflow_id)
    analysis = read_analysis(folder)
    if analysis is None:
        raise OurMistake("NO-ANALYSIS", "a case that has an analysis has none")
    shape_zyx, lps_from_zyx = read_grid(folder / MASKS)
    grid = Grid(shape_zyx, lps_from_zyx, _frame_of_reference(data_dir, case))
    voxel_ml = abs(float(np.linalg.det(lps_from_zyx[:3, :3]))) / 1000.0
    found = review(path, facts, analysis.segmentation, grid, voxel_ml, _tracking_uids(case, analysis), named)
    if isinstance(found, Reviewed):
        target = correction_folder(data_dir, facts.study_instance_uid, facts.sop_instance_uid)
        write_labels(found.drawn.labels_zyx, lps_from_zyx, target / MASKS)
    kept = replace(_judgement(data_dir, path, facts, case, analysis, found), named=named or {})
    write_correction(data_dir, kept)
    return {"state": "used" if kept.is_used else "refused", "codes": [r.code.value for r in kept.reasons]}


def current_result(data_dir: Path, facts: SegmentationFacts) -> CaseFile | None:
    """Return the newest run of ours that segmented a series on which the object was drawn and was not stopped."""
    for case in reversed(CaseCatalogue(data_dir).all()):
        folder = result_folder(data_dir, case.workflow_id)
        if case.correction is None and _is_of(case, facts) and has_result(folder):
            return case
    return None


def _is_of(case: CaseFile, facts: SegmentationFacts) -> bool:
    if facts.series_of_sources:
        return case.anchor.series_instance_uid in facts.series_of_sources
    return any(uid in facts.instances_of_sources for uid, _ in case.anchor.files)


def _frame_of_reference(data_dir: Path, case: CaseFile) -> str:
    facts = read_facts(data_dir / case.anchor.files[0][1])
    if isinstance(facts, Unread):
        raise InputRefused(facts.code, "the images that a correction is about can no longer be read")
    return facts.geometry.frame_of_reference_uid


def _tracking_uids(case: CaseFile, analysis: Analysis) -> frozenset[str]:
    """Return the tracking UIDs under which our segments are known (`report.case` gives them)."""
    if case.identity is None:
        return frozenset()
    identity = _identities.validate_python(case.identity)
    series_uid = case.anchor.series_instance_uid
    lungs = (s.name for s in analysis.segmentation.segments if s.kind is not SegmentKind.LESION)
    uids = [identity.tracking_uid(series_uid, name) for name in lungs]
    uids += [identity.tracking_uid(series_uid, one.lesion_key, one.first_seen) for one in analysis.lesions]
    return frozenset(uids)


def _judgement(
    data_dir: Path, path: Path, facts: SegmentationFacts, case: CaseFile, analysis: Analysis, found: Reviewed | Refusal
) -> CorrectionFile:
    used = isinstance(found, Reviewed)
    return CorrectionFile(
        sop_instance_uid=facts.sop_instance_uid,
        sop_class_uid=facts.sop_class_uid,
        series_instance_uid=facts.series_instance_uid,
        study_instance_uid=facts.study_instance_uid,
        of_series_uid=case.anchor.series_instance_uid,
        workflow_id=case.workflow_id,
        reader=facts.reader,
        software=facts.software,
        saved_at=facts.saved_at,
        arrived_s=path.stat().st_mtime,
        path=path.relative_to(data_dir).as_posix(),
        reasons=found.reasons,
        comparison=found.comparison if isinstance(found, Reviewed) else None,
        segments=found.drawn.segments if isinstance(found, Reviewed) else (),
        models=analysis.segmentation.models if used else (),
    )
