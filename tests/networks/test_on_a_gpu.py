"""The same network on the CPU and on the GPU; collected only where there is one."""

import numpy as np
import pytest
import torch

from node.segment.networks import table
from node.segment.runtime import Runtime, runtime
from node.segment.slice_runner import SlicePlan, SliceRunner

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("kind", ["aru_net", "fusionlungnet"])
def test_cpu_and_gpu_agree(kind):
    torch.manual_seed(0)
    hu = np.random.default_rng(0).integers(-1000, 400, (8, 64, 64)).astype(np.int16)
    network = table.build(kind, {"width": 8})
    plan = SlicePlan(64, "window", body_only=False)

    one, other = (
        SliceRunner(network, plan, Runtime(torch.device(device), torch.float32)).probabilities(hu).astype(int)
        for device in ("cpu", "cuda")
    )

    assert np.abs(one - other).max() <= 2


def test_auto_takes_the_gpu_with_bf16():
    assert runtime().name == "cuda/bfloat16/torch"
