"""Deliveries that wait for a person: what is said about each, in the log, by the health check and on the page."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import structlog

from node.deliver.look_first import UNCONFIRMED, look_first
from node.deliver.receipt import CREDENTIALS, Receipt, State
from node.engine.delivery import NO_STUDY
from node.engine.delivery_file import Delivery, Stage
from node.errors import Code
from node.settings import Settings

DEAD_LETTER = "DLV-DEAD"
UNDELIVERABLE = "DLV-NOWHERE"
_CODE = re.compile(r"[A-Z]+-[A-Z]+")
LONG_S = 900.0  # that a delivery waits before the health check warns: a restart of an archive takes less


@dataclass(frozen=True, slots=True)
class Alert:
    """One delivery that needs a person. `next_step` is a command or what to correct."""

    code: str
    destination: str
    why: str
    next_step: str

    @property
    def text(self) -> str:
        """The alert as one sentence for a person."""
        return f"{self.code}: {self.destination}: {self.why}; next: {self.next_step}"


def alert_of(workflow_id: str, delivery: Delivery) -> Alert | None:
    """Return what a person must know about a delivery; None where it goes on by itself."""
    again = f"lungnode jobs replay {workflow_id[:12]} --to {delivery.destination}"
    if delivery.stage is Stage.DEAD:
        return Alert(DEAD_LETTER, delivery.destination, delivery.why, f"{_first_look(delivery)}; then {again}")
    if delivery.stage is Stage.HELD and delivery.why.startswith(NO_STUDY):
        step = (
            f"where it was deleted for good, lungnode jobs cancel {workflow_id[:12]}; else send the study to "
            f"{delivery.destination} again: the delivery goes on within ten minutes, or at once by {again}"
        )
        return Alert(NO_STUDY, delivery.destination, delivery.why, step)
    if delivery.stage is Stage.HELD:
        step = (
            "where the archive is right, send the study again from it: its new run takes the place of this one; where "
            f"the result is right, correct the archive, then {again}"
        )
        return Alert(Code.ID_CHANGED.value, delivery.destination, delivery.why, step)
    if delivery.stage is Stage.WAITING and delivery.is_unauthorised:
        step = f"correct the credentials of {delivery.destination} in the settings and restart"
        return Alert(CREDENTIALS, delivery.destination, delivery.why, step)
    return None


def _first_look(delivery: Delivery) -> str:
    """Say where a person begins: at a setting, at the destination's log, or at ours where the attempt broke off."""
    answers = [r for uid, r in delivery.receipts.items() if uid not in delivery.confirmed and _says(r) in delivery.why]
    if answers:
        errors = [UNCONFIRMED if r.state is State.STORED else r.status for r in answers]
        return look_first(errors, delivery.destination, otherwise="the log of destination {0!r}")
    why = delivery.why.removeprefix("given up: ")
    code = why.partition(": ")[0]
    return look_first([code if _CODE.fullmatch(code) else why], delivery.destination, otherwise="the log of this node")


def _says(answer: Receipt) -> str:
    return f"{answer.status} {answer.text}".strip()


def no_destination(settings: Settings) -> str | None:
    """Say that nobody gets any result; None where there is a destination."""
    if settings.destinations:
        return None
    return (
        f"{UNDELIVERABLE}: no destination is configured: results stay in the node, and retention removes none of them; "
        "next: add a [[destinations]] section to the settings, and restart"
    )


def long_waits(deliveries: Iterable[Delivery], now_s: float) -> tuple[str, ...]:
    """Say of each destination that takes nothing for longer than `LONG_S` how much waits, and why.

    Credentials that are refused are an alert of their own.
    """
    late: dict[str, list[Delivery]] = {}
    for one in deliveries:
        if one.stage is Stage.WAITING and not one.is_unauthorised and one.attempts and now_s - one.due_s > LONG_S:
            late.setdefault(one.destination, []).append(one)
    return tuple(
        f"destination {name}: {len(waiting)} deliveries wait, the oldest for "
        f"{(now_s - min(one.due_s for one in waiting)) / 60:.0f} minutes: {waiting[0].why}; next: lungnode doctor"
        for name, waiting in sorted(late.items())
    )


def log_alert(workflow_id: str, delivery: Delivery) -> None:
    """Write one line about a delivery that needs a person, or that is to be tried again."""
    alert = alert_of(workflow_id, delivery)
    if alert is None:
        if delivery.stage is Stage.WAITING and delivery.why:
            structlog.get_logger().warning(
                "engine.delivery_waits",
                workflow_id=workflow_id,
                destination=delivery.destination,
                attempts=delivery.attempts,
                why=delivery.why,
            )
        return
    structlog.get_logger().error(
        "engine.delivery_needs_a_person",
        workflow_id=workflow_id,
        destination=alert.destination,
        code=alert.code,
        why=alert.why,
        next_step=alert.next_step,
    )
