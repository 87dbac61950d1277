"""Where lungs let go of dense tissue from one slice to the next: a mass that is in here and out there.

A network of single slices decides anew on each of them. A mass that ends in lung has air beside its last slice; where
dense tissue goes on and the mask does not, over an area that no hilum's vessels have, one of both slices is wrong.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.segment.contract import LungDefinition, Segmentation
from node.segment.postprocess.domes_off import TISSUE_HU
from node.segment.working_grid import working_grid
from node.volume.image_place import image_words
from node.volume.volume import Volume

STEP_CM2 = 3.5  # on scans without a mass at most 2.3, where a reader saw part of a mass missing at least 4.8
_THICK_MM = 4.0  # thinner steps are rims
_MOST_TOLD = 3

Mask = NDArray[np.bool_]


def with_steps_told(found: Segmentation, volume: Volume) -> Segmentation:
    """Return lungs with their lesions with the reason to be unsure that a mass cut between two slices gives."""
    if found.definition is not LungDefinition.WITH_LESIONS:
        return found
    nz, ny, nx = volume.hu_zyx.shape
    grid = working_grid((nz, ny, nx), volume.lps_from_zyx)
    from_feet = reversed(range(nz)) if grid.flipped[0] else range(nz)
    images = [image_words(volume, z) for z in from_feet]
    steps = dense_steps(grid.turned(found.labels_zyx) > 0, grid.turned(volume.hu_zyx), grid.full_spacing_mm, images)
    return replace(found, unsure=(*found.unsure, *steps))


def dense_steps(
    lungs: Mask, hu: NDArray[np.int16], spacing_mm: tuple[float, float, float], images: Sequence[str]
) -> tuple[str, ...]:
    """Return the reason to be unsure in one sentence, nothing where no step is as large as `STEP_CM2`.

    Parameters
    ----------
    lungs, hu : (head, back, left) bool and int16 HU, from the feet.
    spacing_mm : mm, the same order.
    images : how a reader finds each slice.
    """
    steps: list[tuple[float, int, int]] = []
    for z in range(len(hu) - 1):
        both = (hu[z] >= TISSUE_HU) & (hu[z + 1] >= TISSUE_HU)
        for inner, outer in ((z, z + 1), (z + 1, z)):
            area_cm2 = step_cm2(lungs[inner] & ~lungs[outer] & both, spacing_mm)
            if area_cm2:
                steps.append((area_cm2, inner, outer))
    if not steps:
        return ()
    steps.sort(reverse=True)
    places = ", ".join(f"{images[inner]} and not on {images[outer]}" for _, inner, outer in steps[:_MOST_TOLD])
    return (
        f"dense tissue of up to {steps[0][0]:.0f} cm2 is lung on one slice and goes on outside the lung on the next: "
        f"on {places}",
    )


def step_cm2(step: Mask, spacing_mm: tuple[float, float, float]) -> float:
    """Return the area of the largest piece of a slice that a disc fits into, 0 below `STEP_CM2`."""
    pixel_cm2 = spacing_mm[1] * spacing_mm[2] / 100.0
    if np.count_nonzero(step) * pixel_cm2 < STEP_CM2:
        return 0.0
    radius = max(1, round(_THICK_MM / spacing_mm[1]))
    y, x = np.ogrid[-radius : radius + 1, -radius : radius + 1]
    pieces, _ = ndimage.label(ndimage.binary_opening(step, y * y + x * x <= radius * radius))
    area_cm2 = int(np.bincount(pieces.ravel())[1:].max(initial=0)) * pixel_cm2
    return area_cm2 if area_cm2 >= STEP_CM2 else 0.0
