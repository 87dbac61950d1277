"""Counts, identities and holdings by C-FIND in the study root model (PS3.4 annex C)."""

import socket
import time
from collections.abc import Iterable, Iterator, MutableSequence
from contextlib import contextmanager
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind

from node.application_entity import application_entity, keep_answers
from node.archive.answers import StudyIdentity
from node.archive.endpoint import CONNECT_WITHIN_S, DimseEndpoint
from node.errors import LungnodeError, Misconfigured, WorldUnavailable

Association = Any  # pynetdicom ships no types

_SUCCESS = 0x0000
_TRANSIENT = 2  # PS3.8 table 9-21: rejected for now
_PENDING = frozenset((0xFF00, 0xFF01))  # PS3.4 table C.4-1
_MOST_ANSWERS = 20_000  # standards SIZE-COUNT: a study has no more instances
_SLOWEST_ANSWER_S = 0.1  # on average, beside `timeout_s` for the whole search


def count_series(endpoint: DimseEndpoint, study_uid: str, series_uid: str) -> int | None:
    """Return how many instances of a series the archive has, None where it has none of it."""
    with opened(endpoint, StudyRootQueryRetrieveInformationModelFind) as association:
        return _count(association, StudyInstanceUID=study_uid, SeriesInstanceUID=series_uid) or None


def count_study(endpoint: DimseEndpoint, study_uid: str) -> int | None:
    """Return how many instances of a study the archive has, None where it does not know the study."""
    with opened(endpoint, StudyRootQueryRetrieveInformationModelFind) as association:
        series = _find(association, "SERIES", StudyInstanceUID=study_uid, SeriesInstanceUID="")
        uids = sorted({str(answer.get("SeriesInstanceUID", "")) for answer in series} - {""})
        counts = [_count(association, StudyInstanceUID=study_uid, SeriesInstanceUID=uid) for uid in uids]
    return sum(counts) if counts else None


def identities_of_study(endpoint: DimseEndpoint, study_uid: str) -> tuple[StudyIdentity, ...]:
    """Return the identities under which the archive has a study: none, one, or several where it is in two minds."""
    keys = dict.fromkeys(("PatientID", "IssuerOfPatientID", "PatientBirthDate", "AccessionNumber"), "")
    with opened(endpoint, StudyRootQueryRetrieveInformationModelFind) as association:
        answers = _find(association, "STUDY", StudyInstanceUID=study_uid, **keys)
    mine = [answer for answer in answers if str(answer.get("StudyInstanceUID", "")) == study_uid]
    found = [
        StudyIdentity(
            patient_id=_text(answer, "PatientID"),
            issuer_of_patient_id=_text(answer, "IssuerOfPatientID"),
            birth_date=_text(answer, "PatientBirthDate"),
            accession_number=_text(answer, "AccessionNumber"),
        )
        for answer in mine
    ]
    return tuple(dict.fromkeys(found))


def held(endpoint: DimseEndpoint, study_uid: str, series_uid: str, sop_uids: Iterable[str]) -> frozenset[str]:
    """Return those of the SOP Instance UIDs that the archive has, each asked for by itself."""
    keys = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": series_uid}
    with opened(endpoint, StudyRootQueryRetrieveInformationModelFind) as association:
        return frozenset(
            uid
            for uid in sop_uids
            if any(
                str(answer.get("SOPInstanceUID", "")) == uid
                for answer in _find(association, "IMAGE", SOPInstanceUID=uid, **keys)
            )
        )


def search(endpoint: DimseEndpoint, level: str, keys: dict[str, str]) -> list[dict[str, str | None]]:
    """Return the answers to one search by keyword: "" where a value is empty, None where it was left out."""
    with opened(endpoint, StudyRootQueryRetrieveInformationModelFind) as association:
        answers = _find(association, level, **keys)
    return [{keyword: _text(answer, keyword) for keyword in keys} for answer in answers]


def _count(association: Association, **keys: str) -> int:
    """Count the distinct instances that the archive lists for a series."""
    answers = _find(association, "IMAGE", SOPInstanceUID="", **keys)
    return len({str(answer.get("SOPInstanceUID", "")) for answer in answers} - {""})


