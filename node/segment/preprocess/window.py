"""Clip to a range of Hounsfield units and scale to 0 ... 1 (P0, equation 10)."""

from torch import Tensor

LOW_HU = -1000.0
HIGH_HU = 400.0


def window(hu: Tensor, low_hu: float = LOW_HU, high_hu: float = HIGH_HU) -> Tensor:
    """Return (clip(I) - low) / (high - low), any shape, 0 at or below `low_hu`, 1 at or above `high_hu`."""
    return (hu.clamp(low_hu, high_hu) - low_hu) / (high_hu - low_hu)
