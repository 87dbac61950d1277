"""One attempt to bring a case's objects to one destination, and the decision what comes after it.

Success is not believed: an object is safe when the destination was asked for it and held it, or committed to keep it.
What is there already is not sent again, so an attempt may be repeated at any time.
"""

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from node.archive.web import LOGIN_REFUSED
from node.deliver.commitment import NotRequested, Requested
from node.deliver.receipt import Outgoing, Receipt, State
from node.deliver.status import classify, written
from node.engine.backoff import delay_s
from node.engine.delivery_file import Delivery, Stage
from node.errors import Misconfigured, WorldUnavailable
from node.settings import Destination
from node.store.commitments import CommitmentAnswer

_STORED_AT_MOST = 2  # a third copy of what the destination takes and does not show would only fill its list of strays
COMMITMENT_WITHIN_S = 86400.0  # standards 6.3, point 4: then ask again
COMMITMENT_LOOK_EVERY_S = 30.0
NO_STUDY = "DLV-NOSTUDY"
_NO_ANSWER = ("connect", "host-name", "ARCHIVE-DOWN")


@dataclass(frozen=True, slots=True)
class Ways:
    """How the world is touched. `ask_back` returns what the destination holds, None where it could not be asked.

    It raises `Misconfigured` (DLV-AUTH) where the destination refuses the credentials. `holds_study` raises
    `WorldUnavailable` or `Misconfigured` where the destination could not be asked.
    """

    send: Callable[[Sequence[Outgoing], Destination], tuple[Receipt, ...]]
    ask_back: Callable[[Sequence[Outgoing], Destination], frozenset[str] | None]
    request_commitment: Callable[[Sequence[Outgoing], Destination, str], Requested | NotRequested]
    read_commitment: Callable[[str], CommitmentAnswer | None]
    holds_study: Callable[[str, Destination], bool]


def attempt(
    delivery: Delivery,
    objects: Sequence[Outgoing],
    destination: Destination,
    ways: Ways,
    *,
    now_s: float,
    keep: Callable[[Delivery], None],
) -> Delivery:
    """Send what is not there yet, ask back what was sent, and return what is known then.

    Where the destination needs the study of what is sent and does not hold it, nothing is sent: the delivery is held.

    Parameters
    ----------
    keep : called with what must be on disk before the world is touched again (a commitment's transaction).
    """
    delivery = replace(delivery, stage=Stage.WAITING, attempts=delivery.attempts + 1)
    if delivery.attempts > 1:
        delivery = _asked_back(delivery, _open(delivery, objects), destination, ways)
    to_send = [o for o in _open(delivery, objects) if not _is_stored(delivery, o) and _is_worth_sending(delivery, o)]
    if to_send and destination.needs_study:
        instead = _without_study(delivery, to_send, destination, ways)
        if instead is not None:
            return instead
    if to_send:
        delivery = delivery.with_sent(ways.send(to_send, destination))
        keep(delivery)
    stored = [o for o in _open(delivery, objects) if _is_stored(delivery, o)]
    if not stored:
        return delivery
    if destination.commitment == "ask":
        return _committed(delivery, stored, destination, ways, now_s=now_s, keep=keep)
    return _asked_back(delivery, stored, destination, ways)


