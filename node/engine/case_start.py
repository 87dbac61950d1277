"""From a decided case to a durable workflow: who it is, what it supersedes, on disk first, then in the queue."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import structlog
from dbos import DBOSClient

from node.engine.case_catalogue import CaseCatalogue
from node.engine.case_file import (
    CaseFile,
    SeriesNote,
    SourceSeries,
    is_kept,
    result_folder,
    write_case,
)
from node.engine.delivery_file import all_deliveries
from node.engine.outbox import kept
from node.engine.pet_line import PET_WAITS, PetLine, line_of_headers, lines_of_passed
from node.engine.queueing import enqueue_anew
from node.engine.refusal_file import write_refusal
from node.engine.stopped import Stopped, stop
from node.errors import Reason, Refusal
from node.facts.series import SeriesFacts
from node.route.case import Case, Role, Selection
from node.route.night import next_opening
from node.route.vocabulary import Priority


@dataclass(frozen=True, slots=True)
class Decided:
    """A case that may begin. `refused_by` refuses it before it is read; `revision` counts identity corrections.

    `arrived_until_s` is when the newest instance of the study had come that this decision knew of.
    """

    case: Case
    selection: Selection
    why: str
    proved: bool
    refused_by: tuple[Reason, ...] = ()
    revision: int = 0
    arrived_until_s: float = 0.0


Identify = Callable[[CaseFile], CaseFile]


def start(
    catalogue: CaseCatalogue, engine: DBOSClient, decided: Decided, identify: Identify, now: datetime
) -> CaseFile | None:
    """Keep and queue a case; None where the very same one was begun before.

    Parameters
    ----------
    catalogue : the cases that were begun before.
    identify : gives a draft its identity and workflow id, from pixels, models and settings.
    now : local time, for the night window of off-peak cases.
    """
    data_dir = catalogue.data_dir
    draft = identify(_draft(decided, data_dir, now))
    workflow_id = draft.workflow_id
    if is_kept(data_dir, workflow_id):
        return None
    case = after(data_dir, engine, draft, catalogue.newest_like(draft))
    if decided.refused_by:
        write_refusal(result_folder(data_dir, workflow_id), Refusal(decided.refused_by))
    write_case(data_dir, case)
    enqueue_anew(engine, case)
    structlog.get_logger().info(
        "engine.case_begun",
        workflow_id=workflow_id,
        study_uid=case.study_instance_uid,
        series_uid=case.anchor.series_instance_uid,
        n_slices=len(case.anchor.files),
    )
    return case


def after(data_dir: Path, engine: DBOSClient, case: CaseFile, before: CaseFile | None) -> CaseFile:
    """Say what the case supersedes, and stop the earlier run where nobody has seen anything of it."""
    if before is None:
        return case
    folder = result_folder(data_dir, before.workflow_id)
    if kept(folder) is not None and any(d.attempts for d in all_deliveries(folder)):
        return replace(case, predecessor=before.workflow_id, ordinal=before.ordinal + 1)
    corrected = case.identity_revision > before.identity_revision
    why = "ID-CHANGED: begun anew" if corrected else "more instances arrived before it was delivered"
    stop(data_dir, engine, before.workflow_id, Stopped.SUPERSEDED, why)
    return replace(case, predecessor=before.predecessor, ordinal=before.ordinal)


def _draft(decided: Decided, data_dir: Path, now: datetime) -> CaseFile:
    case = decided.case
    off_peak = case.priority is Priority.OFF_PEAK and case.night is not None
    return CaseFile(
        workflow_id="",
        study_instance_uid=case.anchor.study_instance_uid,
        route=case.route,
        anchor=source_of(case.anchor, data_dir),
        partners=tuple(source_of(p, data_dir) for p in case.partners),
        lungs=case.lungs,
        lesions=case.lesions,
        priority=case.priority.value,
        destinations=case.destinations,
        why=(*case.why, decided.why),
        identity_revision=decided.revision,
        created_s=time.time(),
        arrived_until_s=decided.arrived_until_s,
        proved=decided.proved,
        not_before_s=next_opening(case.night, now).timestamp() if off_peak and case.night else 0.0,
        series_notes=tuple(_notes(decided.selection)),
        pets=_pets(case, decided.selection),
        partner_reasons=case.partner_reasons,
    )


def _pets(case: Case, selection: Selection) -> tuple[PetLine, ...]:
    own = (line_of_headers(pet, (PET_WAITS,)) for pet in case.partners)
    return (*own, *lines_of_passed(selection.passed))


def source_of(series: SeriesFacts, data_dir: Path) -> SourceSeries:
    """Name the files of a series, below the data folder."""
    files = ((f.facts.sop_instance_uid, f.path.relative_to(data_dir).as_posix()) for f in series.files)
    return SourceSeries(series.series_instance_uid, tuple(files))


def _notes(selection: Selection) -> Iterable[SeriesNote]:
    for case in selection.cases:
        anchor = case.anchor
        yield SeriesNote(anchor.series_instance_uid, anchor.first.modality, "analysed", case.reasons)
        for pet in case.partners:
            yield SeriesNote(pet.series_instance_uid, pet.first.modality, "passed-over", (PET_WAITS,))
    for passed in selection.passed:
        role = Role(passed.role).value
        yield SeriesNote(passed.series.series_instance_uid, passed.series.first.modality, role, passed.reasons)
