"""A network's answer lies where it belongs: reduced, cut to a window, tiled, grouped, in runs."""

import numpy as np
import pytest
import torch
from torch import nn

from node.segment.lesions.net import LesionNet, NetPlan, between, group_of, grouped, starts
from node.segment.lesions.seeds import small_seeds
from node.segment.networks.logits import Logits
from node.segment.runtime import runtime

CPU = runtime("cpu", "fp32")


class Dense(nn.Module):
    """Says tumour where the middle channel is above half of the unit window."""

    def __init__(self, channel: int = 1) -> None:
        super().__init__()
        self.channel = channel
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, x: torch.Tensor) -> Logits:
        self.shapes.append(tuple(x.shape))
        return Logits(40.0 * (x[..., self.channel : self.channel + 1, :, :] - 0.5))


def net(channel: int = 1, **plan: object) -> LesionNet:
    return LesionNet(Dense(channel), NetPlan("unit", **plan), CPU)


def picture(side: int, square: tuple[int, int, int, int], n: int = 4) -> np.ndarray:
    """Return slices of lung with a dense rectangle (top, bottom, left, right)."""
    hu = np.full((n, side, side), -850, np.int16)
    top, bottom, left, right = square
    hu[:, top:bottom, left:right] = 40
    return hu


@pytest.mark.parametrize("side", [160, 320, 512, 500])
@pytest.mark.parametrize("tiles", ["none", "seeds", "all"])
def test_a_mark_lies_where_it_is_whatever_the_size_and_the_tiles(side, tiles):
    square = (side // 2, side // 2 + 24, side // 3, side // 3 + 30)
    hu = picture(side, square)
    window = (slice(side // 5, side - 7), slice(13, side - side // 4))
    truth = (hu > 0)[:, window[0], window[1]]
    one = net(tiles=tiles, step_mm=0.0)

    p = one.probabilities(hu, 2.0, window, np.ones(4, bool), truth)

    assert p.shape == truth.shape
    found = p >= 128
    assert 2.0 * (found & truth).sum() / (found.sum() + truth.sum()) > (0.93 if side > 256 else 0.999)
    small = net(tiles=tiles, step_mm=0.0).probabilities(hu, 2.0, window, np.array([1, 0, 0, 1], bool), truth)
    assert not small[1:3].any()
    assert (small[0] == p[0]).all()


def test_what_learnt_larger_is_shown_larger_and_its_mark_lies_where_it_is():
    hu = picture(96, (20, 44, 31, 60))
    window = (slice(8, 88), slice(8, 88))
    one = net(magnify=2, step_mm=0.0)

    p = one.probabilities(hu, 2.0, window, np.ones(4, bool), None)

    assert {shape[-2:] for shape in one._model.shapes} == {(160, 160)}
    assert ((p >= 128) == (hu[:, 8:88, 8:88] > 0)).all()


def test_native_tiles_show_what_reducing_hides():
    hu = picture(512, (300, 302, 200, 202))  # 2 x 2 pixels at a place that is reduced to halves
    hu[:, 300, 200] = 40
    hu[:, 301:303, 201:203] = 40
    truth = hu > 0
    window = (slice(0, 512), slice(0, 512))

    plain, tiled = (
        net(tiles=tiles, step_mm=0.0).probabilities(hu, 2.0, window, np.ones(4, bool), truth)
        for tiles in ("none", "seeds")
    )
    assert tiled[truth].mean() > plain[truth].mean()


def test_only_cells_with_a_seed_are_looked_at_natively():
    hu = picture(512, (100, 120, 100, 120))
    window = (slice(0, 512), slice(0, 512))
    one = net(tiles="seeds", step_mm=0.0)
    one.probabilities(hu, 2.0, window, np.ones(4, bool), hu > 0)
    n_native = sum(shape[-1] == 192 for shape in one._model.shapes)
    assert n_native == 1  # one cell, four slices in one batch


class BlindInTiles(Dense):
    """Sees nothing in a native tile, as a network that never learnt masses of twice their size."""

    def forward(self, x: torch.Tensor) -> Logits:
        logits = super().forward(x).main
        return Logits(torch.full_like(logits, -20.0) if x.shape[-1] == 192 else logits)


@pytest.mark.parametrize(("tiles", "mass_stays"), [("seeds", True), ("all", False)])
def test_a_tile_counts_round_its_seeds_and_nowhere_else(tiles, mass_stays):
    hu = picture(512, (10, 110, 10, 110))  # a mass, and a small piece in the same cell
    hu[:, 118:122, 118:122] = 40
    seeds = np.zeros(hu.shape, bool)
    seeds[:, 114:126, 114:126] = True
    one = LesionNet(BlindInTiles(), NetPlan("unit", tiles=tiles, step_mm=0.0), CPU)

    p = one.probabilities(hu, 2.0, (slice(0, 512), slice(0, 512)), np.ones(4, bool), seeds)

    assert (p[:, 15:105, 15:105] > 200).all() == mass_stays
    assert (p[:, 119:121, 119:121] < 200).all()


def test_thin_slices_are_averaged_in_groups_and_answered_between_them():
    assert [group_of(mm, 2.0) for mm in (0.6, 1.0, 1.25, 2.5, 5.0)] == [3, 2, 2, 1, 1]
    assert group_of(0.5, 0.0) == 1
    hu = picture(64, (20, 30, 20, 30), n=9)
    hu[5:] = -850
    assert grouped(hu, 2).shape[0] == 5
    window = (slice(0, 64), slice(0, 64))
    p = net(step_mm=2.0).probabilities(hu, 1.0, window, np.ones(9, bool), None)
    assert p.shape == (9, 64, 64)
    assert (p[:3, 22:28, 22:28] > 200).all()
    assert (p[7:] < 50).all()
    ramp = between(np.array([[[0]], [[200]]], np.uint8), 2, 4)
    assert ramp[:, 0, 0].tolist() == [0, 50, 150, 200]


def test_neighbours_are_the_slices_below_and_above_in_order_from_the_feet():
    hu = np.stack([np.full((32, 32), -1000 + 100 * z, np.int16) for z in range(5)])
    seen = []

    class Look(nn.Module):
        def forward(self, x: torch.Tensor) -> Logits:
            seen.append(x[:, :, 0, 0].clone())
            return Logits(x[:, :1])

    one = LesionNet(Look(), NetPlan("unit", neighbours=1, step_mm=0.0), CPU)
    one.probabilities(hu, 2.0, (slice(0, 32), slice(0, 32)), np.ones(5, bool), None)
    hus = torch.cat(seen) * 1400.0 - 1000.0
    assert hus.round().int().tolist()[0] == [-1000, -1000, -900]
    assert hus.round().int().tolist()[2] == [-900, -800, -700]
    assert hus.round().int().tolist()[4] == [-700, -600, -600]


def test_runs_cover_every_slice_overlap_by_half_and_know_the_gap():
    assert starts(8, 8) == [0]
    assert starts(5, 8) == [0]
    assert starts(13, 8) == [0, 4, 5]
    hu = picture(64, (20, 40, 20, 40), n=13)
    one = net(channel=0, neighbours=0, run_length=8, step_mm=0.0)

    p = one.probabilities(hu, 2.5, (slice(0, 64), slice(0, 64)), np.ones(13, bool), None)

    assert (p >= 128)[:, 25, 25].all()
    assert ((p >= 128) == (hu > 0)).all()
    assert [shape[1] for shape in one._model.shapes] == [8, 8, 8]
    assert all(shape[2] == 2 for shape in one._model.shapes)  # the window and the gap


def test_the_mirror_image_is_turned_back():
    hu = picture(64, (10, 20, 5, 15))
    window = (slice(0, 64), slice(0, 64))
    plain, both = (
        net(flips=flips, step_mm=0.0).probabilities(hu, 2.0, window, np.ones(4, bool), None) for flips in (False, True)
    )
    assert ((plain >= 128) == (both >= 128)).all()


def test_seeds_are_small_dense_pieces_and_what_is_within_8_mm_of_them_on_their_slices():
    hu = np.full((5, 200, 200), -850, np.int16)
    hu[1:3, 50:55, 60:65] = 0  # 50 voxels of 2 mm3
    hu[:, 120:180, 100:180] = 0  # 48 ml: no small piece
    inside = np.ones(hu.shape, bool)

    seeds = small_seeds(hu, inside, (2.0, 1.0, 0.5))

    truth = np.zeros(hu.shape, bool)
    truth[1:3, 42:63, 44:81] = True  # 8 rows, 16 columns
    assert (seeds == truth).all()
    assert not small_seeds(hu, np.zeros_like(inside), (2.0, 1.0, 0.5)).any()
