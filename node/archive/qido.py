"""Counts, identities and holdings by QIDO-RS (PS3.18 section 10.6; standards 6.5)."""

from collections.abc import Iterable
from typing import Any

from node.archive.answers import StudyIdentity
from node.archive.endpoint import WebEndpoint
from node.archive.web import Client, web_client
from node.errors import WorldUnavailable

# DICOM JSON names attributes by tag (PS3.18 F.2)
_SOP_INSTANCE_UID = "00080018"
_ACCESSION_NUMBER = "00080050"
_PATIENT_ID = "00100020"
_ISSUER_OF_PATIENT_ID = "00100021"
_BIRTH_DATE = "00100030"
_SERIES_INSTANCE_UID = "0020000E"
_STUDY_INSTANCE_UID = "0020000D"
_N_STUDY_INSTANCES = "00201208"
_N_SERIES_INSTANCES = "00201209"
_PAGE = 1000

Match = dict[str, Any]


def count_series(endpoint: WebEndpoint, study_uid: str, series_uid: str) -> int | None:
    """Return how many instances of a series the archive has, None where it does not know the series."""
    with web_client(endpoint) as client:
        matches = client.search_for_series(
            study_instance_uid=study_uid,
            fields=["NumberOfSeriesRelatedInstances"],
            search_filters={"SeriesInstanceUID": series_uid},
        )
        mine = [match for match in matches if _text(match, _SERIES_INSTANCE_UID) == series_uid]
        return _count(client, mine, _N_SERIES_INSTANCES, study_uid, series_uid)


def count_study(endpoint: WebEndpoint, study_uid: str) -> int | None:
    """Return how many instances of a study the archive has, None where it does not know the study."""
    with web_client(endpoint) as client:
        mine = _studies(client, study_uid, ["NumberOfStudyRelatedInstances"])
        return _count(client, mine, _N_STUDY_INSTANCES, study_uid, None)


def identities_of_study(endpoint: WebEndpoint, study_uid: str) -> tuple[StudyIdentity, ...]:
    """Return the identities under which the archive has a study: none, one, or several where it is in two minds."""
    fields = ["PatientID", "IssuerOfPatientID", "PatientBirthDate", "AccessionNumber"]
    with web_client(endpoint) as client:
        found = [
            StudyIdentity(
                patient_id=_text(match, _PATIENT_ID),
                issuer_of_patient_id=_text(match, _ISSUER_OF_PATIENT_ID),
                birth_date=_text(match, _BIRTH_DATE),
                accession_number=_text(match, _ACCESSION_NUMBER),
            )
            for match in _studies(client, study_uid, fields)
        ]
    return tuple(dict.fromkeys(found))


def held(endpoint: WebEndpoint, study_uid: str, series_uid: str, sop_uids: Iterable[str]) -> frozenset[str]:
    """Return those of the SOP Instance UIDs that the archive has, each asked for by itself."""
    with web_client(endpoint) as client:
        return frozenset(uid for uid in sop_uids if _has(client, study_uid, series_uid, uid))


def search(
    endpoint: WebEndpoint, level: str, where: dict[str, str], fields: list[str], limit: int | None
) -> list[Match]:
    """Return the matches at a level; UIDs of the levels above go into the path, the rest are filters."""
    path = {"study_instance_uid": where.get("StudyInstanceUID"), "series_instance_uid": where.get("SeriesInstanceUID")}
    with web_client(endpoint) as client:
        if level == "STUDY":
            return list(client.search_for_studies(fields=fields, search_filters=where, limit=limit))
        above = {"SERIES": ("StudyInstanceUID",), "IMAGE": ("StudyInstanceUID", "SeriesInstanceUID")}[level]
        filters = {keyword: value for keyword, value in where.items() if keyword not in above}
        if level == "SERIES":
            study_uid = path["study_instance_uid"]
            return list(client.search_for_series(study_uid, fields=fields, search_filters=filters, limit=limit))
        return list(client.search_for_instances(**path, fields=fields, search_filters=filters, limit=limit))


def _has(client: Client, study_uid: str, series_uid: str, sop_uid: str) -> bool:
    matches = client.search_for_instances(
        study_instance_uid=study_uid, series_instance_uid=series_uid, search_filters={"SOPInstanceUID": sop_uid}
    )
    return any(_text(match, _SOP_INSTANCE_UID) == sop_uid for match in matches)


def _studies(client: Client, study_uid: str, fields: list[str]) -> list[Match]:
    """Search for a study; an archive that ignores the filter must not answer for another study."""
    matches = client.search_for_studies(fields=fields, search_filters={"StudyInstanceUID": study_uid})
    return [match for match in matches if _text(match, _STUDY_INSTANCE_UID) == study_uid]


def _count(client: Client, matches: list[Match], tag: str, study_uid: str, series_uid: str | None) -> int | None:
    """Take the archive's number where it gives one, else count the instances that it lists."""
    if not matches:
        return None
    numbers = [match.get(tag, {}).get("Value", [None])[0] for match in matches]
    if all(number is not None for number in numbers):
        return sum(int(number) for number in numbers)
    return _listed(client, study_uid, series_uid)


def _listed(client: Client, study_uid: str, series_uid: str | None) -> int:
    """Count distinct instances page by page."""
    seen: set[str] = set()
    offset = 0
    while True:
        page = client.search_for_instances(
            study_instance_uid=study_uid, series_instance_uid=series_uid, limit=_PAGE, offset=offset
        )
        uids = {uid for match in page if (uid := _text(match, _SOP_INSTANCE_UID))}
        if not uids - seen:
            return len(seen)
        seen |= uids
        offset += len(page)


def _text(match: Match, tag: str) -> str | None:
    """Return the first value of an attribute, "" where it is there and empty, None where it is not there."""
    if not isinstance(match, dict):
        raise WorldUnavailable("ARCHIVE-ANSWER", "the archive's answer is not a list of data sets")
    element = match.get(tag)
    if element is None:
        return None
    values = element.get("Value") or [""]
    return str(values[0] or "").strip()
