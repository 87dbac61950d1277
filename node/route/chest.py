"""Do the headers agree that a series shows no chest? (RT-BODY)

Four headers may speak: Body Part Examined, Study Description, Series Description and Protocol Name. Each says "chest",
"elsewhere" or nothing. The series is left only where **at least two** say elsewhere and **none** says chest: a single
header is not believed (a body part BREAST on an abdomen, HEAD left over from the protocol before).
"""

import re
from dataclasses import dataclass

from node.facts.instance import InstanceFacts

AGREEING_HEADERS = 2

# parts of words, as they are met in English, German, French, Spanish, Italian, Dutch and Polish headers
_CHEST_PARTS = (
    "chest", "thora", "torax", "torac", "lung", "pulm", "poumon", "polmon", "brust", "mediast", "heart", "cardi",
    "koronar", "coronary", "wholebody", "whole body", "whole-body", "ganzk", "corps entier", "klatk", "breast", "trunk",
)  # fmt: skip
_CHEST_WORDS = frozenset(("tap", "cap", "wb", "wbs", "pet", "petct", "hrct", "ldct", "tho", "thx"))
_ELSEWHERE_BEGINNINGS = (
    "head", "brain", "skull", "neck", "abd", "pelv", "becken", "bassin", "spine", "lumb", "cervic", "lws", "hws",
    "knee", "knie", "foot", "ankle", "wrist", "elbow", "hand", "finger", "sinus", "dental", "mandib", "maxill", "kopf",
    "schädel", "schaedel", "hirn", "hals", "crane", "crâne", "cerebr", "cabeza", "testa", "orbit", "temporal", "hip",
    "liver", "leber", "pancrea", "kidney", "renal", "urogr", "prostat", "bladder", "extrem", "femur", "tibia",
    "shoulder", "schulter", "colon", "sacr",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class BodyEvidence:
    """Which headers say chest and which say another part, by attribute name."""

    chest: tuple[str, ...]
    elsewhere: tuple[str, ...]

    @property
    def is_elsewhere(self) -> bool:
        """Say whether the headers agree that it is no chest."""
        return not self.chest and len(self.elsewhere) >= AGREEING_HEADERS


def body_evidence(facts: InstanceFacts) -> BodyEvidence:
    """Ask the four headers of one instance."""
    headers = {
        "Body Part Examined": facts.body_part_examined,
        "Study Description": facts.study_description,
        "Series Description": facts.series_description,
        "Protocol Name": facts.protocol_name,
    }
    chest = tuple(name for name, text in headers.items() if _says_chest(text))
    elsewhere = tuple(name for name, text in headers.items() if not _says_chest(text) and _says_elsewhere(text))
    return BodyEvidence(chest, elsewhere)


def _says_chest(text: str) -> bool:
    folded = text.casefold()
    return any(part in folded for part in _CHEST_PARTS) or not _CHEST_WORDS.isdisjoint(_words(folded))


def _says_elsewhere(text: str) -> bool:
    return any(word.startswith(_ELSEWHERE_BEGINNINGS) for word in _words(text.casefold()))


def _words(folded: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+", folded))
