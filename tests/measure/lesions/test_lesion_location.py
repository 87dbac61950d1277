"""Side, zone and distances on box-shaped lungs whose distances are known."""

from math import dist

import numpy as np
import pytest

from node.errors import Affects, Code, refuse
from node.measure.lesions.gap import gap_mm
from node.measure.lesions.lesions import measure_lesions
from node.measure.lesions.location import Zone, zone_of
from node.measure.quantity import Side
from node.phantom.grid import grid_at
from node.phantom.phantom import LEFT_LUNG, RIGHT_LUNG
from node.phantom.shapes import Box, Ellipsoid, sphere

RIGHT_BOX = Box((-90.0, -60.0, -75.0), (-10.0, 60.0, 75.0))
VOXEL_MM = 2.0


def located(scan, reasons=(), carina=None):
    (lesion,) = measure_lesions(scan.volume, scan.segmentation, tuple(reasons), carina)
    return lesion.location


@pytest.mark.parametrize(("x", "side"), [(-50.0, Side.RIGHT), (50.0, Side.LEFT)], ids=["right", "left"])
def test_a_lesion_belongs_to_the_lung_it_lies_in(make_scan, x, side):
    assert located(make_scan([(sphere((x, 0.0, 0.0), 14.0), 30)])).side is side


@pytest.mark.parametrize(
    "orientation",
    [(1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, -1, 0), (0, 1, 0, -1, 0, 0)],
    ids=["as usual", "mirrored, feet first", "prone", "on the side"],
)
def test_side_zone_and_distances_follow_the_patient_not_the_array(make_scan, orientation):
    grid = grid_at((0.0, 0.0, 0.0), (80, 100, 100), (2.0, 2.0, 2.0), [float(c) for c in orientation])
    where = located(make_scan([(sphere((-70.0, 0.0, 60.0), 14.0), 30)], grid=grid), carina=(0.0, 0.0, 0.0))
    assert (where.side, where.zone) == (Side.RIGHT, Zone.UPPER)
    assert where.to_pleura_mm == pytest.approx(8.0, abs=VOXEL_MM)  # 15 mm to the top of the lung, less the radius
    assert where.to_carina_mm == pytest.approx(dist((-70.0, 0.0, 60.0), (0.0, 0.0, 0.0)), abs=VOXEL_MM / 2)


@pytest.mark.parametrize(
    ("z", "zone"), [(-50.0, Zone.LOWER), (0.0, Zone.MIDDLE), (50.0, Zone.UPPER)], ids=["low", "middle", "high"]
)
def test_the_zone_is_the_third_of_the_lung_that_holds_the_centre(make_scan, z, zone):
    assert located(make_scan([(sphere((-50.0, 0.0, z), 14.0), 30)])).zone is zone


@pytest.mark.parametrize(
    ("height", "zone"),
    [
        (0.0, Zone.LOWER),
        (0.99, Zone.LOWER),
        (1.0, Zone.MIDDLE),
        (2.0, Zone.MIDDLE),
        (2.01, Zone.UPPER),
        (3.0, Zone.UPPER),
    ],
)
def test_thirds_end_where_they_should(height, zone):
    assert zone_of(height, 0.0, 3.0) is zone


def test_a_lung_that_the_scan_cuts_off_has_no_zones(make_scan):
    partial = refuse(Code.GEO_PARTIAL, "cut off", Affects.DENSITY, Affects.MEAN_DENSITY)
    where = located(make_scan([(sphere((-50.0, 0.0, 50.0), 14.0), 30)]), [partial])
    assert where.zone is None
    assert where.to_pleura_mm is not None


@pytest.mark.parametrize("depth", [4.0, 10.0, 17.3, 25.0])
def test_the_distance_to_the_pleura_is_the_gap_to_a_voxel(make_scan, depth):
    x = -90.0 + depth + 7.0  # a ball of 14 mm, `depth` from the outer wall
    where = located(make_scan([(sphere((x, 0.0, 0.0), 14.0), 30)]))
    assert where.to_pleura_mm == pytest.approx(depth, abs=VOXEL_MM)


@pytest.mark.parametrize("seed", range(5))
def test_distances_are_right_to_a_voxel_on_oblique_anisotropic_grids(make_scan, seed):
    rng = np.random.default_rng(seed)
    tilt = np.radians(6.0)
    orientation = (float(np.cos(tilt)), 0.0, float(np.sin(tilt)), 0.0, 1.0, 0.0)
    grid = grid_at(rng.uniform(-1.0, 1.0, 3), (64, 70, 110), (3.0, 2.0, 1.8), orientation)
    where = located(make_scan([(sphere((-60.0, 0.0, 0.0), 16.0), 30)], grid=grid))
    assert where.to_pleura_mm == pytest.approx(22.0, abs=2.0)
    assert where.to_mediastinum_mm == pytest.approx(42.0, abs=3.0)


def test_touching_is_zero(make_scan):
    assert located(make_scan([(sphere((-84.0, 0.0, 0.0), 14.0), 30)])).to_pleura_mm == 0.0


def test_the_mediastinal_surface_is_the_medial_half(make_scan):
    where = located(make_scan([(sphere((-22.0, 0.0, 0.0), 14.0), 30)]))
    assert where.to_mediastinum_mm == pytest.approx(5.0, abs=VOXEL_MM)
    far = located(make_scan([(sphere((-82.0, 0.0, 0.0), 10.0), 30)]))
    assert far.to_pleura_mm == pytest.approx(3.0, abs=VOXEL_MM)
    assert far.to_mediastinum_mm == pytest.approx(dist((-82.0, 0.0), (-50.0, 60.0)) - 5.0, abs=VOXEL_MM)


