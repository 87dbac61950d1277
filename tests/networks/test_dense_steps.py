"""A mass that is lung on one slice and not on the next is told, with the slices; what ends for a reason is not."""

from dataclasses import replace

import numpy as np
import pytest

from node.facts.series import SeriesFacts
from node.segment.contract import LungDefinition, ModelIdentity, Segment, Segmentation, SegmentKind, Task
from node.segment.dense_steps import dense_steps, with_steps_told
from node.volume.volume import Volume

MM = (2.5, 1.0, 1.0)


@pytest.fixture
def hu():
    """Air with a column of tissue of 25 x 25 mm through all slices."""
    hu = np.full((10, 80, 80), -850, np.int16)
    hu[:, 20:45, 20:45] = 40
    return hu


def lungs_until(z: int):
    """Return a mask that holds everything up to a slice, and there all but the column."""
    lungs = np.ones((10, 80, 80), bool)
    lungs[z:, 20:45, 20:45] = False
    return lungs


def test_a_mass_that_is_let_go_is_told_with_its_slices(hu):
    (reason,) = dense_steps(lungs_until(6), hu, MM)

    assert "6 cm2" in reason  # 25 x 25 mm, its corners rounded
    assert "on slice 6 and not on 7 (from the feet, of 10)" in reason


def test_both_ends_of_a_piece_are_told_the_larger_first(hu):
    lungs = lungs_until(6)
    lungs[:3, 20:45, 20:42] = False

    (reason,) = dense_steps(lungs, hu, MM)

    assert "on slice 6 and not on 7, 4 and not on 3" in reason


def test_a_mass_that_ends_in_air_is_no_step(hu):
    hu[6:, 20:45, 20:45] = -850
    assert dense_steps(lungs_until(6), hu, MM) == ()


@pytest.mark.parametrize("columns", [slice(20, 24), slice(20, 32)], ids=["a rim of 1 cm2", "3 cm2"])
def test_a_rim_and_the_vessels_of_a_hilum_are_no_step(hu, columns):
    lungs = np.ones((10, 80, 80), bool)
    lungs[6:, 20:45, columns] = False
    assert dense_steps(lungs, hu, MM) == ()


@pytest.mark.parametrize(("definition", "n"), [(LungDefinition.WITH_LESIONS, 1), (LungDefinition.WITHOUT_LESIONS, 0)])
def test_only_lungs_with_their_lesions_are_asked_and_the_scan_may_be_stored_any_way_up(hu, definition, n):
    matrix = np.zeros((4, 4))
    matrix[2, 0], matrix[1, 1], matrix[0, 2], matrix[3, 3] = -MM[0], MM[1], MM[2], 1.0  # from head to feet
    volume = Volume(hu[::-1].copy(), matrix, (), None, 0.0, (), SeriesFacts(()))
    found = Segmentation(
        lungs_until(6)[::-1].astype(np.uint8), (Segment(1, SegmentKind.RIGHT_LUNG, "Right lung"),), definition,
        (ModelIdentity("m", "1", "d", Task.LUNGS, "cpu"),), unsure=("rare",),
    )  # fmt: skip

    told = with_steps_told(found, volume)

    assert told == replace(found, unsure=told.unsure)
    assert told.unsure[0] == "rare"
    assert [("slice 6 and not on 7" in reason) for reason in told.unsure[1:]] == [True] * n
