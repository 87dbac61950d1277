"""Cubes along all three axes: each cut shows the same voxels, and answers come back to where they belong."""

from dataclasses import replace

import numpy as np
import pytest

from node.learn.lesion_set import LesionSet, of_planes
from node.learn.planes import Plane
from node.learn.three_planes import in_three_planes, mean_of_planes

HU = np.random.default_rng(0).integers(-1000, 300, (4, 5, 6)).astype(np.int16)  # z, y, x: all of other lengths
NODULE = (HU > 0).astype(np.uint8)


def cube(domain: str = "cube") -> LesionSet:
    return of_planes(
        tuple(Plane(f"c_{z}", "c", domain, HU[z], NODULE[z], "c", z, 0.7, (0.7, 0.7)) for z in range(len(HU)))
    )


def as_it_is(data: LesionSet):
    return [(at, plane.hu_yx.astype(np.float32)) for at, plane in enumerate(data.planes)]


def test_a_cube_is_shown_along_each_axis_with_its_nodule_and_its_neighbours():
    found = in_three_planes(cube())

    axial, coronal, sagittal = (found.planes[first:stop] for first, stop in ((0, 4), (4, 9), (9, 15)))
    assert (np.stack([plane.hu_yx for plane in axial]) == HU).all()
    assert all((plane.hu_yx == HU[:, y]).all() for y, plane in enumerate(coronal))
    assert all((plane.tumour_yx == NODULE[:, :, x]).all() for x, plane in enumerate(sagittal))
    assert {plane.case for plane in found.planes} == {"c"}
    assert len({plane.id for plane in found.planes}) == 15
    assert found.above.tolist() == [1, 2, 3, 3, 5, 6, 7, 8, 8, 10, 11, 12, 13, 14, 14]


@pytest.mark.parametrize("domain", ["hu", "volume"])
def test_slices_of_a_scan_stay_as_they_are(domain):
    data = cube(domain)

    assert in_three_planes(data).planes == data.planes
    assert [(p == HU[at]).all() for at, p in mean_of_planes(data, as_it_is)] == [True] * len(HU)


def test_an_answer_along_each_axis_comes_back_to_its_voxels():
    found = dict(mean_of_planes(cube(), as_it_is))

    np.testing.assert_allclose(np.stack([found[at] for at in range(len(HU))]), HU, rtol=1e-5)


def test_the_mean_is_over_the_three_axes():
    def by_rows(data: LesionSet):  # 3 where an axial slice is asked, else 0
        return [(at, np.full(plane.hu_yx.shape, 3.0 * (plane.hu_yx.shape == (5, 6)), np.float32))
                for at, plane in enumerate(data.planes)]  # fmt: skip

    assert [float(p_yx.mean()) for _, p_yx in mean_of_planes(cube(), by_rows)] == [1.0] * len(HU)


def test_cubes_and_slices_of_one_set_are_told_apart():
    slices = tuple(replace(plane, stack="v", domain="volume") for plane in cube().planes)
    data = of_planes((*slices, *cube().planes))

    found = dict(mean_of_planes(data, as_it_is))

    assert sorted(found) == list(range(8))
    np.testing.assert_allclose(found[5], HU[1], rtol=1e-5)
