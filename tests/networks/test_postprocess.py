"""From probabilities to lungs that hold together in three dimensions."""

import numpy as np
import pytest

from node.learn.nifti import read_nifti
from node.segment.postprocess.airways_off import without_airways
from node.segment.postprocess.continuity import smoothed
from node.segment.postprocess.holes import filled
from node.segment.postprocess.thorax import thorax_only


def test_a_speck_outside_the_lungs_is_taken_off_and_both_lungs_stay():
    mask = np.zeros((10, 40, 40), bool)
    mask[1:9, 5:20, 3:15] = True
    mask[1:9, 5:20, 22:34] = True
    speck = np.zeros_like(mask)
    speck[4, 30:32, 30:32] = True

    assert np.array_equal(thorax_only(mask | speck, voxel_ml=0.1), mask)


def test_an_empty_mask_stays_empty():
    assert not thorax_only(np.zeros((3, 4, 5), bool), 1.0).any()


def test_a_slice_that_fell_out_comes_back_where_slices_are_thin():
    p = np.full((5, 4, 4), 250, np.uint8)
    p[2] = 0

    assert (smoothed(p, step_mm=1.0)[2] > 127).all()


def test_thick_slices_do_not_speak_for_one_another():
    p = np.full((5, 4, 4), 250, np.uint8)
    p[2] = 0

    assert np.array_equal(smoothed(p, step_mm=8.0), p)


@pytest.mark.parametrize(("largest_mm2", "is_filled"), [(10.0, True), (8.0, False)])
def test_holes_are_filled_up_to_an_area(largest_mm2, is_filled):
    mask = np.zeros((1, 12, 12), bool)
    mask[0, 2:10, 2:10] = True
    mask[0, 5:8, 5:8] = False  # nine pixels of 1 mm2

    assert bool(filled(mask, 1.0, largest_mm2)[0, 6, 6]) is is_filled


@pytest.mark.parametrize("case", ["LUNG1-002", "LUNG1-007"])
def test_the_windpipe_of_a_real_scan_is_taken_off_and_the_lungs_stay(data_dir, case):
    picture, label = (read_nifti(data_dir / "vol3d" / f"{case}_{name}.nii.gz") for name in ("ct", "label"))
    lungs = label.voxels_zyx == 1

    kept = without_airways(np.ones_like(lungs), picture.voxels_zyx.copy(), picture.spacing_zyx_mm)

    taken_ml = (~kept).sum() * np.prod(picture.spacing_zyx_mm) / 1000
    assert 20 < taken_ml < 110
    assert (lungs & ~kept).sum() / lungs.sum() < 0.005


def test_a_scan_without_a_windpipe_keeps_its_mask():
    mask = np.ones((20, 30, 30), bool)

    assert without_airways(mask, np.full(mask.shape, 40, np.int16), (3.0, 2.0, 2.0)).all()
