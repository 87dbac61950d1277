"""What is measured of a candidate to tell lesions from vessels, fissures, hilum and noise.

elongation     root of the first over the second principal moment: 1 of a ball, large of a vessel
flatness       root of the second over the third: 1 of a ball or a tube, large of a fissure
blobness       of the Hessian in its core, least over largest curvature: 1 of a ball, 0 of a tube or a plate
ridgeness      second over largest curvature: 1 of a ball or a tube, 0 of a plate
outside_frac   share of its voxels outside the closed lungs: hilum, mediastinum, wall
inner_mm       depth of its deepest voxel below its own surface
"""

from dataclasses import astuple, dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.segment.lesions.candidates import Candidate

_SIGMA_MM = (1.0, 4.0)  # of the Hessian's scale
_CORE_FRAC = 0.5  # of the greatest depth, from which a voxel is core
_TENSOR = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))


@dataclass(frozen=True, slots=True)
class Shape:
    """Measured of one candidate; every value finite."""

    p_max: float
    p_mean: float
    log_mm3: float
    elongation: float
    flatness: float
    blobness: float
    ridgeness: float
    outside_frac: float
    inner_mm: float

    def vector(self) -> NDArray[np.float64]:
        """Return the values in the order of `NAMES`."""
        return np.array(astuple(self), np.float64)


NAMES = tuple(field.name for field in fields(Shape))


def shape_of(
    one: Candidate,
    p: NDArray[np.uint8],
    hu: NDArray[np.int16],
    inside: NDArray[np.bool_],
    spacing_mm: tuple[float, float, float],
) -> Shape:
    """Measure one candidate.

    Parameters
    ----------
    p : (head, back, left) 0 ... 255, the networks' probabilities.
    hu, inside : the same grid; inside the closed lungs.
    """
    mask = one.mask
    values = p[one.box][mask].astype(np.float64) / 255.0
    mm3 = one.n_voxels * float(np.prod(spacing_mm))
    first, second, third = _moments(mask, spacing_mm)
    depth_mm = ndimage.distance_transform_edt(np.pad(mask, 1), sampling=spacing_mm)[1:-1, 1:-1, 1:-1]
    least, middle = _curvatures(one, depth_mm >= _CORE_FRAC * depth_mm.max(), hu, mm3, spacing_mm)
    return Shape(
        p_max=float(values.max()),
        p_mean=float(values.mean()),
        log_mm3=float(np.log(mm3)),
        elongation=float(np.sqrt(first / second)),
        flatness=float(np.sqrt(second / third)),
        blobness=least,
        ridgeness=middle,
        outside_frac=1.0 - float(inside[one.box][mask].mean()),
        inner_mm=float(depth_mm.max()),
    )


def _moments(mask: NDArray[np.bool_], spacing_mm: tuple[float, float, float]) -> tuple[float, float, float]:
    """Return the principal moments, largest first; each voxel counts with its own extent."""
    at_mm = np.argwhere(mask) * spacing_mm
    own = np.diag(np.square(spacing_mm) / 12.0)
    away = at_mm - at_mm.mean(axis=0)
    third, second, first = np.linalg.eigvalsh(away.T @ away / len(away) + own)
    return float(first), float(second), float(third)


def _curvatures(
    one: Candidate, core: NDArray[np.bool_], hu: NDArray[np.int16], mm3: float, spacing_mm: tuple[float, float, float]
) -> tuple[float, float]:
    """Return least and middle curvature over the largest, means over the core where it is brighter than round it."""
    radius_mm = (3.0 * mm3 / (4.0 * np.pi)) ** (1.0 / 3.0)
    sigma_mm = float(np.clip(0.6 * radius_mm, *_SIGMA_MM))
    sigma = [sigma_mm / mm for mm in spacing_mm]
    margin = [int(np.ceil(3.0 * s)) + 1 for s in sigma]
    wide = tuple(slice(max(s.start - m, 0), s.stop + m) for s, m in zip(one.box, margin, strict=True))
    inner = tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(one.box, wide, strict=True))
    smooth = ndimage.gaussian_filter(hu[wide].astype(np.float32), sigma, truncate=3.0)
    slopes = np.gradient(smooth, *spacing_mm)
    tensor = np.empty((int(core.sum()), 3, 3))
    for i, j in _TENSOR:
        tensor[:, i, j] = tensor[:, j, i] = np.gradient(slopes[i], spacing_mm[j], axis=j)[inner][core]
    values = -np.linalg.eigvalsh(tensor)[:, ::-1]  # a bright ball bends down: positive
    bright = values[:, 2] > 0
    largest = np.sort(values[bright], axis=1)
    if not len(largest):
        return 0.0, 0.0
    ratio = np.clip(largest[:, :2] / largest[:, 2:], 0.0, 1.0).mean(axis=0)
    return float(ratio[0]), float(ratio[1])
