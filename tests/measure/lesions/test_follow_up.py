"""Which lesion is which in a prior: alignment of two chests, matching by place, identities that last."""

from dataclasses import replace
from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from node.errors import Code
from node.measure.lesions.align import Alignment, align
from node.measure.lesions.before import FirstSeen, Unmatched
from node.measure.lesions.follow_up import LEAST_OVERLAP, Examination, follow_up
from node.measure.lesions.identity import Track, same_scan, tracks_of, with_identities
from node.measure.lesions.lesions import measure_lesions
from node.measure.lesions.matching import AMBIGUOUS_MM, NEAR_MM, Place, match
from node.measure.quantity import Side
from node.phantom.phantom import Nodule
from node.phantom.thorax import make_thorax, thorax_grid
from node.segment.contract import LungDefinition, Segment, Segmentation, SegmentKind

PLACES = ((-92.0, -28.0, 20.0), (70.0, -30.0, 40.0))
HERE, THERE = FirstSeen("1.2", "1.2.3"), FirstSeen("1.1", "1.1.3")


def place(x, across_mm=8.0, side=Side.RIGHT):
    return Place((float(x), 0.0, 0.0), across_mm, side)


@pytest.fixture(scope="module")
def exam(as_volume):
    """An examination of the phantom with nodules at the two places, the patient turned and shifted on the table."""
    made = {}

    def build(diameters_mm=(14.0, 10.0), *, seed=0, shift=(0.0, 0.0, 0.0), turn=0.0, keep=slice(None)):
        key = (diameters_mm, seed)
        if key not in made:
            nodules = [Nodule(p, mm) for p, mm in zip(PLACES, diameters_mm, strict=True)]
            made[key] = make_thorax(thorax_grid(80, 128), seed=seed, nodules=nodules)
        phantom = made[key]
        cos, sin = np.cos(turn), np.sin(turn)
        moved = np.array([[cos, -sin, 0, shift[0]], [sin, cos, 0, shift[1]], [0, 0, 1, shift[2]], [0, 0, 0, 1.0]])
        matrix = moved @ phantom.grid.lps_from_zyx
        matrix[:3, 3] += matrix[:3, 0] * (keep.start or 0)
        labels = np.ascontiguousarray(phantom.labels_zyx[keep])
        volume = as_volume(np.ascontiguousarray(phantom.hu_zyx[keep]), matrix)
        lungs = (Segment(1, SegmentKind.RIGHT_LUNG, "Right lung"), Segment(2, SegmentKind.LEFT_LUNG, "Left lung"))
        lesions = tuple(Segment(3 + i, SegmentKind.LESION, f"nodule-{i + 1}") for i in range(2))
        found = Segmentation(labels, (*lungs, *lesions), LungDefinition.WITHOUT_LESIONS, ())
        return volume, found, moved

    return build


@pytest.mark.parametrize(
    ("shift", "turn"), [((0.0, 0.0, 0.0), 0.0), ((12.0, -9.0, 25.0), 0.0), ((30.0, -40.0, -60.0), 0.06)], ids=str
)
def test_a_place_of_the_prior_is_found_again_within_three_millimetres(shift, turn, exam):
    today, today_found, _ = exam()
    prior, prior_found, moved = exam((10.0, 10.0), seed=5, shift=shift, turn=turn)
    found = align(today, today_found, prior, prior_found)

    assert found.overlap > 0.95
    for centre in PLACES:
        there = (moved @ np.append(centre, 1.0))[:3]
        assert np.linalg.norm(np.subtract(found.in_today(tuple(there)), centre)) < 3.0


def test_the_same_scans_give_the_same_alignment_to_the_last_bit(exam):
    scans = (*exam()[:2], *exam((10.0, 10.0), seed=5, shift=(12.0, -9.0, 25.0))[:2])
    first, second = align(*scans), align(*scans)
    assert np.array_equal(first.today_from_prior, second.today_from_prior)


def test_a_prior_that_ends_lower_still_fits(exam):
    today, today_found, _ = exam()
    prior, prior_found, _ = exam((10.0, 10.0), seed=5, keep=slice(0, 60))
    found = align(today, today_found, prior, prior_found)
    assert found.overlap > 0.9
    assert np.linalg.norm(np.subtract(found.in_today(PLACES[0]), PLACES[0])) < 5.0


def without_lungs(found):
    return replace(found, labels_zyx=np.zeros_like(found.labels_zyx))


def test_without_lungs_there_is_no_alignment_and_no_comparison(exam, as_volume):
    volume, found, _ = exam()
    assert align(volume, found, volume, without_lungs(found)) is None
    lesions = measure_lesions_of(volume, found)
    answer = follow_up(Examination(volume, found, lesions), Examination(volume, without_lungs(found), ()), ())

    assert [r.code for r in answer.reasons] == [Code.PRIOR_NOFIT]
    assert answer.lesions == lesions
    assert answer.n_matched == 0


