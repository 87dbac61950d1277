"""What was decided: appended, shown by `lungnode jobs show`, never rebuilt from files."""

import json
import time
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Engine, delete, func, insert, select

from node.store.tables import decisions

_BATCH = 500  # below SQLite's limit of values in a statement


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision about a study or a workflow, with its reason. `fields` holds UIDs, codes and numbers only."""

    subject: str
    kind: str
    reason: str
    fields: dict[str, object]
    at_s: float


class Ledger:
    """Decisions of one data folder."""

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
