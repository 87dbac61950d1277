"""What `result.json` says of the prior that a study was compared with."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PriorLine:
    """`overlap` is the Dice of the aligned lungs, None where there was nothing to align."""

    study_instance_uid: str
    series_instance_uid: str
    overlap: float | None
    n_lesions: int
    n_matched: int

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "study_instance_uid": self.study_instance_uid,
            "series_instance_uid": self.series_instance_uid,
            "lung_overlap_dice": self.overlap,
            "n_lesions": self.n_lesions,
            "n_matched": self.n_matched,
        }
