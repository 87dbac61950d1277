"""What a segment of a reader's segmentation stands for: by its codes, else by its label.

Codes are read more widely than we write them: the retired SRT ones and the words for tumours that viewers offer too.
What neither says lung nor lesion stays unknown; nothing is guessed from where it lies.
"""

import re
from enum import StrEnum

from node.facts.segmentation import SegmentFacts

_LUNGS = frozenset(("SCT:39607008", "SRT:T-28000"))
_RIGHT = frozenset(("SCT:24028007", "SRT:G-A100"))
_LEFT = frozenset(("SCT:7771000", "SRT:G-A101"))
_LESIONS = frozenset((
    "SCT:27925004", "SCT:4147007", "SCT:52988006", "SCT:108369006", "SCT:372087000", "SCT:86049000", "SCT:14799000",
    "SCT:254637007", "SCT:126713003", "SCT:416939005", "SRT:M-03010", "SRT:M-03000", "SRT:M-01100", "SRT:M-80003",
    "SRT:M-8FFFF", "SRT:M-80006",
))  # fmt: skip
_LESION_WORDS = re.compile(r"nodul|mass\b|lesion|tumou?r|metasta|carcinom|cancer|neoplas|\bggo\b|\bgtv")
_LUNG_WORDS = re.compile(r"lung|pulmon")
_RIGHT_WORDS = re.compile(r"right|\br\b")
_LEFT_WORDS = re.compile(r"left|\bl\b")


class Meaning(StrEnum):
    """What a segment is of."""

    RIGHT_LUNG = "right-lung"
    LEFT_LUNG = "left-lung"
    LUNGS = "lungs"  # no side is told
    LESION = "lesion"
    SOLID = "solid-component"  # of a part-solid lesion, whose own segment holds it


def meaning_of(segment: SegmentFacts) -> Meaning | None:
    """Return what a segment stands for; None where that is not known."""
    label = re.sub(r"[_.,/-]+", " ", segment.label.lower())
    if segment.type_code in _BY_CODE:
        return _BY_CODE[segment.type_code]
    modifiers = segment.modifier_codes
    if segment.type_code in _LUNGS:
        return _sided(label, right=not _RIGHT.isdisjoint(modifiers), left=not _LEFT.isdisjoint(modifiers))
    if _LESION_WORDS.search(label):
        return Meaning.LESION
    return _sided(label) if _LUNG_WORDS.search(label) else None


def _sided(label: str, *, right: bool = False, left: bool = False) -> Meaning:
    """Return the lung of one side, by code first; both or none give lungs without side."""
    if right is left:
        right, left = _RIGHT_WORDS.search(label) is not None, _LEFT_WORDS.search(label) is not None
    if right is left:
        return Meaning.LUNGS
    return Meaning.RIGHT_LUNG if right else Meaning.LEFT_LUNG


_BY_CODE = {
    "99LUNGNODE:LN-F-SOLID": Meaning.SOLID,
    "SCT:3341006": Meaning.RIGHT_LUNG,
    "SRT:T-28100": Meaning.RIGHT_LUNG,
    "SCT:44029006": Meaning.LEFT_LUNG,
    "SRT:T-28500": Meaning.LEFT_LUNG,
    **dict.fromkeys(_LESIONS, Meaning.LESION),
}
