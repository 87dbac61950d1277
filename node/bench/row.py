"""One line of a bench: ours beside a peer's, their ratio and whether the target is met."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison. `better` is "higher" for rates and "lower" for times and sizes; `target` bounds the ratio.

    The ratio is ours / peer; it is None where there is no peer, and the target then bounds ours itself.
    """

    what: str
    ours: float
    unit: str
    peer: float | None = None
    peer_name: str = ""
    at_least: float | None = None
    at_most: float | None = None

    @property
    def ratio(self) -> float | None:
        """Ours divided by the peer's."""
        return None if self.peer is None or self.peer == 0 else self.ours / self.peer

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where none is set."""
        judged = self.ours if self.peer is None else self.ratio
        if judged is None or (self.at_least is None and self.at_most is None):
            return None
        return (self.at_least is None or judged >= self.at_least) and (self.at_most is None or judged <= self.at_most)

    def as_json(self) -> dict[str, Any]:
        """Return the row of architecture 7."""
        target = (
            f">= {self.at_least:g}" if self.at_least is not None else f"<= {self.at_most:g}" if self.at_most else ""
        )
        return {
            "what": self.what,
            "ours": self.ours,
            "peer": self.peer,
            "peer_name": self.peer_name,
            "unit": self.unit,
            "ratio": self.ratio,
            "target": target,
            "met": self.met,
        }