def decide(
    delivery: Delivery,
    objects: Sequence[Outgoing],
    destination: Destination,
    *,
    now_s: float,
    jitter: float,
    fails_everybody: bool = False,
) -> Delivery:
    """Return the delivery with its stage: safe, to be tried again at a time, or given up.

    Parameters
    ----------
    fails_everybody : the destination fails every delivery. Where it is not there at all, no time ends the attempts:
        each case would have to be replayed by hand when it is back.
    """
    if delivery.stage is Stage.HELD:
        return delivery
    missing = _open(delivery, objects)
    refused = [o for o in objects if delivery.failed_for_good(o.sop_instance_uid)]
    if not missing and not refused:
        return replace(delivery, stage=Stage.SAFE, next_s=None, why="every object was found at the destination")
    if not missing:
        return replace(delivery, stage=Stage.DEAD, next_s=None, why=_text_about(delivery, refused, destination))
    is_down = fails_everybody and all(_nobody_there(delivery, o) for o in missing)
    if now_s - delivery.due_s > destination.give_up_after_s and not is_down:
        return replace(
            delivery, stage=Stage.DEAD, next_s=None, why=f"given up: {_text_about(delivery, missing, destination)}"
        )
    wait_s = delay_s(
        delivery.attempts, first_s=destination.first_retry_s, longest_s=destination.longest_retry_s, jitter=jitter
    )
    if delivery.is_unauthorised:
        wait_s = destination.longest_retry_s  # many archives lock an account that tries too often
    if delivery.transaction_uid is not None:
        wait_s = min(wait_s, COMMITMENT_LOOK_EVERY_S)
    asked_s = [delivery.receipts[u].retry_after_s or 0.0 for u in _uids(missing) & set(delivery.receipts)]
    next_s = now_s + max([wait_s, *asked_s])
    return replace(delivery, stage=Stage.WAITING, next_s=next_s, why=_text_about(delivery, missing, destination))


def broken_off(delivery: Delivery, destination: Destination, why: str, *, now_s: float, jitter: float) -> Delivery:
    """Return a delivery whose attempt ended in an error instead of answers: to be tried again, or given up in time."""
    delivery = replace(delivery, attempts=delivery.attempts + 1)
    if now_s - delivery.due_s > destination.give_up_after_s:
        return replace(delivery, stage=Stage.DEAD, next_s=None, why=f"given up: {why}")
    wait_s = delay_s(
        delivery.attempts, first_s=destination.first_retry_s, longest_s=destination.longest_retry_s, jitter=jitter
    )
    return replace(delivery, stage=Stage.WAITING, next_s=now_s + wait_s, why=why)


def all_retryable(delivery: Delivery, objects: Sequence[Outgoing]) -> bool:
    """Whether the destination took nothing for a reason of its own: what a circuit breaker counts."""
    if delivery.stage is Stage.HELD:
        return False
    answers = [delivery.receipts.get(o.sop_instance_uid) for o in objects]
    return bool(answers) and all(a is not None and a.state is State.RETRYABLE for a in answers)


def _without_study(
    delivery: Delivery, objects: Sequence[Outgoing], destination: Destination, ways: Ways
) -> Delivery | None:
    """Return the delivery where the study of the objects is gone or nobody can tell; None where they may be sent."""
    try:
        if ways.holds_study(objects[0].study_instance_uid, destination):
            return None
    except (WorldUnavailable, Misconfigured) as error:
        unasked = Receipt("", State.RETRYABLE, error.code, error.message, unauthorised=error.code == LOGIN_REFUSED)
        return delivery.with_receipts(tuple(replace(unasked, sop_instance_uid=o.sop_instance_uid) for o in objects))
    why = f"{NO_STUDY}: it holds the study no more, so results would come back without their images"
    return replace(delivery, stage=Stage.HELD, next_s=None, why=why)


def _asked_back(delivery: Delivery, objects: Sequence[Outgoing], destination: Destination, ways: Ways) -> Delivery:
    """Ask for objects; one that was called stored and is not there loses its receipt, and may be sent once more."""
    if not objects:
        return delivery
    if destination.confirm == "none":
        stored = [o.sop_instance_uid for o in objects if _is_stored(delivery, o)]
        return delivery.with_confirmed(frozenset(stored))
    try:
        held = ways.ask_back(objects, destination)
    except Misconfigured as error:
        refused = [delivery.receipts[uid] for uid in _uids(objects) & set(delivery.receipts)]
        return delivery.with_receipts(tuple(replace(r, unauthorised=True, text=error.message) for r in refused))
    if held is None:
        return delivery
    lost = [
        Receipt(o.sop_instance_uid, State.RETRYABLE, "not-found", "called stored, but not there when asked for")
        for o in objects
        if _is_stored(delivery, o) and o.sop_instance_uid not in held
    ]
    return delivery.with_confirmed(held & _uids(objects)).with_receipts(tuple(lost))


