"""Is an image derived in a way that makes it no axial stack? Image Type and Derivation Code (standards HU-DERIVED)."""

import re

# enhanced CT: PS3.3 C.8.15.3.1; the others are what vendors write
_MARKERS = (
    "MPR", "MIP", "MINIP", "MIN_IP", "MAX_IP", "MEAN_IP", "VRT", "VOLUME_RENDER", "SSD", "SURFACE", "PROJECTION",
    "CURVED", "CPR", "PERFUSION", "RCBF", "RCBV", "MTT", "TTP", "SUBTRACTION",
)  # fmt: skip
_CODES = {  # PS3.16 CID 7203
    "113072": "multiplanar reformatting",
    "113073": "curved multiplanar reformatting",
    "113078": "maximum intensity projection",
    "113079": "minimum intensity projection",
}


def is_localizer(image_type: tuple[str, ...]) -> bool:
    """Read Image Type value 3 (PS3.3 C.8.2.1.1.1)."""
    return len(image_type) > 2 and image_type[2].strip().upper() == "LOCALIZER"


def says_derived(image_type: tuple[str, ...]) -> bool:
    """Read Image Type value 1."""
    return bool(image_type) and image_type[0].strip().upper() == "DERIVED"


def derivation(image_type: tuple[str, ...], codes: tuple[str, ...]) -> str | None:
    """Say which header tells that an image is another kind of picture; None for plain DERIVED and AXIAL."""
    for code in codes:
        if code in _CODES:
            return f"Derivation Code {code}, {_CODES[code]}"
    marked = [value for value in image_type[2:] if _is_marked(value)]
    return f"Image Type says DERIVED and {marked[0]}" if says_derived(image_type) and marked else None


def _is_marked(value: str) -> bool:
    """Look for a marker as a word, whatever stands between the words of a value."""
    words = "_" + "_".join(re.split(r"[\s_\-]+", value.upper())) + "_"
    return any(f"_{marker}_" in words for marker in _MARKERS)
