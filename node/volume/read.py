"""The door of the room: a CT series in, a `Volume` or a `Refusal` out, never an exception about the input.

Precedence (standards, part 4): identity and integrity, pixel values, geometry, acquisition. All codes that the headers
show are listed; pixels are read only when no header refuses the series, and what they show is listed in its family.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.errors import Affects, Code, InputRefused, Reason, Refusal, Severity, refuse
from node.facts.series import SeriesFacts
from node.volume.acquisition import check_acquisition
from node.volume.assemble import assemble
from node.volume.copies import Multivolume, one_per_place
from node.volume.decoders import read_stored
from node.volume.frame import Frame
from node.volume.frames import frames_of
from node.volume.hu_range import check_values, sum_counts
from node.volume.integrity import check_integrity, check_memory
from node.volume.pixel_values import check_pixel_values
from node.volume.plane import normal_of, project, stack_matrix
from node.volume.scout import leave_out_scouts
from node.volume.slice_planes import check_planes, check_presence, orientations_of
from node.volume.slice_steps import check_steps, check_thickness
from node.volume.stored import task_of
from node.volume.volume import SourceFrame, Volume

_MEMORY_SHARE = 0.5  # of the machine's memory that one volume may take


@dataclass(frozen=True, slots=True)
class _Stack:
    """Frames in the order of the slices, with their matrix; None where the geometry does not allow one."""

    frames: tuple[Frame, ...]
    lps_from_zyx: NDArray[np.float64] | None
    reasons: tuple[Reason, ...]


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
    identity = check_integrity(series, refuse_without_patient_id=refuse_without_patient_id)
    try:
        every = frames_of(series)
        frames, scouts = leave_out_scouts(every)
        values = check_pixel_values(frames)
        blocked = _refuses((*identity, *values))
        stack = _stack(frames, multivolume, pixels_readable=not blocked)
        acquisition = check_acquisition(frames, minimum_age_years=minimum_age_years)
        identity = (*identity, *check_memory(stack.frames, _available_bytes()))
        reasons = (*identity, *values, *scouts, *stack.reasons, *acquisition)
        if stack.lps_from_zyx is None or _refuses(reasons):
            return Refusal(reasons)
        tasks = [task_of(frame) for frame in stack.frames]
        hu_zyx, counted = assemble(tasks, threads)
    except InputRefused as error:
        return Refusal((*identity, refuse(Code(error.code), error.message)))
    seen = check_values(counted)
    reasons = (*identity, *values, *seen, *scouts, *stack.reasons, *acquisition)
    if _refuses(reasons):
        return Refusal(reasons)
    total = sum_counts(counts for _, counts in counted)
    return _volume(series, stack.frames, hu_zyx, stack.lps_from_zyx, total.n_padding / total.n, reasons)


def _refuses(reasons: Sequence[Reason]) -> bool:
    return any(r.severity is Severity.REFUSE and Affects.SERIES in r.affects for r in reasons)


def _stack(frames: Sequence[Frame], multivolume: Multivolume, *, pixels_readable: bool) -> _Stack:
    """Sort the frames along their normal and check that they form one stack."""
    absent = check_presence(frames)
    if absent:
        return _Stack(tuple(frames), None, absent)
    planes = check_planes(frames)
    orientation = np.median(orientations_of(frames), axis=0)
    normal = normal_of(orientation)
    ordered = sorted(frames, key=lambda f: f.sop_instance_uid)
    ordered = [ordered[i] for i in np.argsort(project(_positions(ordered), normal), kind="stable").tolist()]
    along_mm = project(_positions(ordered), normal)
    places = one_per_place(
        ordered, along_mm, multivolume=multivolume, same_pixels=_same_pixels if pixels_readable else _never
    )
    positions = _positions(places.frames)
    along_mm = project(positions, normal)
    steps = check_steps(positions, along_mm, normal)
    reasons = (*planes, *places.reasons, *steps)
    if len(positions) < 2:
        return _Stack(places.frames, None, reasons)
    reasons = (*reasons, *check_thickness(places.frames, float(np.median(np.diff(along_mm)))))
    spacing_yx_mm = frames[0].geometry.pixel_spacing_yx_mm
    if spacing_yx_mm is None:
        return _Stack(places.frames, None, reasons)
    return _Stack(places.frames, stack_matrix(positions, orientation, spacing_yx_mm), reasons)


def _positions(frames: Sequence[Frame]) -> NDArray[np.float64]:
    return np.array([f.geometry.image_position_lps_mm for f in frames], np.float64)


def _same_pixels(one: Frame, other: Frame) -> bool:
    """Compare pixels and rescale of two frames at one place."""
    tasks = (task_of(one), task_of(other))
    a, b = (np.empty((task.rows, task.columns), np.uint16) for task in tasks)
    if a.shape != b.shape or (tasks[0].slope, tasks[0].intercept) != (tasks[1].slope, tasks[1].intercept):
        return False
    read_stored(tasks[0], a)
    read_stored(tasks[1], b)
    return bool(np.array_equal(a, b))


def _never(one: Frame, other: Frame) -> bool:  # noqa: ARG001 - the signature is SamePixels
    """Stand in where pixels must not be read: the copies count as different."""
    return False


def _available_bytes() -> int:
    return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") * _MEMORY_SHARE)


def _volume(
    series: SeriesFacts,
    frames: Sequence[Frame],
    hu_zyx: NDArray[np.int16],
    lps_from_zyx: NDArray[np.float64],
    padded_frac: float,
    reasons: tuple[Reason, ...],
) -> Volume:
    hu_zyx.setflags(write=False)
    lps_from_zyx.setflags(write=False)
    thickness = {f.geometry.slice_thickness_mm for f in frames}
    return Volume(
        hu_zyx=hu_zyx,
        lps_from_zyx=lps_from_zyx,
        frames=tuple(SourceFrame(f.file.facts.sop_class_uid, f.sop_instance_uid, f.number) for f in frames),
        slice_thickness_mm=max((t for t in thickness if t is not None), default=None),
        padded_frac=padded_frac,
        reasons=reasons,
        series=series,
    )
