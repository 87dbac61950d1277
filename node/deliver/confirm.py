"""Asking objects back: which of them does the destination hold now?

A DICOMweb root and an application entity are asked through `archive`; a folder and Orthanc's own interface here.
"""

from collections.abc import Sequence
from itertools import groupby

import requests

from node.archive.endpoint import Endpoint, endpoint_of_destination
from node.archive.questions import held
from node.archive.web import LOGIN_REFUSED
from node.deliver.folder import place_of
from node.deliver.receipt import CREDENTIALS, UNAUTHORISED, Outgoing
from node.deliver.session import http_session, timeouts_s
from node.errors import Misconfigured, WorldUnavailable
from node.settings import Destination


def confirm(objects: Sequence[Outgoing], destination: Destination, *, calling: str) -> frozenset[str] | None:
    """Return the SOP Instance UIDs that the destination holds, or None where it could not be asked.

    Raises
    ------
    Misconfigured
        DLV-AUTH where it refuses the credentials: asking again does not help.
    """
    if destination.kind == "folder":
        return _in_folder(objects, destination)
    if destination.kind == "orthanc":
        return _in_orthanc(objects, destination)
    endpoint = endpoint_of_destination(destination, calling)
    return None if endpoint is None else _in_archive(objects, endpoint)


def can_be_asked(destination: Destination, *, calling: str) -> bool:
    """Whether there is a way to ask, so that a delivery can ever be called safe."""
    if destination.kind in ("folder", "orthanc") or destination.confirm == "none" or destination.commitment == "ask":
        return True
    return endpoint_of_destination(destination, calling) is not None


def _in_archive(objects: Sequence[Outgoing], endpoint: Endpoint) -> frozenset[str] | None:
    def series(o: Outgoing) -> tuple[str, str]:
        return (o.study_instance_uid, o.series_instance_uid)

    found: set[str] = set()
    try:
        for (study_uid, series_uid), group in groupby(sorted(objects, key=series), key=series):
            found |= held(endpoint, study_uid, series_uid, [o.sop_instance_uid for o in group])
    except Misconfigured as error:
        if error.code == LOGIN_REFUSED:
            raise _credentials_refused() from error
        return None
    except WorldUnavailable:
        return None
    return frozenset(found)


def _in_folder(objects: Sequence[Outgoing], destination: Destination) -> frozenset[str]:
    return frozenset(
        o.sop_instance_uid
        for o in objects
        if (place := place_of(o, destination)).exists() and place.stat().st_size == o.path.stat().st_size
    )


def _in_orthanc(objects: Sequence[Outgoing], destination: Destination) -> frozenset[str] | None:
    url = f"{str(destination.url).rstrip('/')}/tools/lookup"
    there = set()
    try:
        with http_session(destination) as session:
            for o in objects:
                answer = session.post(
                    url, data=o.sop_instance_uid, timeout=timeouts_s(destination), allow_redirects=False
                )
                if answer.status_code in UNAUTHORISED:
                    raise _credentials_refused()
                answer.raise_for_status()
                if any(found["Type"] == "Instance" for found in answer.json()):
                    there.add(o.sop_instance_uid)
    except (requests.RequestException, ValueError, KeyError):
        return None
    return frozenset(there)


def _credentials_refused() -> Misconfigured:
    return Misconfigured(
        CREDENTIALS,
        "the destination refuses the credentials when asked what it holds: check username, password or token",
    )
