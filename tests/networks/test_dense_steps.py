"""A mass that is lung on one slice and not on the next is told, with the slices; what ends for a reason is not."""

from dataclasses import replace

import numpy as np
import pytest

from node.segment.contract import LungDefinition, ModelIdentity, Segment, Segmentation, SegmentKind, Task
from node.segment.dense_steps import dense_steps, with_steps_told
from node.volume.volume import SourceFrame, Volume
from tests.route.conftest import CT, make_series

MM = (2.5, 1.0, 1.0)
IMAGES = [f"image {10 - z}" for z in range(10)]  # from the feet; the archive counts from the head


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
    (reason,) = dense_steps(lungs_until(6), hu, MM, IMAGES)

    assert "6 cm2" in reason  # 25 x 25 mm, its corners rounded
    assert reason.endswith("on image 5 and not on image 4")


def test_both_ends_of_a_piece_are_told_the_larger_first(hu):
    lungs = lungs_until(6)
    lungs[:3, 20:45, 20:42] = False

    (reason,) = dense_steps(lungs, hu, MM, IMAGES)

    assert "on image 5 and not on image 4, image 7 and not on image 8" in reason


def test_a_mass_that_ends_in_air_is_no_step(hu):
    hu[6:, 20:45, 20:45] = -850
    assert dense_steps(lungs_until(6), hu, MM, IMAGES) == ()


@pytest.mark.parametrize("columns", [slice(20, 24), slice(20, 32)], ids=["a rim of 1 cm2", "3 cm2"])
def test_a_rim_and_the_vessels_of_a_hilum_are_no_step(hu, columns):
    lungs = np.ones((10, 80, 80), bool)
    lungs[6:, 20:45, columns] = False
    assert dense_steps(lungs, hu, MM, IMAGES) == ()


@pytest.mark.parametrize(("definition", "n"), [(LungDefinition.WITH_LESIONS, 1), (LungDefinition.WITHOUT_LESIONS, 0)])
def test_only_lungs_with_their_lesions_are_asked_and_the_scan_may_be_stored_any_way_up(hu, definition, n):
    matrix = np.zeros((4, 4))
    matrix[2, 0], matrix[1, 1], matrix[0, 2], matrix[3, 3] = -MM[0], MM[1], MM[2], 1.0  # from head to feet
    series = make_series(n=10)
    numbered = [replace(f, facts=replace(f.facts, instance_number=101 + i)) for i, f in enumerate(series.files)]
    series = replace(series, files=tuple(numbered))
    frames = tuple(SourceFrame(CT, f.facts.sop_instance_uid, 1) for f in numbered)  # in the order of the volume
    volume = Volume(hu[::-1].copy(), matrix, frames, None, 0.0, (), series)
    found = Segmentation(
        lungs_until(6)[::-1].astype(np.uint8), (Segment(1, SegmentKind.RIGHT_LUNG, "Right lung"),), definition,
        (ModelIdentity("m", "1", "d", Task.LUNGS, "cpu"),), unsure=("rare",),
    )  # fmt: skip

    told = with_steps_told(found, volume)

    assert told == replace(found, unsure=told.unsure)
    assert told.unsure[0] == "rare"
    images = "on image 105 (z -10.0 mm) and not on image 104 (z -7.5 mm)"
    assert [reason.endswith(images) for reason in told.unsure[1:]] == [True] * n
