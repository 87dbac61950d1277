"""A synthetic scan with what is true about it."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from node.phantom.grid import Grid

RIGHT_LUNG = 1
LEFT_LUNG = 2
FIRST_NODULE = 3  # labels of nodules follow in their order


class NoduleKind(StrEnum):
    """How a nodule looks."""

    SOLID = "solid"
    PART_SOLID = "part-solid"
    GROUND_GLASS = "ground-glass"
    JUXTAPLEURAL = "juxtapleural"


@dataclass(frozen=True, slots=True)
class Nodule:
    """A ball.

    Of a juxtapleural one the part outside the lung does not show; the core of a part-solid one is half as wide.
    """

    centre_lps_mm: tuple[float, float, float]
    diameter_mm: float
    kind: NoduleKind = NoduleKind.SOLID
    suv_g_ml: float | None = None  # in the PET; None: as the tissue round it


@dataclass(frozen=True, slots=True)
class Phantom:
    """A scan without noise in its truth.

    Attributes
    ----------
    grid : where the voxels lie
    hu_zyx : int16, Hounsfield units
    labels_zyx : uint8; 1 right lung, 2 left lung (vessels inside them included), from 3 the nodules, 0 the rest
    nodules : those that have voxels, in the order of their labels
    suv_zyx : float32 SUVbw on the same grid, None without PET
    """

    grid: Grid
    hu_zyx: NDArray[np.int16]
    labels_zyx: NDArray[np.uint8]
    nodules: tuple[Nodule, ...] = ()
    suv_zyx: NDArray[np.float32] | None = None
