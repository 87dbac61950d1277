"""Attenuation of a lesion: mean, standard deviation (of the population), minimum and maximum over its voxels, HU."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Attenuation:
    """Hounsfield units."""

    mean_hu: float
    sd_hu: float
    minimum_hu: float
    maximum_hu: float


def attenuation(hu: NDArray[np.int16]) -> Attenuation:
    """Describe the values of a lesion's voxels, (n,) int16, n > 0."""
    values = hu.astype(np.float64)
    return Attenuation(float(values.mean()), float(values.std()), float(values.min()), float(values.max()))
