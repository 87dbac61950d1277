"""What runs in the child processes: the straight line, for a case that lies on disk.

Two processes may be at the same case for a moment (a worker that was killed, and the one that took over), so each
step holds the case's own lock and looks first whether its work is done.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from node.engine import line
from node.engine.analysis import Analysis, read_analysis, rewrite_analysis
from node.engine.case_file import CaseFile, SourceSeries, case_from_json, case_json, read_case_file, result_folder
from node.engine.comparison import compared, with_known_identities
from node.engine.correction_step import take_in
from node.engine.encode_correction import encode_correction
from node.engine.files import write_json
from node.engine.findings import findings_of
from node.engine.notices import encode_notices
from node.engine.outbox import KeptObject, digest_of, kept, publish
from node.engine.outcome import Outcome, SeriesLine, SeriesRole, Verdict, pet_series, refusing
from node.engine.pet_line import PetLine
from node.engine.refusal_file import read_refusal, write_refusal
from node.engine.remeasure import measure_correction
from node.engine.shares import shares_of
from node.engine.stores import opened_stores
from node.errors import InputRefused, OurMistake, Reason, Refusal
from node.facts.folder import group
from node.facts.read import Unread, read_facts
from node.facts.series import InstanceFile, SeriesFacts
from node.report.case import Run
from node.report.document import Reference
from node.report.encoded import EncodedObject
from node.report.notice import NoticeInput
from node.report.uids import CaseIdentity
from node.route.case import Case
from node.route.vocabulary import Priority
from node.settings import Rung, Settings
from node.store.own import KeptResult
from node.volume.volume import Volume


@dataclass(frozen=True, slots=True)
class _Source:
    """What a case is made from, read."""

    case: Case
    volume: Volume | Refusal


_identities = TypeAdapter(CaseIdentity)
_reasons = TypeAdapter(tuple[Reason, ...])
_sources: dict[str, _Source] = {}  # the case at hand, by workflow id: at most one


def warm() -> None:
    """Do nothing: importing this module has loaded what the steps need."""


def identify(settings: dict[str, Any], draft: dict[str, Any]) -> dict[str, Any]:
    """Return a draft with its identity and workflow id."""
    known = Settings.model_validate(settings)
    file = case_from_json(draft)
    case = _case_of(file, known.data_dir)
    identity = line.identify(
        case, line.model_of(case, known), known, identity_revision=file.identity_revision, run=file.run
    )
    kept_identity = _identities.dump_python(identity, mode="json")
    return case_json(replace(file, workflow_id=identity.workflow_id, identity=kept_identity))


def correction(settings: dict[str, Any], path: str) -> dict[str, Any]:
    """Judge a foreign segmentation and keep the judgement (`correction_step.take_in`)."""
    return take_in(Settings.model_validate(settings).data_dir, Path(path))


def analyse(settings: dict[str, Any], workflow_id: str) -> dict[str, Any]:
    """Read, segment and measure; what was found, or why not, stays in the case's folder."""
    known = Settings.model_validate(settings)
    folder = result_folder(known.data_dir, workflow_id)
    with _case_lock(folder):
        refusal = read_refusal(folder)
        if refusal is not None:
            return _refused(refusal)
        file = _case_file(known, workflow_id)
        source = _source_of(file, known)
        found = _analysed(file, source, known, folder)
        if isinstance(found, Refusal):
            write_refusal(folder, found)
            return _refused(found)
    codes = [r.code.value for r in found.reasons]
    n_lesions = 0 if file.correction is not None else len(found.lesions)
    return {"outcome": Verdict.PROCESSED.value, "codes": codes, "n_lesions": n_lesions}


def _analysed(file: CaseFile, source: _Source, settings: Settings, folder: Path) -> Analysis | Refusal:
    if file.correction is None:
        found = line.analyse_case(source.case, settings, folder, volume=source.volume)
        if isinstance(found, Analysis) and found.lesions:
            found = with_known_identities(found, source.case.anchor, settings.data_dir)
            rewrite_analysis(found, folder)
        return found
    if isinstance(source.volume, Refusal):
        return source.volume
    return measure_correction(settings.data_dir, file, source.volume, folder)


