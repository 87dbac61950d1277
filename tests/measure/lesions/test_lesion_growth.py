"""Growth between two examinations: figures by hand, and every reason for not giving one."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from node.facts.kernel import KernelClass
from node.measure.lesions.growth import Examined, Growth, NotCompared, growth

PRIOR = Examined(date(2024, 1, 1), KernelClass.SOFT, 1.0, "lesion-measures/1", 500.0, 10.0)


def later(days: int, volume_mm3: float = 500.0, diameter_mm: float = 10.0, **changes: object) -> Examined:
    current = replace(PRIOR, acquired=PRIOR.acquired + timedelta(days), volume_mm3=volume_mm3)
    return replace(current, mean_diameter_mm=diameter_mm, **changes)


def test_twice_the_volume_in_100_days_doubles_in_100_days():
    found = growth(PRIOR, later(100, 1000.0, 12.6))
    assert found.doubling_time_d == pytest.approx(100.0)
    assert (found.volume_change_percent, found.diameter_change_mm) == pytest.approx((100.0, 2.6))
    assert found.text == "Volume +100 % in 100 days, doubling time 100 days. Mean diameter +2.6 mm in 100 days."


def test_four_times_the_volume_doubles_in_half_the_time():
    assert growth(PRIOR, later(90, 2000.0, 15.9)).doubling_time_d == pytest.approx(45.0)


@pytest.mark.parametrize("volume", [625.0, 500.0, 375.0], ids=["+25 %", "equal", "-25 %"])
def test_a_change_within_our_repeatability_has_no_doubling_time(volume):
    found = growth(PRIOR, later(100, volume, 11.0))
    assert found.doubling_time_d is None
    assert (found.is_volume_changed, found.is_diameter_changed) == (False, False)
    assert "within our repeatability of 25 %" in found.text
    assert "within our repeatability of 2 mm" in found.text


def test_just_above_repeatability_there_is_one():
    assert growth(PRIOR, later(100, 626.0)).doubling_time_d == pytest.approx(308.4, abs=0.1)


def test_a_shrinking_lesion_is_not_growing_and_has_no_number():
    found = growth(PRIOR, later(100, 250.0, 7.9))
    assert found.doubling_time_d is None
    assert found.text.startswith("Volume -50 % in 100 days, not growing.")
    assert found.is_diameter_changed


@pytest.mark.parametrize(("days", "given_"), [(29, False), (30, True)])
def test_under_30_days_there_is_no_doubling_time(days, given_):
    found = growth(PRIOR, later(days, 1000.0))
    assert isinstance(found, Growth)
    assert (found.doubling_time_d is not None) is given_


@pytest.mark.parametrize(
    ("current", "word"),
    [
        (later(0), "not earlier"),
        (later(-5), "not earlier"),
        (later(90, algorithm="lesion-measures/0"), "algorithms"),
        (later(90, kernel=KernelClass.SHARP), "kernels differ"),
        (later(90, kernel=KernelClass.UNKNOWN), "kernel is unknown"),
        (later(90, thick_mm=1.4), "slices differ"),
        (replace(later(90), volume_mm3=None), "not measured"),
        (replace(later(90), mean_diameter_mm=None), "not measured"),
    ],
)
def test_what_differs_too_much_is_not_compared(current, word):
    found = growth(PRIOR, current)
    assert isinstance(found, NotCompared)
    assert any(word in why for why in found.why)


def test_two_unknown_kernels_are_not_the_same_kernel():
    unknown = replace(PRIOR, kernel=KernelClass.UNKNOWN)
    assert isinstance(growth(unknown, later(90, kernel=KernelClass.UNKNOWN)), NotCompared)


def test_all_reasons_are_given_at_once():
    found = growth(PRIOR, later(90, kernel=KernelClass.SHARP, thick_mm=5.0))
    assert len(found.why) == 2


def test_slices_that_nearly_agree_are_compared():
    assert isinstance(growth(PRIOR, later(90, 1000.0, thick_mm=1.25)), Growth)
