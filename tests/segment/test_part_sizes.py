"""Parts are counted as all at once would count them."""

import numpy as np
import pytest
from scipy import ndimage

from node.segment.part_sizes import part_sizes


@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
def test_slice_by_slice_counts_what_all_at_once_counts(share):
    mask = np.random.default_rng(3).random((7, 11, 13)) < share
    labels, n = ndimage.label(mask)

    assert np.array_equal(part_sizes(labels, n), np.bincount(labels.ravel(), minlength=n + 1))