def compare(settings: dict[str, Any], workflow_id: str, prior: str | None, reasons: list[dict[str, Any]]) -> list[str]:
    """Add to a kept analysis what a fetched prior tells, or why there is none; return the codes that it added."""
    known = Settings.model_validate(settings)
    folder = result_folder(known.data_dir, workflow_id)
    with _case_lock(folder):
        before = read_analysis(folder)
        if before is None:
            raise OurMistake("NO-ANALYSIS", "a case was to be compared that has no analysis")
        if before.prior is not None or kept(folder) is not None:
            return []
        found = replace(before, reasons=tuple(dict.fromkeys((*before.reasons, *_reasons.validate_python(reasons)))))
        if prior is not None:
            source = _source_of(_case_file(known, workflow_id), known)
            if isinstance(source.volume, Refusal):
                raise OurMistake("NO-ANALYSIS", "a case that is refused has an analysis")
            found = compared(source.case, source.volume, found, Path(prior), known)
        rewrite_analysis(found, folder)
    return [reason.code.value for reason in found.reasons[len(before.reasons) :]]


def encode(settings: dict[str, Any], workflow_id: str) -> None:
    """Make the objects and publish them; those that are published stay."""
    known = Settings.model_validate(settings)
    folder = result_folder(known.data_dir, workflow_id)
    with _case_lock(folder):
        if kept(folder) is not None:
            return
        file = _case_file(known, workflow_id)
        refusal = read_refusal(folder)
        if refusal is None:
            objects = _results(file, _source_of(file, known), known, folder)
        else:
            objects = _notice(file, _case_of(file, known.data_dir), refusal, known, folder)
        write_json(folder / "result.json", _outcome(file, folder, refusal, objects).as_json(folder))
        _remember(known, file, objects)
        publish(folder, [_kept(o, folder) for o in objects])
    _sources.clear()


def _results(file: CaseFile, source: _Source, settings: Settings, folder: Path) -> tuple[EncodedObject, ...]:
    if file.correction is not None and not isinstance(source.volume, Refusal):
        run = replace(_run(settings, file), label="reader")
        return (encode_correction(settings, file, _identity(file), source.volume, folder, run),)
    return line.encode_case(
        source.case,
        _identity(file),
        settings,
        folder,
        now=datetime.now(UTC).astimezone(),
        volume=None if isinstance(source.volume, Refusal) else source.volume,
        run=_run(settings, file),
    )


def _notice(
    file: CaseFile, case: Case, refusal: Refusal, settings: Settings, folder: Path
) -> tuple[EncodedObject, ...]:
    notice = NoticeInput(
        identity=_identity(file),
        series=case.anchor,
        refusal=refusal,
        objects=settings.objects,
        now=datetime.now(UTC).astimezone(),
        models=line.model_of(case, settings).identities,
        run_label=_run_label(file),
    )
    return encode_notices(notice, folder, shares_of(settings, file.destinations))


def _outcome(file: CaseFile, folder: Path, refusal: Refusal | None, objects: tuple[EncodedObject, ...]) -> Outcome:
    if refusal is not None:
        return Outcome(
            Verdict.REFUSED,
            file.study_instance_uid,
            reasons=refusal.reasons,
            series=_lines(file, None),
            pet=file.pets,
            objects=objects,
        )
    analysis = read_analysis(folder)
    if analysis is None:
        raise OurMistake("NO-ANALYSIS", "objects were made without an analysis")
    return _processed(file, analysis, objects)


def _processed(file: CaseFile, analysis: Analysis, objects: tuple[EncodedObject, ...]) -> Outcome:
    found = analysis.segmentation
    pet = None if analysis.pet is None else analysis.pet.line
    made_a_segmentation = file.correction is not None or any(o.kind == Rung.SEG for o in objects)
    return Outcome(
        Verdict.PROCESSED if made_a_segmentation else Verdict.NOTHING_FOUND,
        file.study_instance_uid,
        reasons=analysis.reasons,
        unsure=found.unsure,
        series=_lines(file, pet),
        models=found.models,
        measurements=analysis.quantities,
        findings=findings_of(analysis, file.anchor.series_instance_uid, _identity(file)),
        pet=_pets(file, pet),
        prior=analysis.prior,
        objects=objects,
        timings_s=analysis.timings_s,
    )


