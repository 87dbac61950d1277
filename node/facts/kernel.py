"""Is a convolution kernel soft or sharp? Named lists per vendor (standards part 4, small definitions).

Sharp: Siemens B, Br, Bl with a number of 60 and more, or 64 and more where the second value is 3; GE LUNG, BONE,
BONEPLUS, EDGE; Philips D, YC, L, F; Toshiba and Canon FC50-59 and FC80-86. Whatever the lists do not name is unknown,
never guessed. Without a vendor that we know (de-identified collections) a name is judged by the list that it is from;
single letters say too little then.
"""

import re
from enum import StrEnum


class KernelClass(StrEnum):
    """How a kernel treats noise: what density may be measured on."""

    SOFT = "soft"
    SHARP = "sharp"
    UNKNOWN = "unknown"


_SIEMENS = re.compile(r"(?:B|BR|BL)(\d{2,3})[A-Z]*")
_SIEMENS_SHARP_FROM, _SIEMENS_SHARP_FROM_WITH_STRENGTH_3 = 60, 64
_GE_VENDOR = re.compile(r"ge\b|.*general electric")
_GE = {
    **dict.fromkeys(("LUNG", "BONE", "BONEPLUS", "EDGE"), KernelClass.SHARP),
    **dict.fromkeys(("STANDARD", "SOFT", "DETAIL", "CHEST"), KernelClass.SOFT),
}
_PHILIPS = {
    **dict.fromkeys(("D", "YC", "L", "F"), KernelClass.SHARP),
    **dict.fromkeys(("A", "B", "C", "YA", "YB"), KernelClass.SOFT),
}
_CANON = re.compile(r"FC(\d{2})")
_CANON_SHARP = (range(50, 60), range(80, 87))


def kernel_class(manufacturer: str, kernel: tuple[str, ...]) -> KernelClass:
    """Classify Convolution Kernel (0018,1210) by the list of its manufacturer."""
    vendor, values = manufacturer.strip().casefold(), [value.strip().upper() for value in kernel if value.strip()]
    if not values:
        return KernelClass.UNKNOWN
    name, has_strength_3 = values[0], values[1:2] == ["3"]
    if "siemens" in vendor:
        return _siemens(name, has_strength_3=has_strength_3)
    if _GE_VENDOR.match(vendor):
        return _GE.get(name, KernelClass.UNKNOWN)
    if "philips" in vendor:
        return _PHILIPS.get(name, KernelClass.UNKNOWN)
    if "toshiba" in vendor or "canon" in vendor:
        return _canon(name)
    by_each = (_siemens(name, has_strength_3=has_strength_3), _GE.get(name, KernelClass.UNKNOWN), _canon(name))
    return next((found for found in by_each if found is not KernelClass.UNKNOWN), KernelClass.UNKNOWN)


def _siemens(name: str, *, has_strength_3: bool) -> KernelClass:
    """A number of the reconstruction's sharpness behind the family's letters."""
    match = _SIEMENS.fullmatch(name)
    if match is None:
        return KernelClass.UNKNOWN
    sharp_from = _SIEMENS_SHARP_FROM_WITH_STRENGTH_3 if has_strength_3 else _SIEMENS_SHARP_FROM
    return KernelClass.SHARP if int(match[1]) >= sharp_from else KernelClass.SOFT


def _canon(name: str) -> KernelClass:
    """Two ranges of FC numbers are sharp."""
    match = _CANON.fullmatch(name)
    if match is None:
        return KernelClass.UNKNOWN
    return KernelClass.SHARP if any(int(match[1]) in numbers for numbers in _CANON_SHARP) else KernelClass.SOFT
