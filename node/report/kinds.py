"""Which objects exist, with series number and description by rule (standards 1.1)."""

from dataclasses import dataclass

from node.settings import Rung


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of result object. `offset` is added to the series number of its case.

    `series_of` is the kind in whose series it stands, None for a series of its own.
    """

    rung: Rung
    modality: str
    offset: int
    description: str
    series_of: Rung | None = None


SEG = Kind(Rung.SEG, "SEG", 1, "lungnode SEG (AI)")
SR = Kind(Rung.SR, "SR", 2, "lungnode measurements (AI)")
OUTLINES = Kind(Rung.OUTLINES, "SR", 3, "lungnode outlines (AI)")
KEY_SLICES = Kind(Rung.KEY_SLICES, "OT", 4, "lungnode key slices (AI)")
PDF = Kind(Rung.PDF, "DOC", 5, "lungnode report (AI)")
RTSTRUCT = Kind(Rung.RTSTRUCT, "RTSTRUCT", 6, "lungnode contours (AI)")
KEY_OBJECTS = Kind(Rung.KEY_OBJECTS, "KO", 7, "lungnode key objects (AI)")
NOTICE = Kind(Rung.NOTICE, "SR", 8, "lungnode not processed")
PET_SEG = Kind(Rung.PET_SEG, "SEG", 9, "lungnode PET SEG (AI)")
SUMMARY = Kind(Rung.SUMMARY, "OT", 4, "lungnode key slices (AI)", series_of=Rung.KEY_SLICES)
NOTICE_PICTURE = Kind(Rung.NOTICE_PICTURE, "OT", 4, "lungnode not processed")
KINDS = (SEG, SR, OUTLINES, KEY_SLICES, PDF, RTSTRUCT, KEY_OBJECTS, NOTICE, PET_SEG)

_ANCHOR_MODULUS = 10_000


def series_number(kind: Kind, anchor_series_number: int | None, base: int) -> int:
    """Return base + 10 m + offset, m = the anchor's Series Number modulo 10 000 (0 if it has none)."""
    m = (anchor_series_number or 0) % _ANCHOR_MODULUS
    return base + 10 * m + kind.offset


def series_description(kind: Kind, run_label: str) -> str:
    """Return the fixed prefix, and the label of a later run after it ("r2")."""
    return f"{kind.description} {run_label}".strip()
