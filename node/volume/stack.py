"""Frames in the order of the slices, with their matrix, and what is wrong with their geometry (standards 4.1)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.errors import Code, Reason, refuse
from node.volume.copies import Multivolume, SamePixels, one_per_place
from node.volume.frame import Frame
from node.volume.plane import normal_of, project, stack_matrix
from node.volume.slice_planes import check_planes, check_presence, usual_orientation
from node.volume.slice_steps import check_steps, check_thickness


@dataclass(frozen=True, slots=True)
class Stack:
    """Sorted frames, one per place. `lps_from_zyx` is None where the geometry does not allow a volume."""

    frames: tuple[Frame, ...]
    lps_from_zyx: NDArray[np.float64] | None
    reasons: tuple[Reason, ...]


def stack_of(frames: Sequence[Frame], *, multivolume: Multivolume, same_pixels: SamePixels) -> Stack:
    """Sort frames along their normal, keep one per place and check that they form one stack.

    Parameters
    ----------
    frames : sequence of Frame
        In any order, scouts left out.
    multivolume : "refuse", "first", "last"
        Which of several volumes to take.
    same_pixels : callable
        Compares two frames at one place.
    """
    absent = check_presence(frames)
    spacing_yx_mm = frames[0].geometry.pixel_spacing_yx_mm
    if absent or spacing_yx_mm is None:
        return Stack(tuple(frames), None, absent)
    orientation = usual_orientation(frames)
    normal = normal_of(orientation)
    ordered = _sorted(frames, normal)
    places = one_per_place(
        ordered, project(positions_of(ordered), normal), multivolume=multivolume, same_pixels=same_pixels
    )
    positions = positions_of(places.frames)
    along_mm = project(positions, normal)
    reasons = (
        *_names_repeated(places.frames),
        *check_planes(frames),
        *places.reasons,
        *check_steps(positions, along_mm, normal),
    )
    if len(positions) < 2:
        return Stack(places.frames, None, reasons)
    reasons = (*reasons, *check_thickness(places.frames, float(np.median(np.diff(along_mm)))))
    return Stack(places.frames, stack_matrix(positions, orientation, spacing_yx_mm), reasons)


def _names_repeated(frames: Sequence[Frame]) -> tuple[Reason, ...]:
    """ID-DUPDIFF where one SOP Instance UID lies at several places: no result could say which one it means."""
    places = Counter((f.sop_instance_uid, f.number) for f in frames)
    n = sum(count > 1 for count in places.values())
    if not n:
        return ()
    return (refuse(Code.ID_DUPDIFF, f"{n} SOP Instance UIDs stand for images at several places each"),)


def positions_of(frames: Sequence[Frame]) -> NDArray[np.float64]:
    """Return Image Position (Patient) of placed frames, (n, 3) mm."""
    return np.array([f.geometry.image_position_lps_mm for f in frames], np.float64)


def _sorted(frames: Sequence[Frame], normal: NDArray[np.float64]) -> list[Frame]:
    """Sort along the normal; copies at one place by SOP Instance UID, whatever order the files came in."""
    by_uid = sorted(frames, key=lambda f: (f.sop_instance_uid, f.number))
    order = np.argsort(project(positions_of(by_uid), normal), kind="stable")
    return [by_uid[i] for i in order.tolist()]
