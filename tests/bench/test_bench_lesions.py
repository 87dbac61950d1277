"""Lungs and lesions are timed, trained or not."""

import pytest
import torch

from node.bench.lesions import bench_lesions


@pytest.mark.parametrize("kind", ["unet", "raemd_net"])
def test_an_untrained_network_is_timed_on_a_small_scan(kind):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    (row,) = bench_lesions([kind], shape=(24, 96))
    torch.set_num_threads(threads)
    assert row.ours > 0.0
    assert row.met
    assert row.as_json()["target"] == "<= 180"
    assert kind in row.what
