"""Whether all slices lie in parallel planes of one patient space (standards 4.1)."""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from node.errors import Code, Reason, refuse
from node.facts.fitting import is_placed
from node.facts.limits import COSINE_TOLERANCE, MOST_OFF_AXIAL_DEG
from node.volume.frame import Frame
from node.volume.plane import angle_deg, normal_of

MAX_TURN_DEG = 30.0  # GEO-NONAX: rows nearer to the diagonal do not tell which side of the picture is which of the body
SPACING_TOLERANCE_MM = 1e-4  # GEO-MATRIX: pixel spacings that differ by rounding only are equal


def check_presence(frames: Sequence[Frame]) -> tuple[Reason, ...]:
    """Check that every slice says where it is; nothing else of the geometry can be checked before."""
    n = sum(not is_placed(f.geometry) for f in frames)
    if not n:
        return ()
    text = f"{n} of {len(frames)} images have no valid position, orientation or pixel spacing"
    return (refuse(Code.GEO_NOIPP, text),)


def check_planes(frames: Sequence[Frame]) -> tuple[Reason, ...]:
    """Check orientation, matrix and frame of reference; every frame is placed."""
    return (*_frame_of_reference(frames), *_matrix(frames), *_orientation(frames), *_axial(frames))


def usual_orientation(frames: Sequence[Frame]) -> NDArray[np.float64]:
    """Return the Image Orientation (Patient) that most placed frames have, (6,)."""
    counts = Counter(f.geometry.image_orientation for f in frames)
    return np.array(counts.most_common(1)[0][0], np.float64)


def _frame_of_reference(frames: Sequence[Frame]) -> Iterable[Reason]:
    n = len({f.geometry.frame_of_reference_uid for f in frames} - {""})
    if n > 1:
        yield refuse(Code.GEO_FOR, f"the series has {n} frames of reference")


def _matrix(frames: Sequence[Frame]) -> Iterable[Reason]:
    sizes = {(f.geometry.rows, f.geometry.columns) for f in frames}
    spacings = np.array([f.geometry.pixel_spacing_yx_mm for f in frames], np.float64)
    if len(sizes) > 1:
        yield refuse(Code.GEO_MATRIX, f"the series has {len(sizes)} sizes of image")
    elif float(np.ptp(spacings, axis=0).max()) > SPACING_TOLERANCE_MM:
        low, high = spacings.min(axis=0), spacings.max(axis=0)
        yield refuse(Code.GEO_MATRIX, f"pixel spacing runs from {low.tolist()} to {high.tolist()} mm")


def _orientation(frames: Sequence[Frame]) -> Iterable[Reason]:
    orientations = np.array([f.geometry.image_orientation for f in frames], np.float64)
    spread = float(np.abs(orientations - usual_orientation(frames)).max())
    if spread > COSINE_TOLERANCE:
        yield refuse(Code.GEO_ORIENT, f"orientation cosines differ by up to {spread:.4f}, limit {COSINE_TOLERANCE:g}")


def _axial(frames: Sequence[Frame]) -> Iterable[Reason]:
    orientation = usual_orientation(frames)
    tilt_deg = angle_deg(normal_of(orientation), np.array([0.0, 0.0, 1.0]))
    turn_deg = min(angle_deg(orientation[:3], axis) for axis in np.eye(3))
    if tilt_deg > MOST_OFF_AXIAL_DEG:
        yield refuse(Code.GEO_NONAX, f"slices are {tilt_deg:.1f} degrees off axial, limit {MOST_OFF_AXIAL_DEG:g}")
    elif turn_deg > MAX_TURN_DEG:
        yield refuse(Code.GEO_NONAX, f"rows are {turn_deg:.1f} degrees off the patient's axes, limit {MAX_TURN_DEG:g}")
