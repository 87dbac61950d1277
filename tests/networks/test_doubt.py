"""Each reason to be unsure has a scan that makes it fire, and a sound scan has none."""

import numpy as np
import pytest

from node.segment.doubt import doubts
from node.segment.preprocess.histogram import cdf_of

VOXEL_ML = 0.1


@pytest.fixture
def lungs():
    """Two lungs of 2.4 l together, away from the edges."""
    mask = np.zeros((20, 60, 60), bool)
    mask[:, 15:45, 8:28] = True
    mask[:, 15:45, 32:52] = True
    return mask


@pytest.fixture
def hu(lungs):
    """A body with these lungs."""
    return np.where(lungs, -800, 40).astype(np.int16)


def test_a_sound_scan_gives_no_reason(hu, lungs):
    assert doubts(hu, lungs, lungs, VOXEL_ML, cdf_of(hu.astype(np.float32))) == ()


def test_learned_lungs_that_differ_from_the_rules_are_unsure(hu, lungs):
    by_rules = lungs.copy()
    by_rules[:, :, 32:] = False

    (reason,) = doubts(hu, lungs, by_rules, VOXEL_ML, None)

    assert "0.67" in reason


@pytest.mark.parametrize(("side", "told"), [(16, True), (12, False)], ids=["51 ml", "29 ml"])
def test_a_large_dense_piece_that_only_the_network_calls_lung_is_unsure(hu, lungs, side, told):
    by_rules = lungs.copy()
    mass = np.zeros_like(lungs)
    mass[4:6, 16 : 16 + side, 10 : 10 + side] = True
    by_rules[mass] = False
    hu[mass] = 30

    reasons = doubts(hu, lungs, by_rules, VOXEL_ML, None)

    assert [reason.split(" of ")[0] for reason in reasons] == (["51 ml"] if told else [])


def test_dense_tissue_that_the_rules_call_lung_too_is_no_reason(hu, lungs):
    hu[4:16, 16:40, 10:26] = 30

    assert doubts(hu, lungs, lungs, VOXEL_ML, None) == ()


def test_aerated_lung_that_the_rules_left_out_is_no_dense_piece(hu, lungs):
    by_rules = lungs.copy()
    by_rules[4:6, 16:28, 10:22] = False

    assert doubts(hu, lungs, by_rules, VOXEL_ML, None) == ()


@pytest.mark.parametrize("voxel_ml", [0.01, 1.0], ids=["240 ml", "24 l"])
def test_an_implausible_volume_is_unsure(hu, lungs, voxel_ml):
    (reason,) = doubts(hu, lungs, lungs, voxel_ml, None)

    assert "ml is outside" in reason


def test_lungs_that_the_image_cuts_are_unsure(hu, lungs):
    lungs[:, :, 52:] = True

    (reason,) = doubts(hu, lungs, lungs, VOXEL_ML, None)

    assert "field of view" in reason


def test_intensities_out_of_the_training_range_are_unsure(hu, lungs):
    reference = cdf_of((hu + 250).astype(np.float32))

    (reason,) = doubts(hu, lungs, lungs, VOXEL_ML, reference)

    assert "intensities" in reason