def _lines(file: CaseFile, pet: PetLine | None) -> tuple[SeriesLine, ...]:
    return tuple(
        pet_series(note.series_instance_uid, note.modality, pet)
        if pet is not None and note.series_instance_uid == pet.series_instance_uid
        else SeriesLine(note.series_instance_uid, note.modality, SeriesRole(note.role), note.reasons)
        for note in file.series_notes
    )


def _pets(file: CaseFile, pet: PetLine | None) -> tuple[PetLine, ...]:
    """Put what was measured in the place of what the headers said."""
    if pet is None:
        return file.pets
    return (pet, *(p for p in file.pets if p.series_instance_uid != pet.series_instance_uid))


def _remember(settings: Settings, file: CaseFile, objects: tuple[EncodedObject, ...]) -> None:
    """Note the objects as ours before anybody can send them back to us."""
    with opened_stores(settings) as stores:
        for o in objects:
            stores.own.remember(
                KeptResult(
                    o.sop_instance_uid,
                    o.series_instance_uid,
                    o.sop_class_uid,
                    file.study_instance_uid,
                    file.workflow_id,
                    o.kind,
                    o.path,
                )
            )


def _run(settings: Settings, file: CaseFile) -> Run:
    """Say which run it is, with the objects of the one that it supersedes, where that run made any."""
    before = () if file.predecessor is None else kept(result_folder(settings.data_dir, file.predecessor)) or ()
    named = [
        (o, Reference(file.study_instance_uid, o.series_instance_uid, o.sop_class_uid, o.sop_instance_uid))
        for o in before
    ]
    return Run(
        label=_run_label(file),
        reports={o.gathers: reference for o, reference in named if o.kind == Rung.SR},
        structures=next((reference for o, reference in named if o.kind == Rung.RTSTRUCT), None),
    )


def _run_label(file: CaseFile) -> str:
    return f"r{file.ordinal}" if file.ordinal > 1 else ""


def _identity(file: CaseFile) -> CaseIdentity:
    if file.identity is None:
        raise OurMistake("ENG-CASE", "a case was begun without its identity")
    return _identities.validate_python(file.identity)


def _source_of(file: CaseFile, settings: Settings) -> _Source:
    """Read a case once for both of its steps, where they run in one process."""
    if file.workflow_id not in _sources:
        _sources.clear()
        case = _case_of(file, settings.data_dir)
        _sources[file.workflow_id] = _Source(case, line.read_case(case, settings))
    return _sources[file.workflow_id]


def _case_file(settings: Settings, workflow_id: str) -> CaseFile:
    file = read_case_file(settings.data_dir, workflow_id)
    if file is None:
        raise OurMistake("ENG-CASE", "a workflow has no case on disk")
    return file


def _case_of(file: CaseFile, data_dir: Path) -> Case:
    return Case(
        route=file.route,
        anchor=_series_of(file.anchor, data_dir),
        partners=tuple(_series_of(partner, data_dir) for partner in file.partners),
        lungs=file.lungs,
        lesions=file.lesions,
        priority=Priority(file.priority),
        destinations=file.destinations,
        why=file.why,
        partner_reasons=file.partner_reasons,
    )


def _series_of(source: SourceSeries, data_dir: Path) -> SeriesFacts:
    files = []
    for _, relative in source.files:
        path = data_dir / relative
        facts = read_facts(path)
        if isinstance(facts, Unread):
            raise InputRefused(facts.code, "a file of the case can no longer be read")
        files.append(InstanceFile(facts, path))
    return group(files)[0]


def _refused(refusal: Refusal) -> dict[str, Any]:
    return {"outcome": Verdict.REFUSED.value, "codes": [r.code.value for r in refusing(refusal.reasons)]}


def _kept(o: EncodedObject, folder: Path) -> KeptObject:
    return KeptObject(
        kind=o.kind,
        path=o.path.relative_to(folder).as_posix(),
        sha256=digest_of(o.path),
        sop_class_uid=o.sop_class_uid,
        sop_instance_uid=o.sop_instance_uid,
        series_instance_uid=o.series_instance_uid,
        series_number=o.series_number,
        gathers=o.gathers,
    )


@contextmanager
def _case_lock(folder: Path) -> Iterator[None]:
    """Hold the case's lock; the kernel frees it when this process ends."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