def test_the_medial_half_holds_the_posterior_ribs_too(make_scan):
    where = located(make_scan([(sphere((-30.0, 54.0, 0.0), 14.0), 30)]))  # touches the back wall, 20 mm from the middle
    assert where.to_mediastinum_mm == 0.0


def test_a_vessel_beside_the_lesion_is_not_the_pleura(make_scan):
    scan = make_scan([(sphere((-50.0, 0.0, 0.0), 14.0), 30)], lungs=[(RIGHT_BOX, RIGHT_LUNG)])
    labels = scan.segmentation.labels_zyx.copy()
    vessel = make_scan([(Ellipsoid((-50.0, 12.0, 0.0), (3.0, 3.0, 30.0)), 30)]).segmentation.labels_zyx == 3
    labels[vessel & (labels == RIGHT_LUNG)] = 0
    scan.segmentation.labels_zyx[:] = labels
    assert located(scan).to_pleura_mm == pytest.approx(33.0, abs=VOXEL_MM)


def test_a_gap_between_the_borders_of_two_models_is_not_the_pleura(make_scan):
    scan = make_scan([(sphere((-50.0, 0.0, 0.0), 14.0), 30)])
    ring = make_scan([(sphere((-50.0, 0.0, 0.0), 20.0), 30)]).segmentation.labels_zyx == 3
    scan.segmentation.labels_zyx[ring & (scan.segmentation.labels_zyx == RIGHT_LUNG)] = 0
    where = located(scan)
    assert where.side is Side.RIGHT
    assert where.to_pleura_mm == pytest.approx(33.0, abs=VOXEL_MM)


def test_far_from_both_lungs_there_is_no_side_and_no_distance_but_the_carina(make_scan):
    scan = make_scan(
        [(sphere((0.0, 0.0, 0.0), 10.0), 30)],
        lungs=[(Box((-90.0, -60.0, -75.0), (-30.0, 60.0, 75.0)), RIGHT_LUNG)],
        inside=[(sphere((0.0, 0.0, 0.0), 20.0), -850)],
    )
    where = located(scan, carina=(0.0, 0.0, 10.0))
    assert (where.side, where.zone, where.to_pleura_mm, where.to_mediastinum_mm) == (None, None, None, None)
    assert where.to_carina_mm == pytest.approx(10.0, abs=VOXEL_MM / 2)


@pytest.mark.parametrize(("away", "side"), [(2.0, Side.RIGHT), (8.0, None)], ids=["near", "far"])
def test_a_lesion_up_to_5_mm_from_a_lung_belongs_to_it(make_scan, away, side):
    lung = Box((-90.0, -60.0, -75.0), (-30.0, 60.0, 75.0))
    lesion = sphere((-30.0 + away + 5.0, 0.0, 0.0), 10.0)
    scan = make_scan([(lesion, 30)], lungs=[(lung, RIGHT_LUNG)], inside=[(sphere((0.0, 0.0, 0.0), 80.0), -850)])
    assert located(scan).side is side


@pytest.mark.parametrize(
    ("x", "side"),
    [(-6.0, Side.RIGHT), (-1.0, None), (0.0, None), (1.0, None), (6.0, Side.LEFT)],
    ids=["right", "a little right", "middle", "a little left", "left"],
)
def test_a_mass_in_the_midline_is_of_no_side(make_scan, x, side):
    where = located(make_scan([(sphere((x, 0.0, 0.0), 32.0), 30)]))
    assert where.side is side
    assert (where.zone is None) == (side is None)


def test_without_lungs_the_lesion_is_measured_and_not_located(make_scan):
    scan = make_scan([(sphere((-50.0, 0.0, 0.0), 14.0), 30)], inside=[(Box((-70, -20, -20), (-30, 20, 20)), -850)])
    scan.segmentation.labels_zyx[scan.segmentation.labels_zyx < 3] = 0
    lesions = measure_lesions(scan.volume, scan.segmentation, ())
    assert lesions[0].size is not None
    assert lesions[0].location.side is None


def test_without_a_carina_there_is_no_distance_to_it(make_scan):
    assert located(make_scan([(sphere((-50.0, 0.0, 0.0), 14.0), 30)])).to_carina_mm is None


@pytest.mark.parametrize("seed", range(5))
def test_the_gap_is_the_least_of_all_distances(seed):
    rng = np.random.default_rng(seed)
    many, few = rng.normal(0.0, 40.0, (3000, 3)), rng.normal(20.0, 3.0, (50, 3))
    assert gap_mm(many, few) == pytest.approx(np.linalg.norm(many[:, None] - few, axis=2).min())


def test_shared_points_are_no_gap():
    points = np.random.default_rng(1).normal(size=(20, 3))
    assert gap_mm(points, points[3:5] + 1e-12) == 0.0


def test_lungs_of_both_sides_are_told_apart_at_once(make_scan):
    scan = make_scan([(sphere((-50.0, 0.0, 0.0), 14.0), 30), (sphere((50.0, 0.0, 40.0), 12.0), 30)])
    right, left = measure_lesions(scan.volume, scan.segmentation, ())
    assert (right.location.side, left.location.side) == (Side.RIGHT, Side.LEFT)
    assert LEFT_LUNG in scan.segmentation.labels_zyx
