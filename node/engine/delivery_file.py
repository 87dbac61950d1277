"""What is known of a case's delivery to one destination: every status of every object, kept after each attempt."""

import time
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path

from pydantic import TypeAdapter

from node.deliver.receipt import Receipt, State
from node.engine.files import read_as, write_json

_ANSWERS_KEPT = 1000  # days of attempts once an hour


class Stage(StrEnum):
    """Where a delivery stands."""

    WAITING = "waiting"  # not tried yet, or to be tried again
    SAFE = "safe"  # every object was asked back, or committed
    DEAD = "dead-letter"  # given up; `lungnode jobs replay` tries again
    HELD = "held"  # the archive's identity of the study is another one (ID-CHANGED), or it is gone (DLV-NOSTUDY)
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a destination said about one object in one attempt, and when."""

    attempt: int
    at_s: float
    sop_instance_uid: str
    state: State
    status: str
    text: str


@dataclass(frozen=True, slots=True)
class Delivery:
    """One case at one destination.

    Attributes
    ----------
    receipts : the newest answer about each object, by SOP Instance UID.
    answers : the answers of all attempts, oldest first; of very many the latest.
    n_stored : how often each object was called stored since the delivery was begun, or replayed by hand.
    confirmed : those that the destination was found to hold.
    transaction_uid, commitment_asked_s : of the open storage commitment request.
    why : the last reason in plain words.
    """

    destination: str
    stage: Stage = Stage.WAITING
    attempts: int = 0
    due_s: float = 0.0
    next_s: float | None = None
    receipts: dict[str, Receipt] = field(default_factory=dict)
    answers: tuple[Answer, ...] = ()
    n_stored: dict[str, int] = field(default_factory=dict)
    confirmed: tuple[str, ...] = ()
    transaction_uid: str | None = None
    commitment_asked_s: float | None = None
    why: str = ""

    def with_receipts(self, receipts: tuple[Receipt, ...]) -> "Delivery":
        """Return it with newer answers."""
        now_s = time.time()
        new = [Answer(self.attempts, now_s, r.sop_instance_uid, r.state, r.status, r.text) for r in receipts]
        newest = self.receipts | {r.sop_instance_uid: r for r in receipts}
        return replace(self, receipts=newest, answers=(*self.answers, *new)[-_ANSWERS_KEPT:])

    def with_sent(self, receipts: tuple[Receipt, ...]) -> "Delivery":
        """Return it with the answers to what was just sent."""
        stored = [r.sop_instance_uid for r in receipts if r.state is State.STORED]
        n_stored = self.n_stored | {uid: self.n_stored.get(uid, 0) + 1 for uid in stored}
        return replace(self.with_receipts(receipts), n_stored=n_stored)

    def with_confirmed(self, uids: frozenset[str]) -> "Delivery":
        """Return it with further objects found."""
        return replace(self, confirmed=tuple(sorted({*self.confirmed, *uids})))

    def failed_for_good(self, uid: str) -> bool:
        """Whether the destination refused an object for a reason that stays."""
        return uid in self.receipts and self.receipts[uid].state is State.PERMANENT

    @property
    def is_unauthorised(self) -> bool:
        """Whether the destination's newest answer about an open object is that it refuses our credentials."""
        return any(r.unauthorised for uid, r in self.receipts.items() if uid not in self.confirmed)


_adapter = TypeAdapter(Delivery)


def delivery_path(folder: Path, destination: str) -> Path:
    """Return the file of one destination in a case's folder."""
    return folder / "delivery" / f"{destination}.json"


def write_delivery(folder: Path, delivery: Delivery) -> None:
    """Keep it."""
    write_json(delivery_path(folder, delivery.destination), _adapter.dump_python(delivery, mode="json"))


def read_delivery(folder: Path, destination: str) -> Delivery:
    """Read it; one that was never tried is waiting, ENG-FILE where its file is damaged."""
    return read_as(delivery_path(folder, destination), _adapter) or Delivery(destination)


def all_deliveries(folder: Path) -> tuple[Delivery, ...]:
    """Return the deliveries of a case, by destination."""
    names = sorted(p.stem for p in (folder / "delivery").glob("*.json"))
    return tuple(read_delivery(folder, name) for name in names)
