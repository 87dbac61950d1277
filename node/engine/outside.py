"""What the engine asks of the world outside: deliveries, commitments and identities."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import structlog

from node.archive.answers import StudyIdentity
from node.archive.endpoint import Endpoint, endpoint_of_archive
from node.archive.questions import identities_of_study
from node.deliver.commitment import NotRequested, Requested, request
from node.deliver.confirm import confirm, holds_study
from node.deliver.receipt import Outgoing
from node.deliver.send import deliver
from node.engine.delivery import Ways
from node.errors import Misconfigured, OurMistake, WorldUnavailable
from node.facts.instance import InstanceFacts
from node.facts.read import Unread, read_facts
from node.settings import Destination, Settings
from node.store.commitments import FOLDER, note_asked, read_answer

_ON_THE_SAME_ASSOCIATION_S = 3.0


def ways(settings: Settings) -> Ways:
    """Return how deliveries touch the world."""
    calling = settings.receive.ae_title
    folder = settings.data_dir / FOLDER

    def ask_to_commit(
        objects: Sequence[Outgoing], destination: Destination, transaction_uid: str
    ) -> Requested | NotRequested:
        note_asked(folder, transaction_uid)
        return request(objects, destination, transaction_uid, calling=calling, wait_s=_ON_THE_SAME_ASSOCIATION_S)

    return Ways(
        send=lambda objects, destination: deliver(objects, destination, calling=calling),
        ask_back=lambda objects, destination: confirm(objects, destination, calling=calling),
        request_commitment=ask_to_commit,
        read_commitment=lambda transaction_uid: read_answer(folder, transaction_uid),
        holds_study=lambda study_uid, destination: holds_study(study_uid, destination, calling=calling),
    )


def identity_differs(settings: Settings, study_uid: str, result: Path) -> str | None:
    """Say in what an archive's identity of a study differs from the one in a result object; None where in nothing.

    Raises
    ------
    WorldUnavailable
        An archive could not be asked, and the settings forbid to deliver unasked.
    """
    facts = read_facts(result)
    if isinstance(facts, Unread):
        raise OurMistake("ENG-OUTBOX", "a kept result cannot be read")
    for name, endpoint in _archives(settings):
        try:
            known = identities_of_study(endpoint, study_uid)
        except (WorldUnavailable, Misconfigured) as error:
            if settings.rules.stop_without_identity_check:
                raise WorldUnavailable(
                    "ARCHIVE-DOWN", f"the archive {name!r} could not be asked for the identity"
                ) from error
            structlog.get_logger().warning("engine.identity_unchecked", study_uid=study_uid, code=error.code)
            continue
        fields = sorted({field for identity in known for field in differing(identity, facts)})
        if fields:
            return f"ID-CHANGED: {' and '.join(fields)} of the study in archive {name!r} differ from the result's"
    return None


def differing(identity: StudyIdentity, facts: InstanceFacts) -> list[str]:
    """Name the fields in which an archive's identity differs; one that it does not tell is no difference.

    Many archives do not keep the issuer and answer it empty, so an empty issuer tells nothing.
    """
    patient = facts.patient
    pairs = {
        "Patient ID": (identity.patient_id, patient.patient_id),
        "Issuer of Patient ID": (identity.issuer_of_patient_id or None, patient.issuer_of_patient_id),
        "Patient's Birth Date": (identity.birth_date, patient.birth_date),
        "Accession Number": (identity.accession_number, facts.accession_number),
    }
    return [name for name, (theirs, ours) in pairs.items() if theirs is not None and theirs != ours.strip()]


def _archives(settings: Settings) -> Iterator[tuple[str, Endpoint]]:
    for archive in settings.archives:
        endpoint = endpoint_of_archive(archive, settings.receive.ae_title)
        if endpoint is not None:
            yield archive.name, endpoint
