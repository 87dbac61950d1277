"""A chest whose lungs are known, seen from any side."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from node.phantom.phantom import Phantom
from node.phantom.thorax import make_thorax, thorax_grid
from node.volume.volume import Volume


@pytest.fixture(scope="session")
def thorax() -> Callable[..., Phantom]:
    """Make a small thorax phantom; equal calls share one."""
    made: dict[object, Phantom] = {}

    def make(orientation: Sequence[float] = (1, 0, 0, 0, 1, 0), **options: object) -> Phantom:
        key = (tuple(orientation), tuple(sorted(options.items())))
        if key not in made:
            grid = thorax_grid(n_slices=48, size=160, orientation=orientation)
            made[key] = make_thorax(grid, **options)
        return made[key]

    return make


@pytest.fixture(scope="session")
def as_volume() -> Callable[..., Volume]:
    """Wrap arrays as a volume without headers."""

    def wrap(hu_zyx: NDArray[np.int16], lps_from_zyx: NDArray[np.float64]) -> Volume:
        return Volume(hu_zyx, lps_from_zyx, (), None, 0.0, (), None)

    return wrap
