"""Is a convolution kernel soft or sharp? Named lists per vendor (standards part 4, small definitions).

Sharp: Siemens B, Br, Bl (and I, the iterative form of B) with a number of 60 and more, or 64 and more where the second
value is 3; GE LUNG, BONE, BONEPLUS, EDGE; Philips D, YC, L, F; Toshiba and Canon FC50-59 and FC80-86. Whatever the
lists do not name is unknown, never guessed.
"""

import re
from enum import StrEnum


class KernelClass(StrEnum):
    """How a kernel treats noise: what density may be measured on."""

    SOFT = "soft"
    SHARP = "sharp"
    UNKNOWN = "unknown"


_SIEMENS = re.compile(r"(?:B|BR|BL|I)(\d{2})[A-Z]?")
_SIEMENS_SHARP_FROM, _SIEMENS_SHARP_FROM_WITH_STRENGTH_3 = 60, 64
_GE = {
    **dict.fromkeys(("LUNG", "BONE", "BONEPLUS", "EDGE"), KernelClass.SHARP),
    **dict.fromkeys(("STANDARD", "STD", "STD+", "SOFT", "DETAIL", "CHEST"), KernelClass.SOFT),
}
_PHILIPS = {
    **dict.fromkeys(("D", "YC", "L", "F"), KernelClass.SHARP),
    **dict.fromkeys(("A", "B", "C", "YA", "YB", "SA", "SB"), KernelClass.SOFT),
}
_CANON = re.compile(r"FC(\d{2})")


def kernel_class(manufacturer: str, kernel: tuple[str, ...]) -> KernelClass:
    """Classify Convolution Kernel (0018,1210) by the lists of its manufacturer."""
    maker, name = manufacturer.casefold(), (kernel[0] if kernel else "").strip().upper()
    if "siemens" in maker:
        return _siemens(name, kernel)
    if maker.startswith("ge ") or "general electric" in maker:
        return _GE.get(name, KernelClass.UNKNOWN)
    if "philips" in maker:
        return _PHILIPS.get(name, KernelClass.UNKNOWN)
    if "toshiba" in maker or "canon" in maker:
        return _canon(name)
    return KernelClass.UNKNOWN


def _siemens(name: str, kernel: tuple[str, ...]) -> KernelClass:
    """A number of the reconstruction's sharpness behind the family's letters."""
    match = _SIEMENS.fullmatch(name)
    if match is None:
        return KernelClass.UNKNOWN
    sharp_from = _SIEMENS_SHARP_FROM_WITH_STRENGTH_3 if kernel[1:2] == ("3",) else _SIEMENS_SHARP_FROM
    return KernelClass.SHARP if int(match[1]) >= sharp_from else KernelClass.SOFT


def _canon(name: str) -> KernelClass:
    """Two ranges of FC numbers are sharp."""
    match = _CANON.match(name)
    if match is None:
        return KernelClass.UNKNOWN
    number = int(match[1])
    return KernelClass.SHARP if 50 <= number <= 59 or 80 <= number <= 86 else KernelClass.SOFT
