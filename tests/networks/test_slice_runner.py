"""A network slice by slice: on the slices' own grid, in halves when memory runs out, the same every time."""

import numpy as np
import pytest
import torch
from torch import nn

from node.segment.contract import LungDefinition
from node.segment.lung_mask import MaskPlan, lung_mask, series_cdf
from node.segment.networks.logits import Logits
from node.segment.runtime import Runtime, runtime
from node.segment.slice_runner import SlicePlan, SliceRunner

CPU = Runtime(torch.device("cpu"), torch.float32)
PLAN = SlicePlan(32, "window", body_only=False)


class Dark(nn.Module):
    """Says lung where a picture is darker than -400 HU."""

    def __init__(self, most: int = 100, error: Exception | None = None) -> None:
        super().__init__()
        self.most = most
        self.error = error or torch.OutOfMemoryError()
        self.batches: list[int] = []

    def forward(self, x: torch.Tensor) -> Logits:
        self.batches.append(len(x))
        if len(x) > self.most:
            raise self.error
        return Logits((600.0 / 1400.0 - x) * 50.0)


def scan(n=20):
    """A body with a dark square in it."""
    hu = np.full((n, 64, 64), 40, np.int16)
    hu[:, 16:48, 8:24] = -800
    return hu


def test_the_answer_lies_on_the_slices_own_grid():
    p = SliceRunner(Dark(), PLAN, CPU).probabilities(scan())

    assert p.shape == (20, 64, 64)
    assert np.array_equal(p > 127, scan() < -400)


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory."),
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] err == 0. DefaultCPUAllocator: can't allocate memory"),
    ],
    ids=["CUDA", "numpy", "torch on the CPU"],
)
def test_a_batch_that_does_not_fit_is_halved_and_nothing_is_lost(error):
    network = Dark(most=3, error=error)

    p = SliceRunner(network, PLAN, CPU).probabilities(scan(9))

    assert network.batches[:3] == [8, 4, 2]
    assert np.array_equal(p > 127, scan(9) < -400)


def test_a_slice_that_does_not_fit_is_said_so():
    with pytest.raises(MemoryError, match="smaller model"):
        SliceRunner(Dark(most=0), PLAN, CPU).probabilities(scan(1))


def test_another_error_of_a_network_is_not_taken_for_a_lack_of_memory():
    network = Dark(most=3, error=RuntimeError("sizes differ"))
    with pytest.raises(RuntimeError, match="sizes differ"):
        SliceRunner(network, PLAN, CPU).probabilities(scan(9))
    assert network.batches == [8]


def test_a_mirrored_picture_has_its_say_where_flips_are_on():
    network = Dark()

    SliceRunner(network, SlicePlan(32, "window", body_only=False, flips=True), CPU).probabilities(scan(4))

    assert len(network.batches) == 2


def test_bf16_and_single_precision_agree():
    torch.manual_seed(0)
    convolution = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 1, 3, padding=1))

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = convolution

        def forward(self, x: torch.Tensor) -> Logits:
            return Logits(self.layers(x))

    one, other = (
        SliceRunner(Network(), PLAN, Runtime(torch.device("cpu"), t)).probabilities(scan(4)).astype(int)
        for t in (torch.float32, torch.bfloat16)
    )

    assert np.abs(one - other).max() <= 3


def test_a_mask_is_gated_and_holes_are_filled_by_definition():
    hu = scan()
    hu[:, 30:33, 14:17] = 40  # a vessel, nine pixels of 4 mm2
    hu[10, 60, 60] = -800  # a speck
    runner = SliceRunner(Dark(), SlicePlan(64, "window", body_only=False), CPU)

    without, with_lesions = (
        lung_mask(hu, (5.0, 2.0, 2.0), runner, MaskPlan(d))
        for d in (LungDefinition.WITHOUT_LESIONS, LungDefinition.WITH_LESIONS)
    )

    assert not without[10, 60, 60]
    assert (bool(without[5, 31, 15]), bool(with_lesions[5, 31, 15])) == (False, True)


def test_single_precision_can_be_asked_for():
    assert runtime("cpu", "fp32").name == "cpu/float32/torch"


def test_a_foreign_series_is_matched_to_the_reference_and_others_are_left_alone():
    hu = scan()
    shifted = (hu + 100).astype(np.int16)  # a scanner that calls everything 100 HU brighter
    shifted[hu == -800] = -390  # so that unmatched lung is not dark enough
    runner = SliceRunner(Dark(), SlicePlan(64, "window", body_only=False), CPU)
    plan = MaskPlan(LungDefinition.WITHOUT_LESIONS, reference=series_cdf(hu))

    unmatched = lung_mask(shifted, (5.0, 2.0, 2.0), runner, MaskPlan(LungDefinition.WITHOUT_LESIONS))
    assert not unmatched.any()
    assert np.array_equal(lung_mask(shifted, (5.0, 2.0, 2.0), runner, plan), hu < -400)
    assert np.array_equal(lung_mask(hu, (5.0, 2.0, 2.0), runner, plan), hu < -400)


def test_a_network_with_three_channels_sees_the_slices_beside_across_batches():
    class Below(nn.Module):
        """Says lung where the slice before it was dark."""

        def forward(self, x: torch.Tensor) -> Logits:
            return Logits((600.0 / 1400.0 - x[:, :1]) * 50.0)

    hu = scan(20)
    hu[::2] = 40

    p = SliceRunner(Below(), SlicePlan(32, "window", body_only=False, channels=3), CPU).probabilities(hu)

    assert np.array_equal(p[1:] > 127, hu[:-1] < -400)
    assert np.array_equal(p[0] > 127, hu[0] < -400)  # the first slice stands in for the one before it
