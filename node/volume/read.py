"""The door of the room: a CT series in, a `Volume` or a `Refusal` out, never an exception about the input.

Precedence (standards, part 4): identity and integrity, pixel values, geometry, acquisition. All codes that the headers
show are listed; pixels are read only when no header refuses the series, and what they show is listed in its family.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from node.errors import Affects, Code, InputRefused, Reason, Refusal, Severity, refuse
from node.facts.series import SeriesFacts
from node.volume.acquisition import check_acquisition
from node.volume.assemble import assemble
from node.volume.copies import Multivolume
from node.volume.frame import Frame
from node.volume.frames import frames_of
from node.volume.hu_range import check_values, sum_counts
from node.volume.integrity import check_integrity, check_memory
from node.volume.pixel_values import check_pixel_values
from node.volume.same_pixels import never_same, same_pixels
from node.volume.scout import leave_out_others, leave_out_scouts
from node.volume.stack import Stack, stack_of
from node.volume.stored import task_of
from node.volume.volume import SourceFrame, Volume

_MEMORY_SHARE = 0.5  # of the machine's memory that one volume may take


@dataclass(frozen=True, slots=True)
class _Judged:
    """What the headers say: reasons by family, in the order of precedence, and the frames to read."""

    identity: tuple[Reason, ...]
    values: tuple[Reason, ...]
    geometry: tuple[Reason, ...]
    acquisition: tuple[Reason, ...]
    stack: Stack

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """All of them."""
        return (*self.identity, *self.values, *self.geometry, *self.acquisition)


def read_volume(
    series: SeriesFacts,
    *,
    multivolume: Multivolume = "refuse",
    minimum_age_years: float = 18.0,
    refuse_without_patient_id: bool = True,
    threads: int = 0,
) -> Volume | Refusal:
    """Read a CT series.

    Parameters
    ----------
    series : SeriesFacts
        Headers and files, in any order.
    multivolume : "refuse", "first", "last"
        What to do with several volumes in one series (GEO-MULTIVOL).
    minimum_age_years : float, years
        Younger patients are refused (ACQ-AGE).
    refuse_without_patient_id : bool
        Whether an empty Patient ID refuses the series (ID-NOPID).
    threads : int
        How many cores to use; 0 for all.

    Returns
    -------
    Volume, with warnings and partial refusals in `reasons`; or Refusal with every code that applies.
    """
    series, others = leave_out_others(series)
    identity = check_integrity(series, refuse_without_patient_id=refuse_without_patient_id)
    try:
        frames, scouts = leave_out_scouts(frames_of(series))
        judged = _judge(frames, identity, multivolume, minimum_age_years)
    except InputRefused as error:
        return Refusal((*identity, refuse(Code(error.code), error.message)))
    judged = replace(judged, geometry=(*others, *scouts, *judged.geometry))
    lps_from_zyx = judged.stack.lps_from_zyx
    if lps_from_zyx is None or _refuses(judged.reasons):
        return Refusal(judged.reasons)
    try:
        hu_zyx, counted = assemble([task_of(frame) for frame in judged.stack.frames], threads)
    except InputRefused as error:
        late = refuse(Code(error.code), error.message)
        return Refusal(replace(judged, identity=(*judged.identity, late)).reasons)
    judged = replace(judged, values=(*judged.values, *check_values(counted)))
    if _refuses(judged.reasons):
        return Refusal(judged.reasons)
    total = sum_counts(counts for _, counts in counted)
    return _volume(series, judged, hu_zyx, lps_from_zyx, total.n_padding / total.n)


def _judge(
    frames: Sequence[Frame], identity: tuple[Reason, ...], multivolume: Multivolume, minimum_age_years: float
) -> _Judged:
    """Check everything that headers tell; pixels are looked at only to compare copies at one place."""
    values = check_pixel_values(frames)
    readable = not _refuses((*identity, *values))
    stack = stack_of(frames, multivolume=multivolume, same_pixels=same_pixels if readable else never_same)
    step_mm = None if stack.lps_from_zyx is None else float(np.linalg.norm(stack.lps_from_zyx[:3, 0]))
    return _Judged(
        identity=(*identity, *check_memory(stack.frames, _available_bytes())),
        values=values,
        geometry=stack.reasons,
        acquisition=check_acquisition(frames, step_mm=step_mm, minimum_age_years=minimum_age_years),
        stack=stack,
    )


def _refuses(reasons: Sequence[Reason]) -> bool:
    return any(r.severity is Severity.REFUSE and Affects.SERIES in r.affects for r in reasons)


def _available_bytes() -> int:
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * _MEMORY_SHARE)


def _volume(
    series: SeriesFacts,
    judged: _Judged,
    hu_zyx: NDArray[np.int16],
    lps_from_zyx: NDArray[np.float64],
    padded_frac: float,
) -> Volume:
    hu_zyx.setflags(write=False)
    lps_from_zyx.setflags(write=False)
    frames = judged.stack.frames
    thickness = {f.geometry.slice_thickness_mm for f in frames}
    return Volume(
        hu_zyx=hu_zyx,
        lps_from_zyx=lps_from_zyx,
        frames=tuple(SourceFrame(f.file.facts.sop_class_uid, f.sop_instance_uid, f.number) for f in frames),
        slice_thickness_mm=max((t for t in thickness if t is not None), default=None),
        padded_frac=padded_frac,
        reasons=judged.reasons,
        series=series,
    )
