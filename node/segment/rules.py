"""`lungs-rule`: right and left lung by rules, without anything learnt.

Air inside the body, less windpipe and main bronchi, less gas of stomach and bowel, is lung; right and left are told
apart by where they lie in the patient; a closing of 4 mm takes vessels and nodules on the wall in. The lungs are
found on a working grid of about 2 mm and their border is drawn on the scan's own.

What it cannot do: consolidated, collapsed or compressed lung denser than -320 HU is not found, nor are tumours that
are not enclosed by lung.
"""

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from node.errors import Affects, Code, Refusal, refuse
from node.segment.airways import airways
from node.segment.body_air import body_and_air
from node.segment.border import refined
from node.segment.box import box_of
from node.segment.closing import closed
from node.segment.contract import LungDefinition, ModelIdentity, Segment, Segmentation, SegmentKind
from node.segment.enclosed import with_enclosed
from node.segment.gas_pockets import without_gas
from node.segment.lung_pieces import lung_pieces
from node.segment.sides import LEFT, RIGHT, sides
from node.segment.working_grid import working_grid
from node.volume.volume import Volume

ALGORITHM = "lungs-rule/3"  # part of the model's digest; raise it when any voxel can change

RUNTIME = "cpu/int16/simpleitk"
CLOSING_MM = 4.0
_MARGIN = 4  # working voxels round the air, so that nothing is cut by its box
_SMALLEST_ML = 100.0  # less than this is no lung to speak of

_KINDS = {RIGHT: (SegmentKind.RIGHT_LUNG, "Right lung"), LEFT: (SegmentKind.LEFT_LUNG, "Left lung")}


class RuleLungs:
    """The rule-based lung model behind the contract of `LungModel`."""

    def __init__(self, identity: ModelIdentity, threads: int = 0) -> None:
        self._identity = identity
        self._threads = threads

    @property
    def identity(self) -> ModelIdentity:
        """Name, version, digest, runtime."""
        return self._identity

    def segment(self, volume: Volume) -> Segmentation | Refusal:
        """Find the right and the left lung."""
        if self._threads:
            SimpleITK.ProcessObject.SetGlobalDefaultNumberOfThreads(self._threads)
        labels = lung_labels(volume.hu_zyx, volume.lps_from_zyx)
        found_ml = float(np.count_nonzero(labels)) * volume.voxel_ml
        if found_ml < _SMALLEST_ML:
            text = f"no lungs found: {found_ml:.0f} ml of lung-like tissue, at least {_SMALLEST_ML:.0f} ml expected"
            return Refusal((refuse(Code.SEG_EMPTY, text, Affects.SERIES),))
        present = [label for label in (RIGHT, LEFT) if (labels == label).any()]
        labels.flags.writeable = False
        return Segmentation(
            labels_zyx=labels,
            segments=tuple(Segment(label, *_KINDS[label]) for label in present),
            definition=LungDefinition.AERATED,
            models=(self._identity,),
        )


def lung_labels(hu_zyx: NDArray[np.int16], lps_from_zyx: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Label the lungs of a scan: 1 right, 2 left, of the patient.

    Parameters
    ----------
    hu_zyx : (slices, rows, columns) int16, Hounsfield units.
    lps_from_zyx : (4, 4) float64, mm.
    """
    nz, ny, nx = hu_zyx.shape
    grid = working_grid((nz, ny, nx), lps_from_zyx)
    full_hu = grid.turned(hu_zyx)
    hu = grid.reduce(full_hu)
    body, air = body_and_air(hu)
    raw, shut, barred = (np.zeros(grid.shape, kind) for kind in (np.uint8, np.uint8, bool))
    inner = box_of(air, _MARGIN)
    if inner is not None:
        middle = _middle(body) - (inner[2].start or 0)
        raw[inner], shut[inner], barred[inner] = _found(hu[inner], air[inner], middle, grid.spacing_mm)
    return np.ascontiguousarray(grid.turned_back(refined(full_hu, raw, shut, barred, grid)))


def _found(
    hu: NDArray[np.int16], air: NDArray[np.bool_], middle: float, spacing_mm: tuple[float, float, float]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.bool_]]:
    """Find the lungs on the working grid: as air, closed, and the airways that are neither."""
    voxel_ml = float(np.prod(spacing_mm)) / 1000.0
    tree = airways(hu, air, spacing_mm)
    barred = np.zeros_like(air) if tree is None else tree
    lungs = without_gas(hu, lung_pieces(hu, air & ~barred, voxel_ml), voxel_ml)
    raw = sides(hu, lungs, middle, spacing_mm)
    shut = np.zeros_like(raw)
    for side in (RIGHT, LEFT):
        taken = with_enclosed(closed(raw == side, CLOSING_MM, spacing_mm), voxel_ml)
        shut[taken & (shut == 0) & ((raw == 0) | (raw == side))] = side
    return raw, shut, barred


def _middle(body: NDArray[np.bool_]) -> float:
    """Return where the middle of the body lies from side to side, in voxels."""
    across = np.nonzero(body.any(axis=(0, 1)))[0]
    return float(across[0] + across[-1]) / 2.0
