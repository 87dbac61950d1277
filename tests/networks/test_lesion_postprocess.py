"""The dense CRF against brute force, smoothing that keeps edges, regions of low confidence."""

from itertools import product
from math import exp, log

import numpy as np
import pytest
import torch

from node.segment.postprocess.dense_crf import Crf, mean_field
from node.segment.postprocess.edge_keeping import edge_keeping
from node.segment.postprocess.low_confidence import slice_probabilities, sort_by_confidence

CRF = Crf(w_1=0.2, theta_a_px=2.0, theta_b_hu=150.0, w_2=0.1, theta_g_px=1.0, reach_px=8, n_steps=3)


def kernel(a: tuple[int, int], b: tuple[int, int], hu: np.ndarray, crf: Crf) -> float:
    far_2 = (a[0] - b[0]) ** 2 + (a[1] - b[1]) ** 2
    alike = exp(-far_2 / (2 * crf.theta_a_px**2) - (hu[a] - hu[b]) ** 2 / (2 * crf.theta_b_hu**2))
    return crf.w_1 * alike + crf.w_2 * exp(-far_2 / (2 * crf.theta_g_px**2))


def pictures(shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    return rng.uniform(0.1, 0.9, shape), rng.uniform(-900, 100, shape)


def tensors(p: np.ndarray, hu: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(p)[None, None], torch.from_numpy(hu)[None, None]


def test_mean_field_equals_the_sums_over_all_pairs():
    p, hu = pictures((4, 6))
    places = list(np.ndindex(p.shape))
    q = {place: p[place] for place in places}
    for _ in range(CRF.n_steps):
        energy = {
            (place, label): -log(p[place] if label else 1 - p[place])
            + sum(kernel(place, a, hu, CRF) * ((1 - q[a]) if label else q[a]) for a in places if a != place)
            for place in places
            for label in (0, 1)
        }  # fmt: skip
        q = {a: exp(-energy[a, 1]) / (exp(-energy[a, 0]) + exp(-energy[a, 1])) for a in places}

    found = mean_field(*tensors(p, hu), CRF)[0, 0].numpy()

    assert found == pytest.approx(np.array([q[a] for a in places]).reshape(p.shape), abs=1e-5)


def test_mean_field_comes_near_the_marginals_of_all_labellings():
    p, hu = pictures((3, 3))
    crf = Crf(w_1=0.1, theta_a_px=2.0, theta_b_hu=300.0, w_2=0.1, theta_g_px=1.0, reach_px=3, n_steps=20)
    places = list(np.ndindex(p.shape))
    total, on = 0.0, np.zeros(9)
    for labels in product((0, 1), repeat=9):
        energy = sum(-log(p[a] if x else 1 - p[a]) for a, x in zip(places, labels, strict=True))
        energy += sum(
            kernel(places[i], places[j], hu, crf) for i in range(9) for j in range(i) if labels[i] != labels[j]
        )
        total += exp(-energy)
        on += np.array(labels) * exp(-energy)

    found = mean_field(*tensors(p, hu), crf)[0, 0].numpy().ravel()

    assert np.abs(found - on / total).max() < 0.02
    assert np.abs(p.ravel() - on / total).max() > 0.05  # the field has something to say here


def test_a_cut_off_kernel_changes_little():
    p, hu = pictures((12, 12))
    near = mean_field(*tensors(p, hu), Crf(theta_a_px=1.5, theta_g_px=1.0, reach_px=5))
    all_pairs = mean_field(*tensors(p, hu), Crf(theta_a_px=1.5, theta_g_px=1.0, reach_px=11))

    assert float((near - all_pairs).abs().max()) < 1e-3


def test_a_lone_pixel_goes_and_a_hole_in_equal_tissue_is_filled():
    p = np.full((15, 15), 0.1)
    hu = np.full((15, 15), -800.0)
    p[4:11, 4:11], hu[4:11, 4:11] = 0.9, 30.0
    p[7, 7] = 0.4  # a hole in what looks like tumour
    p[1, 13] = 0.6  # one pixel in the lung

    found = mean_field(*tensors(p, hu), Crf(w_1=0.2, w_2=0.1))[0, 0].numpy() > 0.5

    assert found[7, 7]
    assert not found[1, 13]
    assert np.array_equal(found[4:11, 4:11], np.ones((7, 7), bool))


def test_what_is_certain_stays_and_nothing_becomes_undefined():
    p = torch.zeros(1, 1, 6, 6)
    p[..., 3:] = 1.0

    found = mean_field(p, torch.zeros(1, 1, 6, 6))

    assert torch.isfinite(found).all()
    assert torch.equal(found > 0.5, p > 0.5)


def shapes() -> np.ndarray:
    mask = np.zeros((1, 20, 20), bool)
    mask[0, 2:9, 2:9] = True  # a square with sharp corners
    mask[0, 5, 5] = False  # and a pinhole
    mask[0, 15, 3:16] = True  # a line
    mask[0, 12, 12] = True  # a speck
    return mask


def test_smoothing_removes_lines_and_specks_and_keeps_corners():
    found = edge_keeping(shapes(), 1)

    expected = np.zeros((1, 20, 20), bool)
    expected[0, 2:9, 2:9] = True
    assert np.array_equal(found, expected)


def test_smoothing_by_nothing_changes_nothing():
    assert np.array_equal(edge_keeping(shapes(), 0), shapes())


def test_a_bay_open_to_the_outside_is_no_hole():
    mask = np.zeros((1, 12, 12), bool)
    mask[0, 2:10, 2:10] = True
    mask[0, 2:6, 5] = False

    assert np.array_equal(edge_keeping(mask, 1), mask)


def test_regions_of_low_confidence_are_told_apart_and_not_lost():
    p = np.zeros((1, 8, 8), np.uint8)
    p[0, 1:3, 1:3], p[0, 5:7, 5:7] = 240, 140

    found = sort_by_confidence(p, p > 127, least=0.7)

    assert np.array_equal(found.sure_zyx, p > 200)
    assert np.array_equal(found.unsure_zyx, (p > 127) & (p < 200))


def test_an_empty_mask_has_no_regions():
    found = sort_by_confidence(np.zeros((1, 4, 4), np.uint8), np.zeros((1, 4, 4), bool), least=0.5)

    assert not found.sure_zyx.any()
    assert not found.unsure_zyx.any()


def test_the_bar_of_a_slice_is_its_highest_local_mean():
    p = np.zeros((3, 20, 20), np.uint8)
    p[1, 4:9, 4:9] = 255
    p[2, 10, 10] = 255

    assert slice_probabilities(p) == pytest.approx([0.0, 1.0, 1 / 25])
