"""What was decided and what was delivered: appended, shown by `lungnode jobs show`, never rebuilt from files."""

import json
import time
from dataclasses import dataclass

from sqlalchemy import Engine, delete, insert, select

from node.store.tables import decisions, receipts


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision about a study or a workflow, with its reason. `fields` holds UIDs, codes and numbers only."""

    subject: str
    kind: str
    reason: str
    fields: dict[str, object]
    at_s: float


@dataclass(frozen=True, slots=True)
class KeptReceipt:
    """What became of one object at one destination."""

    sop_uid: str
    destination: str
    state: str
    text: str
    at_s: float


class Ledger:
    """Decisions and receipts of one data folder."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def decide(self, subject: str, kind: str, reason: str, **fields: object) -> None:
        """Append a decision."""
        row = {"subject": subject, "kind": kind, "reason": reason, "fields": json.dumps(fields), "at_s": time.time()}
        with self._engine.begin() as connection:
            connection.execute(insert(decisions), [row])

    def decisions(self, subject: str) -> tuple[Decision, ...]:
        """Return all decisions about a subject, oldest first."""
        query = select(decisions).where(decisions.c.subject == subject).order_by(decisions.c.number)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return tuple(Decision(r.subject, r.kind, r.reason, json.loads(r.fields), r.at_s) for r in rows)

    def about(self, uid: str) -> tuple[Decision, ...]:
        """Return all decisions about a study, or about one of its series, oldest first."""
        of_series = decisions.c.fields.contains(json.dumps({"series_uid": uid})[1:-1], autoescape=True)
        query = select(decisions).where((decisions.c.subject == uid) | of_series).order_by(decisions.c.number)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return tuple(Decision(r.subject, r.kind, r.reason, json.loads(r.fields), r.at_s) for r in rows)

    def receive(self, sop_uid: str, destination: str, state: str, text: str) -> None:
        """Note the newest receipt of an object at a destination."""
        row = {"sop_uid": sop_uid, "destination": destination, "state": state, "text": text, "at_s": time.time()}
        with self._engine.begin() as connection:
            connection.execute(
                delete(receipts).where(receipts.c.sop_uid == sop_uid, receipts.c.destination == destination)
            )
            connection.execute(insert(receipts), [row])

    def receipts(self, sop_uid: str) -> tuple[KeptReceipt, ...]:
        """Return an object's receipts, by destination."""
        query = select(receipts).where(receipts.c.sop_uid == sop_uid).order_by(receipts.c.destination)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return tuple(KeptReceipt(r.sop_uid, r.destination, r.state, r.text, r.at_s) for r in rows)
