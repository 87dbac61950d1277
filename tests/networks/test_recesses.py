"""An aerated end of a lung that only the rules see comes in; haze, seams, specks and air without tissue stay out."""

import numpy as np
import pytest

from node.segment.contract import LungDefinition
from node.segment.lung_mask import MaskPlan, lung_mask
from node.segment.postprocess.recesses import with_recesses

SPACING_MM = (3.0, 2.0, 2.0)
ML = 0.012


def chest(hu_of_end=-720, end=np.s_[2:10, 10:22, 10:22]):
    """One lung as the rules see it, and as a network does that lost one end of it."""
    by_rules = np.zeros((30, 60, 60), bool)
    by_rules[2:28, 10:50, 10:50] = True
    mask = by_rules.copy()
    mask[end] = False
    hu = np.where(by_rules, -820, 40).astype(np.int16)
    hu[end] = hu_of_end
    return by_rules, mask, hu


def test_a_recess_that_the_network_cut_off_level_comes_back_whole():
    by_rules, mask, hu = chest()

    assert np.array_equal(with_recesses(mask, by_rules, hu, SPACING_MM), by_rules)


@pytest.mark.parametrize(
    ("hu_of_end", "what"),
    [(-474, "haze round a tumour"), (-30, "a tumour"), (-1000, "air of a pneumothorax"), (-555, "too dense by a hair")],
)
def test_what_is_no_aerated_lung_stays_out(hu_of_end, what):
    by_rules, mask, hu = chest(hu_of_end)

    assert np.array_equal(with_recesses(mask, by_rules, hu, SPACING_MM), mask), what


@pytest.mark.parametrize(
    ("end", "what"),
    [
        (np.s_[2:4, 10:16, 10:16], "0.9 ml"),
        (np.s_[2:28, 10:12, 10:50], "a seam 4 mm thick"),
        (np.s_[2:28:2, 10:14, 10:14], "slices that hang together nowhere, 0.2 ml each"),
    ],
)
def test_a_small_or_thin_piece_stays_out(end, what):
    by_rules, mask, hu = chest(end=end)

    assert np.array_equal(with_recesses(mask, by_rules, hu, SPACING_MM), mask), what


def test_each_piece_is_taken_for_itself():
    by_rules, mask, hu = chest()
    haze = np.s_[20:28, 30:50, 30:50]
    mask[haze], hu[haze] = False, -474

    answer = with_recesses(mask, by_rules, hu, SPACING_MM)

    assert not answer[haze].any()
    assert answer[2:10].all(where=by_rules[2:10])


def test_where_nothing_is_lost_or_nothing_is_found_the_mask_stays():
    by_rules, _, hu = chest()
    nothing = np.zeros_like(by_rules)

    assert np.array_equal(with_recesses(by_rules, by_rules, hu, SPACING_MM), by_rules)
    assert not with_recesses(nothing, nothing, hu, SPACING_MM).any()


class Network:
    """Says the same of every series."""

    def __init__(self, mask):
        self._p = np.where(mask, 255, 0).astype(np.uint8)

    def probabilities(self, hu, matching=None):
        return self._p


@pytest.mark.parametrize("recesses", [False, True])
def test_a_plan_says_whether_recesses_are_taken(recesses):
    by_rules, mask, hu = chest()
    plan = MaskPlan(LungDefinition.WITHOUT_LESIONS, gated=False, recesses=recesses)

    answer = lung_mask(hu, SPACING_MM, Network(mask), plan, by_rules)

    assert answer[2:9, 12:20, 12:20].all() == recesses
    assert answer[12:, 12:48, 12:48].all(where=by_rules[12:, 12:48, 12:48])
