"""What a network is shown larger: where a pixel lies stays, and its answer comes back to its place."""

import pytest
import torch

from node.segment.preprocess.magnify import brought_back, magnified


@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_ramp_comes_back_as_it_was(times):
    ramp = (torch.arange(7.0)[:, None] * 10.0 + torch.arange(9.0))[None, None]

    large = magnified(ramp, times)

    assert large.shape[-2:] == (7 * times, 9 * times)
    torch.testing.assert_close(brought_back(large, times)[..., 1:-1, 1:-1], ramp[..., 1:-1, 1:-1])


def test_once_is_the_very_picture():
    picture = torch.rand(1, 2, 3, 4)

    assert magnified(picture, 1) is picture
    assert brought_back(picture, 1) is picture
