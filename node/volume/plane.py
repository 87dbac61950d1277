"""Plain geometry of slices: normals, projections, steps. Numbers in, numbers out; LPS, mm."""

import numpy as np
from numpy.typing import NDArray


def normal_of(orientation: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return row direction x column direction of an Image Orientation (Patient), unit length, (3,)."""
    normal: NDArray[np.float64] = np.cross(orientation[:3], orientation[3:])
    return normal / np.linalg.norm(normal)


def project(positions_lps_mm: NDArray[np.float64], normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where slices lie along the normal, (n,) mm."""
    along: NDArray[np.float64] = positions_lps_mm @ normal
    return along


def angle_deg(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the angle between two lines, 0 to 90 degrees."""
    crossed = float(np.linalg.norm(np.cross(one, other)))
    return float(np.degrees(np.arctan2(crossed, abs(float(one @ other)))))


def stack_matrix(
    positions_lps_mm: NDArray[np.float64], orientation: NDArray[np.float64], spacing_yx_mm: tuple[float, float]
) -> NDArray[np.float64]:
    """Return lps_from_zyx of sorted, equally spaced slices.

    Parameters
    ----------
    positions_lps_mm : (n, 3), mm
        Image Position (Patient): the centre of the first pixel of each slice; n >= 2.
    orientation : (6,)
        Direction of a row (x), then of a column (y).
    spacing_yx_mm : (between rows, between columns), mm
        Pixel Spacing.

    Notes
    -----
    PS3.3 C.7.6.2.1.1; the step between slices is taken from first and last position, so that no error adds up.
    """
    matrix = np.eye(4)
    matrix[:3, 0] = (positions_lps_mm[-1] - positions_lps_mm[0]) / (len(positions_lps_mm) - 1)
    matrix[:3, 1] = orientation[3:] * spacing_yx_mm[0]
    matrix[:3, 2] = orientation[:3] * spacing_yx_mm[1]
    matrix[:3, 3] = positions_lps_mm[0]
    return matrix
