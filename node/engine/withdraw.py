"""Results taken back by an operator's order: a rejection note about our own objects, and an end to their sending."""

from datetime import UTC, datetime
from pathlib import Path

from dbos import DBOSClient
from pydantic import TypeAdapter

from node.deliver.receipt import Outgoing, Receipt
from node.deliver.send import deliver
from node.engine.case_file import CaseFile, result_folder
from node.engine.delivery_file import all_deliveries
from node.engine.files import read_json, write_json
from node.engine.job_state import Job
from node.engine.outbox import KeptObject, digest_of, kept
from node.engine.stopped import Stopped, is_rejected, stop
from node.engine.stores import opened_stores
from node.engine.withdrawal import Withdrawal
from node.errors import InputRefused, Misconfigured, OurMistake
from node.report import codes
from node.report.document import Reference
from node.report.encoded import EncodedObject
from node.report.rejection_note import NoteInput, encode_rejection_note
from node.report.uids import CaseIdentity
from node.settings import Settings
from node.store.own import KeptResult

_FILE = "withdrawn.json"
_REASONS = {Withdrawal.SOFTWARE_FAILURE: codes.SOFTWARE_FAILURE, Withdrawal.IMAGE_ARTEFACTS: codes.IMAGE_ARTEFACTS}
_identities = TypeAdapter(CaseIdentity)
_objects = TypeAdapter(KeptObject)


def withdraw(
    settings: Settings, engine: DBOSClient, found: Job, reason: Withdrawal, to: str | None
) -> dict[str, Receipt]:
    """Stop a case's deliveries and send a rejection note about its objects; return each destination's answer.

    The note is made once and kept; ordered again, its bytes are sent again.

    Raises
    ------
    InputRefused
        JOB-NOTHING where it has no objects, or no destination was sent any.
    Misconfigured
        CLI-DESTINATION where there is no such destination.
    """
    case = found.case
    folder = result_folder(settings.data_dir, case.workflow_id)
    objects = kept(folder) or ()
    if not objects:
        raise InputRefused("JOB-NOTHING", "no object was made of it, so there is nothing to take back")
    names = [d.destination for d in all_deliveries(folder) if d.attempts] if to is None else [to]
    destinations = [d for d in settings.destinations if d.name in names]
    if not destinations:
        raise (
            InputRefused("JOB-NOTHING", "no destination was sent anything of it; `lungnode jobs cancel` stops it")
            if to is None
            else Misconfigured("CLI-DESTINATION", f"there is no destination {to!r}")
        )
    note = _kept_note(folder) or _made_note(settings, case, folder, objects, reason)
    if not is_rejected(folder):
        why = f"withdrawn by hand: {reason.value}"
        stop(settings.data_dir, engine, case.workflow_id, Stopped.REJECTED, why)
    path = folder / note.path
    if digest_of(path) != note.sha256:
        raise OurMistake("ENG-OUTBOX", "the kept rejection note was changed on disk")
    outgoing = Outgoing(
        note.kind, path, note.sop_class_uid, note.sop_instance_uid, note.series_instance_uid, case.study_instance_uid
    )
    calling = settings.receive.ae_title
    return {d.name: deliver((outgoing,), d, calling=calling)[0] for d in destinations}


def _kept_note(folder: Path) -> KeptObject | None:
    found = read_json(folder / _FILE)
    return None if found is None else _objects.validate_python(found)


def _made_note(
    settings: Settings, case: CaseFile, folder: Path, objects: tuple[KeptObject, ...], reason: Withdrawal
) -> KeptObject:
    if case.identity is None:
        raise OurMistake("ENG-CASE", "a case was begun without its identity")
    study = case.study_instance_uid
    sources = [settings.data_dir / path for _, path in case.anchor.files]
    note = NoteInput(
        identity=_identities.validate_python(case.identity),
        header_file=next((path for path in sources if path.exists()), folder / objects[0].path),
        rejected=tuple(Reference(study, o.series_instance_uid, o.sop_class_uid, o.sop_instance_uid) for o in objects),
        reason=_REASONS[reason],
        objects=settings.objects,
        now=datetime.now(UTC).astimezone(),
    )
    out_dir = folder / "withdrawn"
    out_dir.mkdir(parents=True, exist_ok=True)
    made = encode_rejection_note(note, out_dir)
    _remember(settings, case, made)
    kept_note = KeptObject(
        made.kind, made.path.relative_to(folder).as_posix(), digest_of(made.path), made.sop_class_uid,
        made.sop_instance_uid, made.series_instance_uid, made.series_number,
    )  # fmt: skip
    write_json(folder / _FILE, _objects.dump_python(kept_note, mode="json"))
    return kept_note


def _remember(settings: Settings, case: CaseFile, made: EncodedObject) -> None:
    with opened_stores(settings) as stores:
        stores.own.remember(
            KeptResult(
                made.sop_instance_uid, made.series_instance_uid, made.sop_class_uid, case.study_instance_uid,
                case.workflow_id, made.kind, made.path,
            )
        )  # fmt: skip
