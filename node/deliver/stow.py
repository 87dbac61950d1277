"""STOW-RS (PS3.18 10.5): the kept bytes in one multipart request, and the body of the answer read object by object.

The bytes are sent as they lie on disk; a client that takes data sets would write them anew.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import requests

from node.archive.web_session import retry_after_s
from node.deliver.receipt import UNAUTHORISED, Outgoing, Receipt, State, credentials_refused, same_for_all
from node.deliver.session import http_session, timeouts_s
from node.deliver.status import classify, written
from node.settings import Destination

_REFERENCED, _FAILED = "00081199", "00081198"
_SOP_INSTANCE, _FAILURE_REASON, _WARNING_REASON = "00081155", "00081197", "00081196"
_TRY_AGAIN = frozenset({404, 408, 425, 429, 500, 502, 503, 504, 507})
_JSON_TYPES = ("application/dicom+json", "application/json")


def send(objects: Sequence[Outgoing], destination: Destination) -> tuple[Receipt, ...]:
    """Store the objects and return one receipt for each, in their order."""
    boundary = uuid.uuid4().hex
    headers = {
        "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
        "Accept": "application/dicom+json",
    }
    url = f"{str(destination.url).rstrip('/')}/studies"
    try:
        with http_session(destination) as session:
            answer = session.post(
                url,
                data=_multipart(objects, boundary),
                headers=headers,
                timeout=timeouts_s(destination),
                allow_redirects=False,
            )
            return read_answer(objects, answer.status_code, answer.headers, answer.content)
    except requests.RequestException as error:
        return same_for_all(objects, State.RETRYABLE, "connect", f"no answer: {type(error).__name__}")


def read_answer(objects: Sequence[Outgoing], code: int, headers: Mapping[str, str], body: bytes) -> tuple[Receipt, ...]:
    """Read what a STOW-RS answer says about each object that was sent.

    Notes
    -----
    PS3.18 table 10.5.3-1: 200 all stored, 202 some stored or stored with warnings, 409 none stored; an object that the
    answer does not mention is not taken to be stored.
    """
    status = f"HTTP {code}"
    if code in UNAUTHORISED:
        return tuple(credentials_refused(o.sop_instance_uid, code) for o in objects)
    if code in _TRY_AGAIN:
        return same_for_all(
            objects,
            State.RETRYABLE,
            status,
            "the destination cannot take it now",
            retry_after_s=retry_after_s(headers),
        )
    if code not in (200, 201, 202, 409):
        return same_for_all(objects, State.PERMANENT, status, "the destination refuses the request")
    said = _statuses(headers, body)
    return tuple(_receipt(o, said, status, code) for o in objects)


def _receipt(sent: Outgoing, said: Mapping[str, int] | None, status: str, code: int) -> Receipt:
    uid = sent.sop_instance_uid
    if said is not None and uid in said:
        state = classify(said[uid])
        return Receipt(uid, state, f"{status} reason {written(said[uid])}", "as the answer says of this object")
    if code == 409:
        return Receipt(uid, State.PERMANENT, status, "none was stored")
    if said is None and code in (200, 201):
        return Receipt(uid, State.STORED, status, "the answer has no readable body")
    return Receipt(uid, State.RETRYABLE, status, "the answer does not mention this object")


def _statuses(headers: Mapping[str, str], body: bytes) -> dict[str, int] | None:
    """Return SOP Instance UID -> status or failure reason; None where the body cannot be read."""
    if headers.get("Content-Type", "").split(";")[0].strip() not in _JSON_TYPES:
        return None
    try:
        answer: Any = json.loads(body)
    except ValueError:
        return None
    answer = answer[0] if isinstance(answer, list) and answer else answer
    if not isinstance(answer, dict):
        return None
    said: dict[str, int] = {}
    for item in _items(answer, _REFERENCED):
        said[_text(item, _SOP_INSTANCE)] = _number(item, _WARNING_REASON, absent=0x0000)
    for item in _items(answer, _FAILED):
        said[_text(item, _SOP_INSTANCE)] = _number(item, _FAILURE_REASON, absent=0x0110)
    return said


def _items(answer: Mapping[str, Any], tag: str) -> list[dict[str, Any]]:
    element = answer.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return [item for item in values if isinstance(item, dict)] if isinstance(values, list) else []


def _text(item: Mapping[str, Any], tag: str) -> str:
    return str(next(iter(item.get(tag, {}).get("Value", [])), ""))


def _number(item: Mapping[str, Any], tag: str, *, absent: int) -> int:
    value = next(iter(item.get(tag, {}).get("Value", [])), absent)
    return value if isinstance(value, int) else absent


def _multipart(objects: Sequence[Outgoing], boundary: str) -> bytes:
    """Join the files as RFC 2046 wants it: CRLF everywhere, and a closing boundary."""
    head = f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    parts = b"".join(head + o.path.read_bytes() + b"\r\n" for o in objects)
    return parts + f"--{boundary}--\r\n".encode()
