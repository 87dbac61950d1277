"""What is sent and what a destination said about it: one receipt per object, every status kept.

A receipt is what was *answered*; whether the object is there is asked afterwards (`confirm.py`).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

UNAUTHORISED = (401, 403)  # of HTTP
CREDENTIALS = "DLV-AUTH"


class State(StrEnum):
    """What became of one object at one destination."""

    STORED = "stored"  # the destination answered success or a warning
    PERMANENT = "failed-permanent"  # sending the same bytes again will not help
    RETRYABLE = "failed-retryable"  # the destination, the network or time is at fault


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One kept object, as it goes over the wire: its bytes are those of `path`, never rebuilt."""

    kind: str
    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer about one object.

    Attributes
    ----------
    status : as it came: "0x0000", "HTTP 409", "reason 0xA700", "connect", "context-refused" ...
    text : in plain words, without patient data.
    retry_after_s : how long the destination asked us to wait, None where it did not say.
    unauthorised : whether the credentials were refused: only a person can change that.
    """

    sop_instance_uid: str
    state: State
    status: str
    text: str = ""
    retry_after_s: float | None = None
    unauthorised: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return what is kept and shown."""
        return {
            "sop_instance_uid": self.sop_instance_uid,
            "state": self.state.value,
            "status": self.status,
            "text": self.text,
            "retry_after_s": self.retry_after_s,
            "unauthorised": self.unauthorised,
        }


def credentials_refused(sop_instance_uid: str, http_status: int) -> Receipt:
    """Build the receipt of HTTP 401 or 403: the bytes are well, so they are kept for when the settings are."""
    return Receipt(
        sop_instance_uid,
        State.RETRYABLE,
        f"HTTP {http_status}",
        "the destination refuses the credentials: check username, password or token",
        unauthorised=True,
    )


def same_for_all(
    objects: Iterable[Outgoing], state: State, status: str, text: str, *, retry_after_s: float | None = None
) -> tuple[Receipt, ...]:
    """Give every object the same receipt, where the answer was about all of them."""
    return tuple(Receipt(o.sop_instance_uid, state, status, text, retry_after_s) for o in objects)
