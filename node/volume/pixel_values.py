"""Whether stored values can become Hounsfield units, as far as the headers tell (standards 4.2)."""

import re
from collections.abc import Iterable, Sequence

from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage

from node.errors import Affects, Code, Reason, refuse, warn
from node.facts.derived import derivation, is_localizer, says_derived
from node.volume.frame import Frame
from node.volume.transfer_syntax import LOSSY

CT_CLASSES = (str(CTImageStorage), str(EnhancedCTImageStorage), str(LegacyConvertedEnhancedCTImageStorage))
MIN_BITS_STORED = 12
# HU-UNITS: PS3.3 C.8.15.2.1, Image Type value 4 of multi-energy images; VMI is judged by its energy
MULTI_ENERGY = frozenset({"MAT_SPECIFIC", "MAT_REMOVED", "MAT_FRACTIONAL", "EFF_ATOMIC_NUM", "ELECTRON_DENSITY",
                          "MAT_MODIFIED", "MAT_VALUE_BASED"})  # fmt: skip
MONOENERGETIC_KEV = (65.0, 80.0)  # here a mono-energetic image is like one at 120 kV
_KEV = re.compile(r"(\d+(?:\.\d+)?)\s*kev", re.IGNORECASE)
_MONO = re.compile(r"\bmono|\bvmi\b", re.IGNORECASE)


def check_pixel_values(frames: Sequence[Frame]) -> tuple[Reason, ...]:
    """Check the attributes that say how stored values are to be read."""
    return (
        *_sop_class(frames),
        *_derived(frames),
        *check_rescale(frames),
        *_units(frames),
        *_photometric(frames),
        *_bits(frames),
        *_lossy(frames),
    )


def _sop_class(frames: Sequence[Frame]) -> Iterable[Reason]:
    others = sorted({f.file.facts.sop_class_uid for f in frames} - set(CT_CLASSES))
    if others:
        yield refuse(Code.HU_SC, f"SOP class {others[0]} is no CT image")


def _derived(frames: Sequence[Frame]) -> Iterable[Reason]:
    types = {f.image_type for f in frames}
    told = sorted(filter(None, {derivation(f.image_type, f.file.facts.derivation_codes) for f in frames}))
    shown = sorted("\\".join(value) for value in types)[0]
    if told:
        yield refuse(Code.HU_DERIVED, f"the images are derived: {told[0]}")
    elif any(is_localizer(value) for value in types):
        yield refuse(Code.HU_DERIVED, "the images are localizers")
    elif any(says_derived(value) for value in types):
        yield warn(Code.HU_DERIVED, f"Image Type {shown}: derived, without a sign of reformatting")


def check_rescale(frames: Sequence[Frame]) -> tuple[Reason, ...]:
    """Check that every image says how stored values become those of the series' unit; PET asks the same."""
    n = sum(
        f.pixels.has_modality_lut or f.pixels.rescale_intercept is None or f.pixels.rescale_slope in (None, 0.0)
        for f in frames
    )
    if not n:
        return ()
    text = f"{n} of {len(frames)} images have no usable Rescale Slope and Intercept, or a modality LUT instead"
    return (refuse(Code.HU_NORESC, text),)


def _units(frames: Sequence[Frame]) -> Iterable[Reason]:
    others = sorted({f.pixels.rescale_type for f in frames} - {"", "HU"})
    if others:
        yield refuse(Code.HU_UNITS, f"Rescale Type is {others[0]!r}, HU was expected")
        return
    maps = sorted({value.upper() for f in frames for value in f.image_type[2:]} & MULTI_ENERGY)
    if maps:
        yield refuse(Code.HU_UNITS, f"a multi-energy map ({maps[0]}) does not hold HU at 120 kV")
        return
    yield from _mono_energetic(frames)


def _mono_energetic(frames: Sequence[Frame]) -> Iterable[Reason]:
    facts = frames[0].file.facts
    is_vmi = any("VMI" in (value.upper() for value in f.image_type[2:]) for f in frames)
    found = _KEV.search(facts.series_description)
    if not is_vmi and not (found and _MONO.search(facts.series_description)):
        return
    low, high = MONOENERGETIC_KEV
    if found is None:
        yield refuse(Code.HU_UNITS, "a mono-energetic image of unknown energy")
    elif not low <= float(found[1]) <= high:
        yield refuse(Code.HU_UNITS, f"a mono-energetic image at {found[1]} keV; {low:g} to {high:g} keV can be read")


def _photometric(frames: Sequence[Frame]) -> Iterable[Reason]:
    for f in frames:
        samples, photometric = f.pixels.samples_per_pixel, f.pixels.photometric_interpretation
        if samples != 1 or photometric not in ("MONOCHROME1", "MONOCHROME2"):
            yield refuse(Code.HU_PHOTO, f"{samples} samples per pixel, photometric interpretation {photometric!r}")
            return


def _bits(frames: Sequence[Frame]) -> Iterable[Reason]:
    for f in frames:
        allocated, stored, high = f.pixels.bits_allocated, f.pixels.bits_stored, f.pixels.high_bit
        usable = allocated == 16 and stored is not None and MIN_BITS_STORED <= stored <= 16 and high == stored - 1
        if not usable or f.pixels.pixel_representation not in (0, 1):
            yield refuse(Code.HU_BITS, f"{allocated} bits allocated, {stored} stored, high bit {high}")
            return


def _lossy(frames: Sequence[Frame]) -> Iterable[Reason]:
    text = lossy_text(frames)
    if text:
        yield refuse(Code.HU_LOSSY, text, Affects.DENSITY, Affects.SMALL_LESIONS)


def lossy_text(frames: Sequence[Frame]) -> str:
    """Say how many images were compressed with loss, "" for none."""
    n = sum(f.pixels.lossy or f.file.facts.transfer_syntax_uid in LOSSY for f in frames)
    return f"{n} of {len(frames)} images were compressed with loss" if n else ""
