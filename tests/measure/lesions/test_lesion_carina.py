"""The carina on forks of tubes whose ridge is known, and where there is no answer."""

from math import atan2, dist, pi, sin

import numpy as np
import pytest

from node.measure.chest import chest_of
from node.measure.lesions.carina import carina
from node.measure.lesions.carina_of_scan import carina_of_scan
from node.phantom.anatomy import CARINA
from node.phantom.grid import Grid, grid_at
from node.phantom.render import mask_of
from node.phantom.shapes import Tube
from node.phantom.thorax import make_thorax, thorax_grid
from node.segment.contract import LungDefinition, Segment, Segmentation, SegmentKind
from node.volume.volume import Volume

FORK = (4.0, -3.0, 10.0)
RADIUS_MM = 7.0


def grid(orientation=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0)) -> Grid:
    return grid_at((0.3, 0.1, 0.2), (90, 110, 110), (1.5, 1.0, 1.0), orientation)


def pipe(where: Grid, top_mm: float = 70.0) -> np.ndarray:
    return mask_of(where, Tube((FORK[0], FORK[1], top_mm), FORK, RADIUS_MM, RADIUS_MM))


def bronchus(where: Grid, side: float, length_mm: float = 45.0) -> np.ndarray:
    step = length_mm / 2**0.5
    return mask_of(where, Tube(FORK, (FORK[0] + side * step, FORK[1], FORK[2] - step), RADIUS_MM, RADIUS_MM))


@pytest.mark.parametrize(
    "orientation",
    [(1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (-1.0, 0.0, 0.0, 0.0, -1.0, 0.0)],
    ids=["head last", "head first", "prone"],
)
def test_it_is_the_ridge_between_the_bronchi(orientation):
    where = grid(orientation)
    ridge_mm = RADIUS_MM / sin(pi / 4)  # below the fork, where tubes at 45 degrees part
    found = carina(pipe(where) | bronchus(where, -1.0) | bronchus(where, 1.0), where.lps_from_zyx)
    assert found is not None
    assert dist(found, (FORK[0], FORK[1], FORK[2] - ridge_mm)) < 2.0


def test_it_is_found_in_a_whole_chest_from_the_scan():
    where = thorax_grid(96, 256)
    chest = make_thorax(where)
    scan = _scan(chest)
    found = carina_of_scan(chest_of(*scan))
    assert found is not None
    angle = atan2(36.0, 26.0)  # of the steeper bronchus from upright; its wall and lumen part below the fork
    assert dist(found, CARINA) < 8.5 / sin(angle) + 3.0
    assert found[2] < CARINA[2]


def _scan(chest):
    segments = (Segment(1, SegmentKind.RIGHT_LUNG, "Right lung"), Segment(2, SegmentKind.LEFT_LUNG, "Left lung"))
    volume = Volume(chest.hu_zyx, chest.grid.lps_from_zyx, (), None, 0.0, (), None)
    return volume, Segmentation(chest.labels_zyx, segments, LungDefinition.WITHOUT_LESIONS, ())


def test_a_chest_without_lungs_gets_no_answer(make_scan):
    scan = make_scan([])
    scan.segmentation.labels_zyx[:] = 0
    assert carina_of_scan(chest_of(scan.volume, scan.segmentation)) is None


def test_lungs_without_a_windpipe_give_no_answer(make_scan):
    scan = make_scan([])
    assert carina_of_scan(chest_of(scan.volume, scan.segmentation)) is None


def test_no_airway_no_answer():
    where = grid()
    assert carina(np.zeros(where.shape_zyx, bool), where.lps_from_zyx) is None


def test_a_windpipe_that_does_not_part_gives_no_answer():
    where = grid()
    assert carina(pipe(where), where.lps_from_zyx) is None


def test_one_bronchus_alone_gives_no_answer():
    where = grid()
    assert carina(pipe(where) | bronchus(where, -1.0), where.lps_from_zyx) is None


def test_a_bronchus_that_ends_at_once_gives_no_answer():
    where = grid()
    airways = pipe(where) | bronchus(where, -1.0) | bronchus(where, 1.0, length_mm=12.0)
    assert carina(airways, where.lps_from_zyx) is None


def test_a_scan_that_begins_just_above_the_fork_gives_no_answer():
    where = grid()
    airways = pipe(where, top_mm=FORK[2]) | bronchus(where, -1.0) | bronchus(where, 1.0)
    airways[np.arange(90) * 1.5 - 66.5 > FORK[2]] = False
    assert carina(airways, where.lps_from_zyx) is None


def test_a_side_branch_above_the_fork_and_a_tube_beside_it_do_not_matter():
    where = grid()
    ridge_mm = RADIUS_MM / sin(pi / 4)
    airways = pipe(where) | bronchus(where, -1.0) | bronchus(where, 1.0)
    beside = mask_of(where, Tube((45.0, FORK[1], 60.0), (45.0, FORK[1], -30.0), 5.0, 5.0))
    branch = mask_of(where, Tube((FORK[0], FORK[1], 45.0), (FORK[0] - 22.0, FORK[1], 39.0), 3.0, 3.0))
    found = carina(airways | beside | branch, where.lps_from_zyx)
    assert found is not None
    assert dist(found, (FORK[0], FORK[1], FORK[2] - ridge_mm)) < 2.0


def test_bronchi_that_join_again_are_no_parting():
    where = grid()
    x, y, z = FORK
    sides = [mask_of(where, Tube((x + s, y, z - 9.0), (x + s, y, z - 12.0), 7.0, 7.0)) for s in (-9.0, 9.0)]
    below = mask_of(where, Tube((x, y, z - 22.0), (x, y, -60.0), 12.0, 12.0))
    assert carina(pipe(where) | sides[0] | sides[1] | below, where.lps_from_zyx) is None


def test_a_scan_that_ends_just_below_the_fork_gives_no_answer():
    where = grid()
    ridge_mm = RADIUS_MM / sin(pi / 4)
    airways = pipe(where) | bronchus(where, -1.0) | bronchus(where, 1.0)
    ends = np.flatnonzero(
        where.lps_from_zyx[2, 0] * np.arange(90) + where.lps_from_zyx[2, 3] > FORK[2] - ridge_mm - 6.0
    )
    shorter = where.lps_from_zyx.copy()
    shorter[2, 3] += where.lps_from_zyx[2, 0] * ends[0]
    assert carina(airways, where.lps_from_zyx) is not None
    assert carina(airways[ends[0] :], shorter) is None
