"""PET volumes and segmented CTs as values, with known uptake."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pytest
from numpy.typing import NDArray

from node.phantom.grid import Grid, grid_at
from node.phantom.pet import make_pet, pet_grid
from node.phantom.phantom import LEFT_LUNG, RIGHT_LUNG, Nodule, Phantom
from node.phantom.thorax import make_thorax, thorax_grid
from node.segment.contract import Segmentation
from node.volume.pet import PetVolume, SuvKind, SuvScale
from node.volume.pet.lean_body_mass import lean_masses
from node.volume.volume import Volume
from tests.measure.lesions.conftest import FIRST_LESION, _series, segmentation_of

SCALE = SuvScale(SuvKind.BW, (1.0,), 70.0, None, lean_masses(70.0, 1.7, "M"), is_fdg=True)
HOT = (
    Nodule((-91.0, -29.0, 17.0), 14.0, suv_g_ml=6.5),
    Nodule((94.0, 12.0, -90.0), 24.0, suv_g_ml=9.0),
    Nodule((72.0, -28.0, 37.0), 8.0),
)


def pet_of(suv_zyx: NDArray[np.float32], grid: Grid | NDArray[np.float64], **scale: object) -> PetVolume:
    """A PET of these values."""
    matrix = grid.lps_from_zyx if isinstance(grid, Grid) else grid
    return PetVolume(suv_zyx.astype(np.float32), matrix, (), (), replace(SCALE, **scale), (), _series(60.0))


def ct_of(phantom: Phantom) -> Volume:
    return Volume(phantom.hu_zyx, phantom.grid.lps_from_zyx, (), None, 0.0, (), _series(60.0))


@dataclass(frozen=True)
class PetCt:
    """One patient in both."""

    pet: PetVolume
    ct: Volume
    segmentation: Segmentation


MakePetCt = Callable[..., PetCt]


@pytest.fixture(scope="session")
def thorax() -> PetCt:
    """The phantom's PET-CT with two hot nodules and a cold one."""
    return pet_ct_of(make_thorax(thorax_grid(80, 200), nodules=HOT, noise_hu=8.0))


def pet_ct_of(phantom: Phantom, hot: tuple[Nodule, ...] = HOT) -> PetCt:
    uptake = make_pet(pet_grid(), nodules=hot)
    assert uptake.suv_zyx is not None
    segmentation = segmentation_of(phantom.labels_zyx, len(phantom.nodules))
    return PetCt(pet_of(uptake.suv_zyx, uptake.grid), ct_of(phantom), segmentation)


BLOCK = grid_at((0.0, 0.0, 0.0), (40, 50, 50), (3.0, 4.0, 4.0))


def block_ct(grid: Grid = BLOCK, lesions: tuple[NDArray[np.bool_], ...] = ()) -> tuple[Volume, Segmentation]:
    """A CT on a grid of its own: two blocks of lung and these lesions."""
    labels_zyx = np.zeros(grid.shape_zyx, np.uint8)
    _, ny, nx = grid.shape_zyx
    labels_zyx[5:-5, 5 : ny - 5, 3 : nx // 2 - 2] = RIGHT_LUNG
    labels_zyx[5:-5, 5 : ny - 5, nx // 2 + 2 : nx - 3] = LEFT_LUNG
    for i, mask in enumerate(lesions):
        labels_zyx[mask] = FIRST_LESION + i
    hu_zyx = np.where(labels_zyx > 0, -850, 40).astype(np.int16)
    volume = Volume(hu_zyx, grid.lps_from_zyx, (), None, 0.0, (), _series(60.0))
    return volume, segmentation_of(labels_zyx, len(lesions))