def _committed(
    delivery: Delivery,
    stored: Sequence[Outgoing],
    destination: Destination,
    ways: Ways,
    *,
    now_s: float,
    keep: Callable[[Delivery], None],
) -> Delivery:
    """Ask for commitment, or look whether the answer to an earlier request has come."""
    if delivery.transaction_uid is not None:
        answer = ways.read_commitment(delivery.transaction_uid)
        if answer is not None:
            return _with_commitment(delivery, answer)
        if now_s - (delivery.commitment_asked_s or 0.0) < COMMITMENT_WITHIN_S:
            return delivery
    # PS3.4 J.3.2.1: a transaction is known by its UID, which must outlive a crash between request and answer
    delivery = replace(delivery, transaction_uid=f"2.25.{uuid.uuid4().int}", commitment_asked_s=now_s)
    keep(delivery)
    asked = ways.request_commitment(stored, destination, str(delivery.transaction_uid))
    if isinstance(asked, Requested):
        return delivery if asked.answer is None else _with_commitment(delivery, asked.answer)
    delivery = replace(delivery, transaction_uid=None, commitment_asked_s=None)
    if asked.status == "context-refused":
        return _asked_back(delivery, stored, destination, ways)  # no such service there: the query is what is left
    return delivery


def _with_commitment(delivery: Delivery, answer: CommitmentAnswer) -> Delivery:
    failed = tuple(
        Receipt(uid, classify(reason), f"commitment {written(reason)}", "the destination did not commit to keep it")
        for uid, reason in answer.failed.items()
    )
    delivery = replace(delivery, transaction_uid=None, commitment_asked_s=None)
    return delivery.with_confirmed(answer.committed).with_receipts(_sendable_again(failed))


def _sendable_again(failed: tuple[Receipt, ...]) -> tuple[Receipt, ...]:
    """Let "no such object" (0x0112) be sent once more: the archive lost it between store and commitment."""
    return tuple(replace(r, state=State.RETRYABLE) if r.status.endswith("0x0112") else r for r in failed)


def _open(delivery: Delivery, objects: Sequence[Outgoing]) -> list[Outgoing]:
    return [
        o
        for o in objects
        if o.sop_instance_uid not in delivery.confirmed and not delivery.failed_for_good(o.sop_instance_uid)
    ]


def _is_stored(delivery: Delivery, sent: Outgoing) -> bool:
    receipt = delivery.receipts.get(sent.sop_instance_uid)
    return receipt is not None and receipt.state is State.STORED


def _is_worth_sending(delivery: Delivery, sent: Outgoing) -> bool:
    """Whether the destination has not taken an object twice already: from then on it is only asked for."""
    return delivery.n_stored.get(sent.sop_instance_uid, 0) < _STORED_AT_MOST


def _nobody_there(delivery: Delivery, sent: Outgoing) -> bool:
    """Whether the newest answer is none of the destination's own: no connection, or an error of the server."""
    receipt = delivery.receipts.get(sent.sop_instance_uid)
    return receipt is not None and (receipt.status in _NO_ANSWER or receipt.status.startswith("HTTP 5"))


def _uids(objects: Sequence[Outgoing]) -> frozenset[str]:
    return frozenset(o.sop_instance_uid for o in objects)


def _text_about(delivery: Delivery, objects: Sequence[Outgoing], destination: Destination) -> str:
    texts = []
    for o in objects:
        r = delivery.receipts.get(o.sop_instance_uid)
        text = f"{o.kind}: {r.status} {r.text}".strip() if r else f"{o.kind}: not sent yet"
        texts.append(f"{text}, {_unconfirmed(destination)}" if _is_stored(delivery, o) else text)
    return "; ".join(texts)


def _unconfirmed(destination: Destination) -> str:
    """Say what a delivery waits for that was called stored: a bare success would look like the end of it."""
    if destination.commitment == "ask":
        return "called stored, but not committed yet"
    return f'called stored, but whether it is there could not be asked (confirm = "{destination.confirm}")'
