"""Ground glass drawn from a solid nodule: hazy inside, untouched beside, and none of what was hazy."""

import numpy as np
import pytest

from node.learn.hazy import hazy, with_hazy_copies
from node.learn.lesion_set import of_planes
from node.learn.planes import Plane

SIDE = 40
_ZYX = np.indices((SIDE, SIDE, SIDE)) - SIDE // 2
NODULE = (_ZYX**2).sum(axis=0) <= 8**2


def cube(nodule_hu: int = 40, lung_hu: int = -850) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0.0, 25.0, NODULE.shape)
    return np.rint(np.where(NODULE, nodule_hu, lung_hu) + noise).astype(np.int16)


def planes(name: str, domain: str = "cube", nodule_hu: int = 40) -> list[Plane]:
    hu = cube(nodule_hu)
    return [Plane(f"{name}{z}", name, domain, hu[z], NODULE[z].astype(np.uint8), name, z, 0.7) for z in range(SIDE)]


@pytest.mark.parametrize("seed", range(5))
def test_a_solid_nodule_becomes_hazy_and_all_else_stays(seed):
    before = cube()

    after = hazy(before, NODULE, np.random.default_rng(seed))

    far = (_ZYX**2).sum(axis=0) > 13**2
    assert after is not None
    assert (after[far] == before[far]).all()
    assert (after <= before).all()
    assert -800.0 < np.median(after[NODULE]) < -350.0


@pytest.mark.parametrize(("nodule_hu", "lung_hu"), [(-600, -850), (40, 30)])
def test_what_is_hazy_or_lies_in_no_lung_has_no_copy(nodule_hu, lung_hu):
    assert hazy(cube(nodule_hu, lung_hu), NODULE, np.random.default_rng(0)) is None


def test_half_of_the_solid_cubes_have_a_copy_with_the_same_outline_and_patient():
    data = of_planes(tuple(plane for n in range(12) for plane in planes(f"c{n}")))

    found = with_hazy_copies(data, 0)

    copies = found.planes[len(data) :]
    stacks = {plane.stack for plane in copies}
    assert found.planes[: len(data)] == data.planes
    assert 2 < len(stacks) < 10
    assert all(plane.stack == f"{plane.case} hazy" for plane in copies)
    assert sum(int(plane.tumour_yx.sum()) for plane in copies) == len(stacks) * int(NODULE.sum())
    again = with_hazy_copies(data, 0).planes[len(data) :]
    assert all((one.hu_yx == other.hu_yx).all() for one, other in zip(copies, again, strict=True))


def test_volumes_and_slices_have_none():
    data = of_planes(tuple(plane for n in range(4) for plane in planes(f"v{n}", "volume")))

    assert len(with_hazy_copies(data, 0)) == len(data)
