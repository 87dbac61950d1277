"""Which nuclide and tracer a header names, and the half life that the nuclide has."""

import re

from node.facts.pet import TracerFacts

# Half lives in s (evaluated nuclear data, as in the tables of scanners), by mass number and element.
HALF_LIFE_S = {
    "C11": 1223.4, "N13": 597.9, "O15": 122.2, "F18": 6586.2, "CU64": 45721.0, "GA68": 4062.6, "RB82": 76.4,
    "ZR89": 282240.0, "I124": 360806.0,
}  # fmt: skip
HALF_LIFE_FRAC = 0.02  # PT-HALF

_CODES = {"C-111A1": "F18", "77004003": "F18"}  # SRT and SCT; every nuclide's meaning is read besides
_ELEMENTS = {"CARBON": "C", "NITROGEN": "N", "OXYGEN": "O", "FLUORINE": "F", "COPPER": "CU", "GALLIUM": "GA",
             "RUBIDIUM": "RB", "ZIRCONIUM": "ZR", "IODINE": "I"}  # fmt: skip
_FDG_CODES = frozenset(("C-B1031", "35321007", "Y-X1743"))  # SRT, SCT, and what GE writes
_FDG = re.compile(r"\bfdg\b|flu\w*deoxyglucose", re.IGNORECASE)


def nuclide_of(tracer: TracerFacts) -> str:
    """Return the nuclide as "F18", "" where none is named; FDG without a nuclide is taken for F18."""
    for code in tracer.nuclide_code_values:
        if code in _CODES:
            return _CODES[code]
    for name in tracer.nuclide_names:
        if nuclide := _parsed(name):
            return nuclide
    return "F18" if is_fdg(tracer) else ""


def is_fdg(tracer: TracerFacts) -> bool:
    """Say whether a code or a name says FDG."""
    return bool(_FDG_CODES.intersection(tracer.code_values)) or any(_FDG.search(name) for name in tracer.names)


def _parsed(name: str) -> str:
    """Read "^18^Fluorine", "18F", "F-18", "Gallium Ga^68^" and the like."""
    mass = re.search(r"\d{2,3}", name)
    words = re.findall(r"[A-Z]+", name.upper())
    found = [_ELEMENTS.get(word, word) for word in words]
    if mass is None:
        return ""
    return next((key for element in found if (key := element + mass[0]) in HALF_LIFE_S), "")
