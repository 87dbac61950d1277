"""Which reconstruction kernels are too sharp for lung density (standards 4, "sharp kernel")."""

import re
from enum import StrEnum

# Siemens: B/Br/Bl with a number >= 60, or with iterative reconstruction (\3) >= 64.
SIEMENS_SHARP = 60
SIEMENS_SHARP_ITERATIVE = 64
_SIEMENS = re.compile(r"^(?:B|BR|BL)(\d{2,3})[A-Z]*$")
_CANON = re.compile(r"^FC(\d{2})$")
CANON_SHARP = (range(50, 60), range(80, 87))  # FC50-59, FC80-86
GE_SHARP = frozenset({"LUNG", "BONE", "BONEPLUS", "EDGE"})
GE_KNOWN = GE_SHARP | {"STANDARD", "SOFT", "DETAIL", "CHEST"}
PHILIPS_SHARP = frozenset({"D", "YC", "L", "F"})
PHILIPS_KNOWN = PHILIPS_SHARP | {"A", "B", "C", "YA", "YB", "E", "EA", "EB", "EC"}


class Sharpness(StrEnum):
    """How a kernel is judged."""

    SOFT = "soft"
    SHARP = "sharp"
    UNKNOWN = "unknown"


def judge_kernel(kernel: tuple[str, ...], manufacturer: str) -> Sharpness:
    """Judge Convolution Kernel (0018,1210); the vendor's list is used where the vendor is known, else all of them."""
    names = [value.strip().upper() for value in kernel if value.strip()]
    if not names:
        return Sharpness.UNKNOWN
    name, iterative = names[0], "3" in names[1:]
    vendor = manufacturer.upper()
    for word, judge in (("SIEMENS", _siemens), ("TOSHIBA", _canon), ("CANON", _canon)):
        if word in vendor:
            return judge(name, iterative)
    if "PHILIPS" in vendor:
        return _listed(name, PHILIPS_SHARP, PHILIPS_KNOWN)
    if vendor.startswith("GE") or "GENERAL ELECTRIC" in vendor:
        return _listed(name, GE_SHARP, GE_KNOWN)
    return _any_vendor(name, iterative)


def _siemens(name: str, iterative: bool) -> Sharpness:
    found = _SIEMENS.match(name)
    if not found:
        return Sharpness.UNKNOWN
    limit = SIEMENS_SHARP_ITERATIVE if iterative else SIEMENS_SHARP
    return Sharpness.SHARP if int(found[1]) >= limit else Sharpness.SOFT


def _canon(name: str, iterative: bool) -> Sharpness:  # noqa: ARG001 - one signature for all vendors
    found = _CANON.match(name)
    if not found:
        return Sharpness.UNKNOWN
    return Sharpness.SHARP if any(int(found[1]) in numbers for numbers in CANON_SHARP) else Sharpness.SOFT


def _listed(name: str, sharp: frozenset[str], known: frozenset[str]) -> Sharpness:
    if name in sharp:
        return Sharpness.SHARP
    return Sharpness.SOFT if name in known else Sharpness.UNKNOWN


def _any_vendor(name: str, iterative: bool) -> Sharpness:
    """Judge without a vendor (de-identified collections): single letters say too little then."""
    for judged in (_siemens(name, iterative), _canon(name, iterative), _listed(name, GE_SHARP, GE_KNOWN)):
        if judged is not Sharpness.UNKNOWN:
            return judged
    return Sharpness.UNKNOWN
