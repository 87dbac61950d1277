"""The door: a PET series in, a `PetVolume` or a `Refusal` out, never an exception about the input.

A PET whose SUV is refused has nothing to measure: it ends as a refusal that lists every code which the headers show.
Refused for its number of slices (GEO-FEW, a rule about lungs) it is not: any stack of two slices has a place.
"""

from collections.abc import Sequence

import numpy as np

from node.errors import Affects, Code, InputRefused, Reason, Refusal, Severity, refuse, warn
from node.facts.pet import PetFacts
from node.facts.series import SeriesFacts
from node.volume.frame import Frame
from node.volume.frames import single_frame
from node.volume.integrity import check_integrity
from node.volume.pet.pet_pixels import check_pet_pixels, read_rescaled
from node.volume.pet.pet_volume import PetVolume
from node.volume.pet.suv import SuvScale, suv_scale
from node.volume.same_pixels import never_same, same_pixels
from node.volume.stack import Stack, stack_of
from node.volume.volume import SourceFrame

MOST_VOXELS = 1 << 29  # 2 GiB as float32; a whole-body PET has 2 to 100 million
_OF_CT_ONLY = frozenset((Code.GEO_FEW, Code.GEO_THICK))  # judged for lungs and nodules, by the CT


def read_pet(series: SeriesFacts, *, refuse_without_patient_id: bool = True) -> PetVolume | Refusal:
    """Read a PET series on its native grid, in SUV.

    Parameters
    ----------
    series : SeriesFacts
        Headers and files, in any order.
    refuse_without_patient_id : bool
        Whether an empty Patient ID refuses the series (ID-NOPID).

    Returns
    -------
    PetVolume, with warnings and what refuses SUL in `reasons`; or Refusal with every code that applies.
    """
    identity = check_integrity(series, refuse_without_patient_id=refuse_without_patient_id)
    frames = [single_frame(file) for file in series.files]
    pixels = check_pet_pixels(frames)
    try:
        stack = _stack(frames, readable=not _refuses((*identity, *pixels)))
    except InputRefused as error:
        return Refusal((*identity, refuse(Code(error.code), error.message), *pixels))
    scale, suv = _scale(stack.frames)
    geometry = (r for r in stack.reasons if r.code not in _OF_CT_ONLY)
    reasons = (*identity, *_size(stack.frames), *pixels, *geometry, *suv)
    if stack.lps_from_zyx is None and not _refuses(reasons):
        reasons = (*reasons, refuse(Code.GEO_FEW, "one slice is no volume: two are needed"))
    if scale is None or stack.lps_from_zyx is None or _refuses(reasons):
        return Refusal(reasons)
    try:
        suv_zyx = read_rescaled(stack.frames)
    except InputRefused as error:
        return Refusal((refuse(Code(error.code), error.message), *reasons))
    suv_zyx *= np.asarray(scale.factors, np.float64)[:, None, None].astype(np.float32)
    suv_zyx.setflags(write=False)
    stack.lps_from_zyx.setflags(write=False)
    return PetVolume(
        suv_zyx=suv_zyx,
        lps_from_zyx=stack.lps_from_zyx,
        frames=tuple(SourceFrame(f.file.facts.sop_class_uid, f.sop_instance_uid, f.number) for f in stack.frames),
        rescale_slopes=tuple(f.pixels.rescale_slope or 0.0 for f in stack.frames),
        scale=scale,
        reasons=reasons,
        series=series,
    )


def suv_of_headers(series: SeriesFacts) -> tuple[SuvScale | None, tuple[Reason, ...]]:
    """Return the factor that the headers give, without reading pixels: `result.json` shows it beside a refusal too."""
    return _scale([single_frame(file) for file in series.files])


def _stack(frames: Sequence[Frame], *, readable: bool) -> Stack:
    return stack_of(frames, multivolume="refuse", same_pixels=same_pixels if readable else never_same)


def _size(frames: Sequence[Frame]) -> tuple[Reason, ...]:
    n = sum((f.geometry.rows or 0) * (f.geometry.columns or 0) for f in frames)
    if n <= MOST_VOXELS:
        return ()
    return (refuse(Code.SYS_MEM, f"the PET has {n} voxels, at most {MOST_VOXELS} are read"),)


def _scale(frames: Sequence[Frame]) -> tuple[SuvScale | None, tuple[Reason, ...]]:
    slices: list[PetFacts] = [f.file.facts.pet for f in frames if f.file.facts.pet is not None]
    if len(slices) < len(frames):
        return None, (refuse(Code.RT_MODALITY, "the series holds images that are no PET", Affects.PET),)
    facts = frames[0].file.facts
    scale, reasons = suv_scale(
        slices,
        sex=facts.patient.sex,
        description=facts.series_description,
        is_ge=facts.manufacturer.upper().startswith("GE"),
    )
    sexes = {f.file.facts.patient.sex for f in frames}
    doubt = (warn(Code.PT_HEIGHT, "the sex differs between slices"),) if len(sexes) > 1 else ()
    return scale, (*reasons, *doubt)


def _refuses(reasons: Sequence[Reason]) -> bool:
    return any(r.severity is Severity.REFUSE and set(r.affects) != {Affects.SUL} for r in reasons)
