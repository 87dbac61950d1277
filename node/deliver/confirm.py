"""Asking objects back: which of them does the destination hold now?"""

from collections.abc import Sequence

import requests

from node.deliver.folder import place_of
from node.deliver.receipt import Outgoing
from node.deliver.session import http_session, timeouts_s
from node.settings import Destination


def confirm(objects: Sequence[Outgoing], destination: Destination) -> frozenset[str] | None:
    """Return the SOP Instance UIDs that the destination holds, or None where it could not be asked."""
    if destination.kind == "folder":
        return _in_folder(objects, destination)
    if destination.kind == "orthanc":
        return _in_orthanc(objects, destination)
    return None


def _in_folder(objects: Sequence[Outgoing], destination: Destination) -> frozenset[str]:
    return frozenset(
        o.sop_instance_uid
        for o in objects
        if (place := place_of(o, destination)).exists() and place.stat().st_size == o.path.stat().st_size
    )


def _in_orthanc(objects: Sequence[Outgoing], destination: Destination) -> frozenset[str] | None:
    url = f"{str(destination.url).rstrip('/')}/tools/lookup"
    held = set()
    try:
        with http_session(destination) as session:
            for o in objects:
                answer = session.post(
                    url, data=o.sop_instance_uid, timeout=timeouts_s(destination), allow_redirects=False
                )
                answer.raise_for_status()
                if any(found["Type"] == "Instance" for found in answer.json()):
                    held.add(o.sop_instance_uid)
    except (requests.RequestException, ValueError, KeyError):
        return None
    return frozenset(held)
