"""Density by thirds of a lung's height: what a hand computes, whichever way the slices run."""

import numpy as np
import pytest

from node.errors import Affects, Code, refuse, warn
from node.measure.quantity import Name, Side
from node.measure.zones import measure_zones, zone_per_slice
from node.phantom.thorax import make_thorax, thorax_grid
from node.segment.contract import LungDefinition, Segment, Segmentation, SegmentKind

LUNGS = (Segment(1, SegmentKind.RIGHT_LUNG, "Right lung"), Segment(2, SegmentKind.LEFT_LUNG, "Left lung"))
HU_OF = {"upper": -960, "middle": -900, "lower": -700}
UP, DOWN = np.diag([5.0, 2.0, 2.0, 1.0])[[2, 1, 0, 3]], np.diag([-5.0, 2.0, 2.0, 1.0])[[2, 1, 0, 3]]


def found_of(labels):
    present = tuple(s for s in LUNGS if (labels == s.label).any())
    return Segmentation(labels, present, LungDefinition.WITHOUT_LESIONS, ())


def measured(volume, labels, reasons=()):
    quantities = measure_zones(volume, found_of(labels), tuple(reasons))
    return {(q.name, q.side, q.zone): q for q in quantities}


@pytest.fixture
def layers(as_volume):
    """A right lung of nine slices in three layers, and a left one of three slices that lies lower."""

    def build(matrix):
        labels = np.zeros((12, 6, 6), np.uint8)
        labels[2:11, :3, :3] = 1
        labels[0:3, 4:, 4:] = 2
        hu = np.zeros(labels.shape, np.int16)
        names = ["lower"] * 3 + ["middle"] * 3 + ["upper"] * 3
        for z, name in enumerate(names if matrix[2, 0] > 0 else names[::-1], start=2):
            hu[z, :3, :3] = HU_OF[name]
        hu[0:3, 4:, 4:] = np.reshape([-700, -900, -960] if matrix[2, 0] > 0 else [-960, -900, -700], (3, 1, 1))
        return as_volume(hu, matrix), labels

    return build


@pytest.mark.parametrize("matrix", [UP, DOWN], ids=["head last", "head first"])
@pytest.mark.parametrize("side", list(Side))
def test_each_third_has_its_own_density_whichever_way_the_slices_run(side, matrix, layers):
    found = measured(*layers(matrix))
    for zone, hu in HU_OF.items():
        assert found[Name.MEAN_LUNG_DENSITY, side, zone].value == hu
        assert found[Name.PERC15, side, zone].value == hu
        assert found[Name.LAA_950, side, zone].value == (100.0 if zone == "upper" else 0.0)


def test_there_is_no_volume_of_a_zone(layers):
    assert Name.LUNG_VOLUME not in {name for name, _, _ in measured(*layers(UP))}


def test_a_lung_that_the_scan_cuts_off_has_no_thirds(layers):
    found = measured(*layers(UP), [warn(Code.GEO_PARTIAL, "lungs touch the last slice")])
    assert {q.value for q in found.values()} == {None}
    assert {r.code for q in found.values() for r in q.refused_by} == {Code.GEO_PARTIAL}


def test_what_withholds_density_withholds_it_in_every_zone(layers):
    found = measured(*layers(UP), [refuse(Code.ACQ_KERNEL, "kernel B70f", Affects.DENSITY)])
    assert {q.value for key, q in found.items() if key[0] is Name.PERC15} == {None}
    assert found[Name.MEAN_LUNG_DENSITY, Side.RIGHT, "upper"].value == -960  # robust to kernels


def test_the_small_side_of_two_unequal_lungs_is_withheld(layers):
    found = measured(*layers(UP), [warn(Code.SEG_ASYM, "left lung 0.1 of the right")])
    assert found[Name.PERC15, Side.LEFT, "upper"].refused_by[0].code is Code.SEG_ASYM
    assert found[Name.PERC15, Side.RIGHT, "upper"].value == -960
    assert found[Name.PERC15, Side.BOTH, "upper"].refused_by[0].code is Code.SEG_ASYM


def test_a_zone_of_one_lung_is_not_one_of_both(layers):
    volume, labels = layers(UP)
    found = measured(volume, np.where(labels == 2, 0, labels).astype(np.uint8))
    assert found[Name.PERC15, Side.RIGHT, "upper"].value == -960
    assert {q.value for (_, side, _), q in found.items() if side is Side.BOTH} == {None}


@pytest.mark.parametrize("n", [1, 2, 3, 4, 10, 100])
def test_thirds_differ_by_one_slice_at_most(n):
    zones = list(zone_per_slice(np.ones(n, bool), UP).values())
    counts = [zones.count(zone) for zone in dict.fromkeys(zones)]
    assert max(counts) - min(counts) <= 1
    assert len(zones) == n


def test_without_lungs_there_are_no_zones(layers):
    volume, labels = layers(UP)
    assert measured(volume, np.zeros_like(labels)) == {}


def test_emphysema_of_the_phantom_is_found_again_within_a_percent_per_zone(as_volume):
    phantom = make_thorax(thorax_grid(48, 160), emphysema_frac=0.2, noise_hu=0.0)
    labels = np.where(phantom.labels_zyx <= 2, phantom.labels_zyx, 0)
    found = measured(as_volume(phantom.hu_zyx, phantom.grid.lps_from_zyx), labels)
    for side, label in ((Side.RIGHT, 1), (Side.LEFT, 2)):
        slices = np.flatnonzero((labels == label).any(axis=(1, 2)))
        top = slices[-(len(slices) // 3) :]
        hu = phantom.hu_zyx[top][labels[top] == label]
        assert found[Name.LAA_950, side, "upper"].value == pytest.approx(100 * (hu <= -950).mean(), abs=1.0)
        assert 5.0 < found[Name.LAA_950, side, "upper"].value < 45.0
