"""Ground glass drawn from solid nodules: of 208 nodule cubes 12 are clearly hazy, too few to learn from.

The density inside the outline is brought towards that of the lung round it, cloudily, by a share drawn for each nodule.
No paper's: ours.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from node.learn.lesion_set import LesionSet, of_planes
from node.learn.planes import CUBE
from node.learn.runs import runs

_COPIED = 0.5  # of the solid nodules
_SOLID_HU = -300.0  # half of a solid nodule is denser
_LUNG_HU = -500.0  # darker beside the nodule is lung
_LEAST_LUNG_VOXELS = 100
_SHARE = (0.12, 0.45)  # of the nodule's contrast that is left, drawn evenly
_CLOUD_SD, _CLOUD_VOXELS = 0.35, 2.0  # how unevenly, and how large the clouds are
_NOISE = 0.4  # of the lung's spread, for the grain that goes with the contrast
_MOST_SPREAD_HU = 60.0
_EDGE_VOXELS = 0.8

Hu = NDArray[np.int16]


def with_hazy_copies(data: LesionSet, seed: int) -> LesionSet:
    """Return the set with a hazy copy beside half of its cubes whose nodule is solid and lies in lung."""
    further = []
    for run in runs(data):
        slices = [data.planes[int(at)] for at in run]
        if slices[0].domain != CUBE:
            continue
        rng = np.random.default_rng((seed, *slices[0].stack.encode()))
        nodule_zyx = np.stack([plane.tumour_yx for plane in slices]).astype(bool)
        hazy_zyx = hazy(np.stack([plane.hu_yx for plane in slices]), nodule_zyx, rng)
        if rng.random() < _COPIED and hazy_zyx is not None:
            further += [
                replace(plane, id=f"{plane.id} hazy", stack=f"{plane.stack} hazy", hu_yx=hu_yx)
                for plane, hu_yx in zip(slices, hazy_zyx, strict=True)
            ]
    return of_planes((*data.planes, *further))


def hazy(hu_zyx: Hu, nodule_zyx: NDArray[np.bool_], rng: np.random.Generator) -> Hu | None:
    """Return a cube (slices, rows, columns) in HU whose nodule is hazy; None where it was, or no lung lies round it.

    No voxel becomes denser, and what is 5 voxels and more outside the outline stays as it is.
    """
    from scipy import ndimage  # noqa: PLC0415  a training without cubes needs no scipy

    near = ndimage.binary_dilation(nodule_zyx, iterations=5) & ~ndimage.binary_dilation(nodule_zyx, iterations=2)
    lung = near & (hu_zyx < _LUNG_HU)
    if lung.sum() < _LEAST_LUNG_VOXELS or np.median(hu_zyx[nodule_zyx]) < _SOLID_HU:
        return None
    lung_hu, spread_hu = np.median(hu_zyx[lung]), min(float(hu_zyx[lung].std()), _MOST_SPREAD_HU)
    cloud = ndimage.gaussian_filter(rng.normal(size=hu_zyx.shape), _CLOUD_VOXELS)
    share = rng.uniform(*_SHARE) * np.clip(1.0 + _CLOUD_SD * cloud / cloud.std(), 0.2, 2.0)
    grain_hu = _NOISE * spread_hu * rng.normal(size=hu_zyx.shape)
    faded_hu = np.minimum(lung_hu + share * (hu_zyx - lung_hu) + grain_hu, hu_zyx)
    inside = ndimage.gaussian_filter(ndimage.binary_dilation(nodule_zyx).astype(np.float32), _EDGE_VOXELS, radius=3)
    answer: Hu = np.rint(hu_zyx + inside * (faded_hu - hu_zyx)).astype(np.int16)
    return answer
