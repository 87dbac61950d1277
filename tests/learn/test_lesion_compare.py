"""Differences of two judged tumour trainings, paired by patient."""

import pytest

from node.learn.lesion_compare import differences


def judged(dice: dict[str, float | None], by: float = 0.0) -> dict[str, object]:
    cases = [
        {"case": name, "domain": "hu8", "slice_dice": value, "pooled_dice": None if value is None else value + by}
        for name, value in dice.items()
    ]
    return {"domains": {"hu8": {}}, "cases": cases}


def test_the_mean_is_taken_over_patients_with_a_tumour() -> None:
    ours, theirs = judged({"a": 0.6, "b": 0.5, "c": None}), judged({"a": 0.5, "b": 0.3, "c": None})
    one, _ = differences(ours, theirs)
    assert (one.measure, one.n_cases) == ("slice_dice", 2)
    assert one.mean == pytest.approx(0.15)
    assert one.interval == pytest.approx((0.1, 0.2))
    assert one.not_inferior


def test_the_order_of_patients_does_not_matter() -> None:
    ours = judged({"a": 0.6, "b": 0.5})
    theirs = judged({"b": 0.5, "a": 0.6})
    assert [(one.mean, one.p, one.p_holm) for one in differences(ours, theirs)] == [(0.0, None, None)] * 2


def test_a_clear_loss_is_not_called_not_inferior_and_holm_counts_both_measures() -> None:
    names = [f"p{i}" for i in range(8)]
    ours = judged({name: 0.4 + 0.001 * i for i, name in enumerate(names)})
    theirs = judged({name: 0.5 + 0.002 * i for i, name in enumerate(names)}, by=0.1)
    found = differences(ours, theirs)
    assert not any(one.not_inferior for one in found)
    assert [one.p for one in found] == pytest.approx([2 / 2**8] * 2)
    assert [one.p_holm for one in found] == pytest.approx([4 / 2**8] * 2)


def test_one_patient_has_no_interval_and_excludes_nothing() -> None:
    one, _ = differences(judged({"a": 0.6}), judged({"a": 0.1}))
    assert one.interval is None
    assert not one.not_inferior