def _find(association: Association, level: str, **keys: str) -> list[Dataset]:
    """Send one C-FIND and gather its answers.

    Raises
    ------
    WorldUnavailable
        ARCHIVE-DOWN the association broke; ARCHIVE-ANSWER it ended with a failure or with too many answers;
        ARCHIVE-SLOW the answers trickle.
    """
    begun_s, timeout_s = time.monotonic(), float(association.ae.dimse_timeout)
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    answers: list[Dataset] = []
    for status, answer in association.send_c_find(identifier, StudyRootQueryRetrieveInformationModelFind):
        if "Status" not in status:
            raise WorldUnavailable("ARCHIVE-DOWN", "the archive broke the association off while it was asked")
        if status.Status in _PENDING and answer is not None:
            answers.append(answer)
        elif status.Status != _SUCCESS:
            raise WorldUnavailable("ARCHIVE-ANSWER", f"the archive ends a search with status 0x{status.Status:04X}")
        if len(answers) > _MOST_ANSWERS:
            raise WorldUnavailable("ARCHIVE-ANSWER", f"the archive gives more than {_MOST_ANSWERS} answers")
        if time.monotonic() - begun_s > timeout_s + _SLOWEST_ANSWER_S * len(answers):
            raise WorldUnavailable("ARCHIVE-SLOW", "the archive did not send all answers in time")
    return answers


@contextmanager
def opened(endpoint: DimseEndpoint, service: str) -> Iterator[Association]:
    """Open an association for one service, released at the end, aborted where something failed.

    Raises
    ------
    WorldUnavailable
        ARCHIVE-DOWN nobody answers, or it left between two questions; ARCHIVE-BUSY no association is free;
        ARCHIVE-ANSWER what it answers cannot be read.
    Misconfigured
        ARCHIVE-REFUSED the archive refuses our title or the service.
    """
    entity = application_entity(endpoint.calling)
    entity.connection_timeout = entity.acse_timeout = min(CONNECT_WITHIN_S, endpoint.timeout_s)
    entity.dimse_timeout = entity.network_timeout = endpoint.timeout_s
    entity.add_requested_context(service)
    try:
        association = entity.associate(
            endpoint.host, endpoint.port, ae_title=endpoint.ae_title, evt_handlers=[(evt.EVT_CONN_OPEN, _no_delay)]
        )
    except (OSError, UnicodeError) as error:  # pynetdicom raises where a name has no address
        text = f"the name {endpoint.host!r} of {endpoint.ae_title} has no address: check it, and the name server"
        raise WorldUnavailable("ARCHIVE-DOWN", text) from error
    if not association.is_established:
        raise _why_not(association, endpoint)
    keep_answers(association)
    try:
        yield association
        association.release()
    except RuntimeError as error:  # pynetdicom raises it where the peer left between two questions
        raise WorldUnavailable("ARCHIVE-DOWN", "the archive ended the association between two questions") from error
    except ValueError as error:
        text = f"the archive's answer is not valid: {type(error).__name__}"
        raise WorldUnavailable("ARCHIVE-ANSWER", text) from error
    finally:
        if association.is_established:
            association.abort()


def _why_not(association: Association, endpoint: DimseEndpoint) -> LungnodeError:
    """Tell a peer that refuses us for good from one that is away or full."""
    where = f"{endpoint.ae_title}@{endpoint.host}:{endpoint.port}"
    answer = association.acceptor.primitive
    if association.is_rejected and answer is not None and answer.result == _TRANSIENT:
        return WorldUnavailable("ARCHIVE-BUSY", f"{where} takes no association now")
    if association.is_rejected or association.rejected_contexts:
        text = f"{where} refuses {endpoint.calling} or the service: enter us there, or correct the titles"
        return Misconfigured("ARCHIVE-REFUSED", text)
    return WorldUnavailable("ARCHIVE-DOWN", f"nobody answers at {where}")


def _no_delay(event: Any) -> None:
    """Small requests are sent at once; pynetdicom 3.0.4 leaves Nagle's algorithm on."""
    event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _text(answer: Dataset, keyword: str) -> str | None:
    """Return a value, several joined by a backslash, "" where it is empty, None where the archive left it out."""
    if keyword not in answer:
        return None
    value = answer.get(keyword)
    if isinstance(value, MutableSequence):
        return "\\".join(str(part).strip() for part in value)
    return str("" if value is None else value).strip()
