"""Put nodules of known centre, size and density into the lungs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from node.phantom.grid import Grid
from node.phantom.phantom import FIRST_NODULE, Nodule, NoduleKind
from node.phantom.render import mask_of
from node.phantom.shapes import sphere

SOLID_HU = 40.0
GROUND_GLASS_HU = -600.0
CORE_SHARE = 0.5  # of a part-solid nodule's diameter


def paint_nodules(
    hu_zyx: NDArray[np.float32], labels_zyx: NDArray[np.uint8], grid: Grid, nodules: Sequence[Nodule]
) -> tuple[Nodule, ...]:
    """Paint and label them where there is lung; return those that have voxels."""
    kept: list[Nodule] = []
    for nodule in nodules:
        ball = mask_of(grid, sphere(nodule.centre_lps_mm, nodule.diameter_mm)) & (labels_zyx > 0)
        ball &= labels_zyx < FIRST_NODULE
        if not ball.any():
            continue
        whole = nodule.kind in (NoduleKind.SOLID, NoduleKind.JUXTAPLEURAL)
        hu_zyx[ball] = SOLID_HU if whole else GROUND_GLASS_HU
        if nodule.kind is NoduleKind.PART_SOLID:
            core = mask_of(grid, sphere(nodule.centre_lps_mm, nodule.diameter_mm * CORE_SHARE))
            hu_zyx[core & ball] = SOLID_HU
        labels_zyx[ball] = FIRST_NODULE + len(kept)
        kept.append(nodule)
    return tuple(kept)


def choose_nodules(n: int, rng: np.random.Generator) -> tuple[Nodule, ...]:
    """Return up to six nodules of different kinds at places that are lung and free of the hila."""
    places = [
        (-92.0, -28.0, 20.0), (88.0, 30.0, -40.0), (-70.0, 45.0, -60.0), (70.0, -30.0, 40.0), (-134.0, 0.0, -30.0),
        (96.0, 10.0, -90.0),
    ]  # fmt: skip
    kinds = [
        NoduleKind.SOLID, NoduleKind.PART_SOLID, NoduleKind.GROUND_GLASS, NoduleKind.SOLID, NoduleKind.JUXTAPLEURAL,
        NoduleKind.SOLID,
    ]  # fmt: skip
    diameters_mm = [14.0, 18.0, 16.0, 8.0, 20.0, 24.0]
    suv = [6.5, None, None, None, 4.5, 9.0]
    chosen = []
    for place, kind, diameter_mm, suv_g_ml in list(zip(places, kinds, diameters_mm, suv, strict=True))[:n]:
        x, y, z = (float(c + shift) for c, shift in zip(place, rng.uniform(-3.0, 3.0, 3), strict=True))
        chosen.append(Nodule((x, y, z), diameter_mm, kind, suv_g_ml))
    return tuple(chosen)
