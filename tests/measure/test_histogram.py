"""Statistics from the histogram: hand-computed values, and numpy's where it has the same."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.errors import OurMistake
from node.measure.histogram import at_or_below_percent, histogram, mean_hu, percentile_hu, sd_hu

values = st.lists(st.integers(-1024, 3071), min_size=1, max_size=200).map(lambda v: np.array(v, np.int16))
TEN = np.array([-1000, -950, -949, -911, -910, -909, -800, -700, -600, 0], np.int16)


def test_the_threshold_itself_counts():
    assert at_or_below_percent(histogram(TEN), -950) == 20.0


def test_laa_910_of_ten_known_voxels_is_half():
    assert at_or_below_percent(histogram(TEN), -910) == 50.0


def test_perc15_lies_linearly_between_two_voxels():
    # place 0.15 * 9 = 1.35: between -950 and -949
    assert percentile_hu(histogram(TEN), 15.0) == pytest.approx(-949.65)


def test_mean_and_sd_of_two_voxels():
    region = histogram(np.array([-900, -700], np.int16))
    assert (mean_hu(region), sd_hu(region)) == (-800.0, 100.0)


@given(values)
def test_the_percentile_is_numpys_linear_one(hu):
    assert percentile_hu(histogram(hu), 15.0) == pytest.approx(float(np.percentile(hu, 15.0)), abs=1e-9)


@given(values)
def test_mean_and_sd_are_numpys(hu):
    region = histogram(hu)
    assert (mean_hu(region), sd_hu(region)) == pytest.approx((float(hu.mean()), float(hu.std())), abs=1e-6)


@given(values, values)
def test_the_histogram_of_a_union_is_the_sum(one, other):
    both = histogram(one) + histogram(other)
    assert np.array_equal(both.counts, histogram(np.concatenate([one, other])).counts)


def test_nothing_has_no_mean():
    with pytest.raises(OurMistake):
        mean_hu(histogram(np.empty(0, np.int16)))
