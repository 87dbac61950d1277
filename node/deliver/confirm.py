"""Asking a destination: which of these objects does it hold now, and does it still hold their study?

A DICOMweb root and an application entity are asked through `archive`; a folder and Orthanc's own interface here.
"""

from collections.abc import Sequence
from itertools import groupby

import requests

from node.archive.endpoint import Endpoint, endpoint_of_destination
from node.archive.questions import held, identities_of_study
from node.archive.web import LOGIN_REFUSED, translated
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


def holds_study(study_uid: str, destination: Destination, *, calling: str) -> bool:
    """Whether the destination has anything of a study.

    Raises
    ------
    WorldUnavailable, Misconfigured
        It could not be asked; see `archive.web.translated` and `archive.cfind.opened`.
    """
    if destination.kind == "orthanc":
        with translated(), http_session(destination) as session:
            return "Study" in _levels(study_uid, session, destination)
    endpoint = endpoint_of_destination(destination, calling)
    if endpoint is None:
        raise Misconfigured("CFG-VALUE", f"destination {destination.name!r} cannot be asked what it holds")
    return bool(identities_of_study(endpoint, study_uid))


def can_be_asked_for_studies(destination: Destination, *, calling: str) -> bool:
    """Whether there is a way to ask what it holds, beside commitment, which tells of our own objects alone."""
    return destination.kind == "orthanc" or endpoint_of_destination(destination, calling) is not None


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
    there = set()
    try:
        with http_session(destination) as session:
            for o in objects:
                if "Instance" in _levels(o.sop_instance_uid, session, destination):
                    there.add(o.sop_instance_uid)
    except requests.HTTPError as error:
        if error.response is not None and error.response.status_code in UNAUTHORISED:
            raise _credentials_refused() from error
        return None
    except (requests.RequestException, ValueError, KeyError):
        return None
    return frozenset(there)


def _levels(uid: str, session: requests.Session, destination: Destination) -> frozenset[str]:
    """Return of which levels ("Study", "Instance" ...) an Orthanc has something under a UID."""
    url = f"{str(destination.url).rstrip('/')}/tools/lookup"
    answer = session.post(url, data=uid, timeout=timeouts_s(destination), allow_redirects=False)
    answer.raise_for_status()
    return frozenset(found["Type"] for found in answer.json())


def _credentials_refused() -> Misconfigured:
    return Misconfigured(
        CREDENTIALS,
        "the destination refuses the credentials when asked what it holds: check username, password or token",
    )
