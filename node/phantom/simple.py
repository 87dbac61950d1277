"""Analytic phantoms: known solids in known HU, and one that is different on every side."""

from collections.abc import Sequence

import numpy as np

from node.phantom.grid import Grid
from node.phantom.phantom import LEFT_LUNG, RIGHT_LUNG, Phantom
from node.phantom.render import paint
from node.phantom.shapes import Box, Shape

WATER_HU = 0.0
AIR_HU = -1000.0
LUNG_HU = -850.0

# An L lying in the right lung's place and a smaller box left of it, in a body that is off centre: no rotation or
# reflection maps it onto itself.
L_UPRIGHT = Box((-90.0, -50.0, -60.0), (-50.0, 40.0, 60.0))
L_FOOT = Box((-50.0, -50.0, -60.0), (-20.0, -20.0, -10.0))
LEFT_BOX = Box((30.0, -30.0, -40.0), (80.0, 30.0, 50.0))
L_BODY = Box((-110.0, -80.0, -200.0), (105.0, 70.0, 200.0))


def make_solids(
    grid: Grid, solids: Sequence[tuple[Shape, float]], *, background_hu: float = WATER_HU, labels: Sequence[int] = ()
) -> Phantom:
    """Paint solids of known HU, without noise or blur.

    Parameters
    ----------
    grid : Grid
        Where the voxels lie.
    solids : sequence of (shape, HU)
        In the order of painting.
    background_hu : float, HU
        Everywhere else.
    labels : sequence of int
        Of each solid in the truth; 0 where none is given.
    """
    hu_zyx = np.full(grid.shape_zyx, background_hu, np.int16)
    labels_zyx = np.zeros(grid.shape_zyx, np.uint8)
    for i, (shape, hu) in enumerate(solids):
        paint(hu_zyx, grid, shape, hu)
        if i < len(labels):
            paint(labels_zyx, grid, shape, labels[i])
    return Phantom(grid, hu_zyx, labels_zyx)


def make_asymmetric(grid: Grid) -> Phantom:
    """Paint the body with an L of lung on the right and a box of lung on the left."""
    solids = [(L_BODY, WATER_HU), (L_UPRIGHT, LUNG_HU), (L_FOOT, LUNG_HU), (LEFT_BOX, LUNG_HU)]
    labels = [0, RIGHT_LUNG, RIGHT_LUNG, LEFT_LUNG]
    return make_solids(grid, solids, background_hu=AIR_HU, labels=labels)
