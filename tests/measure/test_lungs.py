"""Lung measurements: known solids, the sum of both sides, and every reason that withholds a number."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.errors import Affects, Code, refuse, warn
from node.measure.lungs import measure_lungs
from node.measure.quantity import Name, Side
from node.measure.withheld import withheld_by
from node.phantom.grid import grid_at
from node.phantom.shapes import Ellipsoid
from node.phantom.simple import make_solids
from node.segment.contract import LungDefinition, Segment, Segmentation, SegmentKind

SEGMENTS = (Segment(1, SegmentKind.RIGHT_LUNG, "Right lung"), Segment(2, SegmentKind.LEFT_LUNG, "Left lung"))
DENSITY = (Name.LAA_950, Name.LAA_910, Name.PERC15, Name.PD15)
MEANS = (Name.MEAN_LUNG_DENSITY, Name.SD_LUNG_DENSITY)


def segmented(labels, definition=LungDefinition.WITHOUT_LESIONS):
    present = tuple(segment for segment in SEGMENTS if (labels == segment.label).any())
    return Segmentation(labels, present, definition, ())


def measured(volume, labels, reasons=(), **options):
    return {(q.name, q.side): q for q in measure_lungs(volume, segmented(labels, **options), reasons)}


@pytest.fixture
def two_boxes(as_volume):
    """120 right voxels of -950 HU and 60 left ones of -700 HU, each of 0.5 ml."""
    hu = np.zeros((6, 10, 10), np.int16)
    labels = np.zeros(hu.shape, np.uint8)
    labels[:, 0:4, 0:5], labels[:, 5:7, 5:10] = 1, 2
    hu[labels == 1], hu[labels == 2] = -950, -700
    return as_volume(hu, np.diag([5.0, 10.0, 10.0, 1.0])), labels


@pytest.mark.parametrize("spacing", [(1.0, 0.7, 0.7), (5.0, 0.8, 0.8), (2.5, 1.0, 2.0)], ids=str)
def test_the_volume_of_a_ball_is_right_within_one_layer_of_voxels(as_volume, spacing):
    radius_mm = 20.0
    shape = tuple(int(60 / mm) for mm in spacing)
    phantom = make_solids(
        grid_at((-40.0, 0.0, 0.0), shape, spacing),
        [(Ellipsoid((-40.0, 0.0, 0.0), (radius_mm,) * 3), -850.0)],
        labels=[1],
    )
    volume = as_volume(phantom.hu_zyx, phantom.grid.lps_from_zyx)
    found = measured(volume, phantom.labels_zyx)[Name.LUNG_VOLUME, Side.RIGHT].value
    layer = max(spacing)
    low, high = (4.0 / 3.0 * np.pi * (radius_mm + way * layer) ** 3 / 1000.0 for way in (-1, 1))
    assert low < found < high


def test_a_ball_of_known_value_has_that_mean(as_volume):
    phantom = make_solids(
        grid_at((0, 0, 0), (30, 40, 40), (2, 2, 2)), [(Ellipsoid((0, 0, 0), (20.0, 20.0, 20.0)), -873.0)], labels=[2]
    )
    quantities = measured(as_volume(phantom.hu_zyx, phantom.grid.lps_from_zyx), phantom.labels_zyx)
    assert quantities[Name.MEAN_LUNG_DENSITY, Side.LEFT].value == -873.0


KNOWN = [
    (Name.LUNG_VOLUME, Side.RIGHT, 60.0),
    (Name.LUNG_VOLUME, Side.LEFT, 30.0),
    (Name.LUNG_VOLUME, Side.BOTH, 90.0),
    (Name.MEAN_LUNG_DENSITY, Side.BOTH, (-950 * 120 - 700 * 60) / 180),
    (Name.LAA_950, Side.BOTH, 100 * 120 / 180),
    (Name.LAA_950, Side.LEFT, 0.0),
    (Name.PERC15, Side.LEFT, -700.0),
    (Name.PD15, Side.LEFT, 300.0),
]


@pytest.mark.parametrize(("name", "side", "value"), KNOWN, ids=str)
def test_two_boxes_have_the_numbers_that_a_hand_computes(two_boxes, name, side, value):
    assert measured(*two_boxes)[name, side].value == pytest.approx(value)


@given(st.integers(1, 5000), st.integers(1, 5000), st.floats(0.3, 3.0), st.floats(0.5, 10.0))
@settings(deadline=None)
def test_left_and_right_add_up_to_both_exactly(n_right, n_left, mm, step_mm):
    from node.volume.volume import Volume  # noqa: PLC0415  a law over all sizes, without a fixture

    labels = np.zeros((1, 100, 100), np.uint8)
    labels.ravel()[:n_right], labels.ravel()[5000 : 5000 + n_left] = 1, 2
    volume = Volume(np.zeros(labels.shape, np.int16), np.diag([step_mm, mm, mm, 1.0]), (), None, 0.0, (), None)
    found = measured(volume, labels)
    right, left, both = (found[Name.LUNG_VOLUME, side].value for side in (Side.RIGHT, Side.LEFT, Side.BOTH))
    assert right + left == both


def test_a_missing_lung_has_no_numbers(two_boxes):
    volume, labels = two_boxes
    found = measured(volume, np.where(labels == 2, 0, labels).astype(np.uint8))
    assert {side for _, side in found} == {Side.RIGHT, Side.BOTH}
    assert found[Name.LUNG_VOLUME, Side.RIGHT].value == pytest.approx(60.0)
    of_both = [q for (_, side), q in found.items() if side is Side.BOTH]
    assert {(q.value, r.code) for q in of_both for r in q.refused_by} == {(None, Code.SEG_ASYM)}


def test_a_lung_that_the_scan_leaves_out_is_the_reason_why_there_is_no_total(two_boxes):
    volume, labels = two_boxes
    cut_off = refuse(Code.GEO_PARTIAL, "cut", Affects.DENSITY)
    both = measured(volume, np.where(labels == 1, 0, labels).astype(np.uint8), reasons=(cut_off,))
    assert {r.code for q in both.values() for r in q.refused_by} == {Code.GEO_PARTIAL}
    assert both[Name.LUNG_VOLUME, Side.BOTH].value is None
    assert both[Name.LUNG_VOLUME, Side.LEFT].value == pytest.approx(30.0)


def test_no_lungs_have_no_numbers_at_all(two_boxes):
    volume, labels = two_boxes
    assert measured(volume, np.zeros_like(labels)) == {}


def test_lesions_in_the_segmentation_are_not_lung(two_boxes):
    volume, labels = two_boxes
    labels = labels.copy()
    labels[:, 8:, :] = 3
    with_lesion = Segmentation(
        labels, (*SEGMENTS, Segment(3, SegmentKind.LESION, "lesion-1")), LungDefinition.WITHOUT_LESIONS, ()
    )
    both = [q for q in measure_lungs(volume, with_lesion, ()) if (q.name, q.side) == (Name.LUNG_VOLUME, Side.BOTH)]
    assert both[0].value == pytest.approx(90.0)


@pytest.mark.parametrize("definition", list(LungDefinition), ids=str)
def test_every_number_says_which_lungs_are_meant(two_boxes, definition):
    assert {q.definition for q in measured(*two_boxes, definition=definition).values()} == {definition.value}


# which names each kind of reason withholds
WITHHELD = {
    "kernel": (refuse(Code.ACQ_KERNEL, "sharp", Affects.DENSITY), DENSITY),
    "thickness": (refuse(Code.ACQ_DTHICK, "thick", Affects.DENSITY), DENSITY),
    "thick slices": (refuse(Code.GEO_THICK, "thick", Affects.DENSITY, Affects.LESIONS), DENSITY),
    "metal": (refuse(Code.ACQ_METAL, "metal", Affects.DENSITY), DENSITY),
    "low dose": (refuse(Code.ACQ_LOWDOSE, "noise", Affects.DENSITY), DENSITY),
    "contrast": (refuse(Code.ACQ_CONTRAST, "contrast", Affects.DENSITY), DENSITY + MEANS),
    "expiration": (refuse(Code.ACQ_EXP, "expiration", Affects.DENSITY), DENSITY + MEANS),
    "cut off": (refuse(Code.GEO_PARTIAL, "cut", Affects.DENSITY), DENSITY + MEANS),
    "doubt": (
        refuse(Code.SEG_UNSURE, "doubt", Affects.DENSITY, Affects.MEAN_DENSITY, Affects.VOLUMES),
        tuple(Name),
    ),
    "the whole series": (refuse(Code.SEG_IMPLAUS, "no"), tuple(Name)),
    "lesions only": (refuse(Code.GEO_THICK, "thick", Affects.LESIONS), ()),
    "a warning": (warn(Code.ACQ_CONTRAST, "perhaps"), ()),
}


@pytest.mark.parametrize(("kind", "name"), list(product(WITHHELD, Name)), ids=str)
def test_a_reason_withholds_what_it_affects_and_nothing_else(kind, name):
    reason, names = WITHHELD[kind]
    assert withheld_by(name, (reason,)) == ((reason,) if name in names else ())


def test_a_withheld_number_is_none_and_says_why(two_boxes):
    reason = refuse(Code.ACQ_CONTRAST, "contrast", Affects.DENSITY)
    quantity = measured(*two_boxes, reasons=(reason,))[Name.PERC15, Side.BOTH]
    assert (quantity.value, quantity.refused_by) == (None, (reason,))


def test_no_value_is_missing_without_a_reason(two_boxes):
    reasons = tuple(reason for reason, _ in WITHHELD.values())
    assert {q.value is None for q in measured(*two_boxes, reasons=reasons).values() if not q.refused_by} <= {False}


def test_a_code_that_was_found_twice_is_given_once():
    reason = refuse(Code.ACQ_CONTRAST, "tag", Affects.DENSITY)
    assert withheld_by(Name.LAA_950, (reason, refuse(Code.ACQ_CONTRAST, "pixels", Affects.DENSITY))) == (reason,)


def test_cut_off_lungs_mark_volumes_as_partial(two_boxes):
    found = measured(*two_boxes, reasons=(refuse(Code.GEO_PARTIAL, "cut", Affects.DENSITY),))
    assert [found[Name.LUNG_VOLUME, side].partial for side in Side] == [True, True, True]


def test_asymmetry_withholds_the_density_of_the_small_side_and_of_both_that_hold_it(two_boxes):
    found = measured(*two_boxes, reasons=(warn(Code.SEG_ASYM, "small left lung"),))
    withheld = {(name, side) for (name, side), q in found.items() if q.value is None}
    assert withheld == {(name, side) for name in DENSITY + MEANS for side in (Side.LEFT, Side.BOTH)}


def test_an_unknown_kernel_stands_beside_the_density(two_boxes):
    found = measured(*two_boxes, reasons=(warn(Code.ACQ_KERNUNK, "no kernel"),))
    assert "kernel=unknown" in found[Name.LAA_950, Side.BOTH].parameters