def test_a_lesion_that_the_prior_does_not_have_is_told_apart_from_one_that_was_not_compared(exam, monkeypatch):
    volume, found, _ = exam()
    acquired = SimpleNamespace(facts=SimpleNamespace(acquisition_datetime="20240102101500"))
    series = SimpleNamespace(files=(acquired,), study_instance_uid="1.2", series_instance_uid="1.2.3")
    dated = replace(volume, series=series)
    lesions = measure_lesions_of(volume, found)
    monkeypatch.setattr("node.measure.lesions.follow_up.align", lambda *_: Alignment(np.eye(4), 0.9))
    answer = follow_up(Examination(dated, found, lesions), Examination(dated, found, ()), ())
    assert [lesion.before for lesion in answer.lesions] == [Unmatched(date(2024, 1, 2))] * 2
    assert [lesion.compared for lesion in answer.lesions] == [None, None]


def test_lungs_of_another_shape_do_not_fit(exam, as_volume):
    """Half as wide and half as high: no rotation and translation makes these one patient."""
    volume, found, _ = exam()
    small = as_volume(volume.hu_zyx, volume.lps_from_zyx @ np.diag([0.5, 0.5, 0.5, 1.0]))
    assert align(volume, found, small, found).overlap < LEAST_OVERLAP


def measure_lesions_of(volume, found):
    series = SimpleNamespace(first=SimpleNamespace(patient=SimpleNamespace(age_years=60.0)))
    return measure_lesions(replace(volume, series=series), found, ())


def test_each_lesion_goes_to_its_own_place_and_not_to_the_nearest_one():
    """Greedy pairing would give the second of ours the nearer of theirs and leave the first without."""
    ours = [place(0.0), place(30.0)]
    theirs = [place(34.0), place(3.0)]
    assert match(ours, theirs) == {0: 1, 1: 0}


@pytest.mark.parametrize(
    ("theirs", "matched"),
    [
        (place(NEAR_MM + 3.9), True),
        (place(NEAR_MM + 4.1), False),
        (place(1.0, side=Side.LEFT), False),
        (place(1.0, side=None), True),
        (place(NEAR_MM + 14.0, across_mm=30.0), True),
    ],
)
def test_a_pair_is_near_and_on_one_side(theirs, matched):
    assert (match([place(0.0)], [theirs]) == {0: 0}) is matched


@pytest.mark.parametrize(("second_mm", "matched"), [(2.0 + AMBIGUOUS_MM, False), (2.1 + AMBIGUOUS_MM, True)])
def test_where_two_are_nearly_as_near_none_is_chosen(second_mm, matched):
    assert bool(match([place(0.0)], [place(2.0), place(-second_mm)])) is matched
    assert bool(match([place(2.0), place(-second_mm)], [place(0.0)])) is matched


def test_nothing_matches_nothing():
    assert match([], [place(0.0)]) == {}
    assert match([place(0.0)], []) == {}


@pytest.fixture(scope="module")
def lesions(exam):
    volume, found, _ = exam()
    return found, measure_lesions_of(volume, found)


def track(lesion, name, key="L1P1S1", origin=THERE):
    return Track(lesion.centre_lps_mm, 10.0, lesion.location.side, name, key, origin)


def test_a_matched_lesion_takes_over_number_and_key_and_where_it_began(lesions):
    found, (first, second) = lesions
    known = {"nodule-1": track(first, "nodule-2"), "nodule-2": track(second, "nodule-1", "L2P2S2")}
    segmentation, (one, other) = with_identities(found, (first, second), known, list(known.values()), HERE)

    assert (one.name, one.lesion_key, one.first_seen) == ("nodule-2", "L1P1S1", THERE)
    assert (other.name, other.lesion_key, other.first_seen) == ("nodule-1", "L2P2S2", THERE)
    assert [s.name for s in segmentation.segments] == ["Right lung", "Left lung", "nodule-2", "nodule-1"]
    assert one.further.nearest_name == "nodule-1"


def test_the_number_of_a_lesion_that_is_gone_is_given_to_no_other(lesions):
    found, (first, second) = lesions
    gone = track(second, "nodule-2")
    known = {"nodule-1": track(first, "nodule-1")}
    _, (one, new) = with_identities(found, (first, second), known, [known["nodule-1"], gone], HERE)

    assert (one.name, new.name) == ("nodule-1", "nodule-3")
    assert new.first_seen is None
    assert new.lesion_key == second.lesion_key


def test_a_re_run_finds_its_lesions_by_place_and_begins_nowhere_else(lesions):
    found, both = lesions
    known = tracks_of(both, HERE.study_uid, HERE.series_uid)
    moved = [replace(b, centre_lps_mm=(b.centre_lps_mm[0] + 3.0, *b.centre_lps_mm[1:]), lesion_key="new") for b in both]
    again = same_scan(moved, known)
    _, kept = with_identities(found, moved, again, known, HERE)

    assert [lesion.lesion_key for lesion in kept] == [lesion.lesion_key for lesion in both]
    assert [lesion.first_seen for lesion in kept] == [None, None]
