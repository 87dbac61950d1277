"""Orthanc's own REST interface: one POST per object, whose answer says stored or already there."""

from collections.abc import Sequence

import requests

from node.deliver.receipt import UNAUTHORISED, Outgoing, Receipt, State, credentials_refused
from node.deliver.session import http_session, timeouts_s
from node.settings import Destination

_KEPT = ("Success", "AlreadyStored")


def send(objects: Sequence[Outgoing], destination: Destination) -> tuple[Receipt, ...]:
    """Store the objects one after the other and return one receipt for each."""
    with http_session(destination) as session:
        return tuple(_send_one(o, session, destination) for o in objects)


def _send_one(sent: Outgoing, session: requests.Session, destination: Destination) -> Receipt:
    uid = sent.sop_instance_uid
    try:
        answer = session.post(
            f"{str(destination.url).rstrip('/')}/instances",
            data=sent.path.read_bytes(),
            headers={"Content-Type": "application/dicom"},
            timeout=timeouts_s(destination),
            allow_redirects=False,
        )
    except requests.RequestException as error:
        return Receipt(uid, State.RETRYABLE, "connect", f"no answer: {type(error).__name__}")
    status = f"HTTP {answer.status_code}"
    if answer.status_code == 200:
        return _stored(uid, status, answer)
    if answer.status_code in UNAUTHORISED:
        return credentials_refused(uid, answer.status_code)
    state = State.PERMANENT if answer.status_code in (400, 415, 422) else State.RETRYABLE
    return Receipt(uid, state, status, "the server did not store it")


def _stored(uid: str, status: str, answer: requests.Response) -> Receipt:
    try:
        said = answer.json()
    except ValueError:
        said = None
    word = str(said.get("Status", "")) if isinstance(said, dict) else ""
    if word in _KEPT:
        return Receipt(uid, State.STORED, f"{status} {word}")
    return Receipt(uid, State.RETRYABLE, status, "the answer does not say that it was stored")
