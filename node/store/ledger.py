"""What was decided and what was delivered: appended, shown by `lungnode jobs show`, never rebuilt from files."""

import json
import time
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Engine, delete, func, insert, select

from node.store.tables import decisions, receipts

_BATCH = 500  # below SQLite's limit of values in a statement


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

    def reasons(self, subject: str) -> dict[str, str]:
        """Return the reason of the newest decision about each series of a subject, by Series Instance UID."""
        of_series = (decisions.c.subject == subject) & decisions.c.fields.contains('"series_uid"')
        query = select(decisions.c.fields, decisions.c.reason).where(of_series).order_by(decisions.c.number)
        with self._engine.connect() as connection:
            return {json.loads(r.fields)["series_uid"]: r.reason for r in connection.execute(query)}

    def about(self, uid: str) -> tuple[Decision, ...]:
        """Return all decisions about a study, or about one of its series, oldest first."""
        of_series = decisions.c.fields.contains(json.dumps({"series_uid": uid})[1:-1], autoescape=True)
        query = select(decisions).where((decisions.c.subject == uid) | of_series).order_by(decisions.c.number)
        with self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return tuple(Decision(r.subject, r.kind, r.reason, json.loads(r.fields), r.at_s) for r in rows)

    def forget(self, *, before_s: float, but: Collection[str]) -> int:
        """Remove the decisions about subjects of which nothing was decided since, but for some; return how many went.

        Parameters
        ----------
        before_s : a subject with a decision of this time or later is left, seconds since 1970.
        but : subjects that are left whatever their age.
        """
        old = select(decisions.c.subject).group_by(decisions.c.subject).having(func.max(decisions.c.at_s) < before_s)
        with self._engine.begin() as connection:
            gone = [subject for subject in connection.scalars(old) if subject not in but]
            parts = (gone[start : start + _BATCH] for start in range(0, len(gone), _BATCH))
            return sum(
                connection.execute(delete(decisions).where(decisions.c.subject.in_(part))).rowcount for part in parts
            )

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
