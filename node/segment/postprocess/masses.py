"""Masses whole: dense tissue that a network of single slices let go between slices, where a tumour network sees it.

A mass is in on one slice and out on the next. Three that are wrong by themselves are right together: what the tumour
network marks holds half an aorta, too; what a closing of the lung fills, vessels and mediastinum; and what hangs on a
dense piece of the lungs may be anything. Measured in ADR 0018. Everything is on the working grid of about 2 mm.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.segment.box import Box, box_of
from node.segment.closing import closed
from node.segment.part_sizes import part_sizes
from node.segment.postprocess.domes_off import TISSUE_HU

CLOSING_MM = 20.0  # fills what lung bounds within 40 mm; the aorta, which that lets in, is taken off before (ADR 0024)
_THICK_MM = 4.0  # to either side, within the slice: vessels, walls and the rim of an aorta beside a mass are thinner
_CORE_ML = 0.5
_CROSS = np.zeros((3, 3, 3), bool)  # one working voxel within the slice
_CROSS[1] = ndimage.generate_binary_structure(2, 1)

Mask = NDArray[np.bool_]
Spacing = tuple[float, float, float]


def dense_cores(lungs: Mask, hu: NDArray[np.int16], spacing_mm: Spacing) -> Mask:
    """Return the thick dense pieces that the lungs hold, without their rims.

    Parameters
    ----------
    lungs, hu : (head, back, left) bool and int16, HU.
    spacing_mm : mm, the same order.
    """
    return large_pieces(ndimage.binary_erosion(lungs & (hu >= TISSUE_HU), _CROSS, _thick(spacing_mm)), spacing_mm)


def missing_of_masses(
    labels: NDArray[np.uint8], cores: Mask, hu: NDArray[np.int16], tumour: Mask, spacing_mm: Spacing
) -> Mask:
    """Return what belongs to the lungs' masses and is not in the lungs.

    That is dense, called tumour, within a lung closed by `CLOSING_MM`, thicker than vessels, and hangs through such
    voxels on a core that is called tumour, too.

    Parameters
    ----------
    labels : (head, back, left) uint8, each lung its own; 0 elsewhere.
    cores : of these lungs, by `dense_cores`.
    hu : HU, the same grid.
    tumour : where the tumour network says tumour, without the aorta.
    spacing_mm : mm, the same order.
    """
    lungs = labels > 0
    missing = np.zeros_like(lungs)
    sure = large_pieces(cores & tumour, spacing_mm)
    found = _joined(tumour & (hu >= TISSUE_HU), sure)
    box = _box_round(found & ~lungs, spacing_mm)
    if box is None:
        return missing
    shut = [closed(labels[box] == side, CLOSING_MM, spacing_mm) for side in np.unique(labels[lungs])]
    fill = found[box] & np.any(shut, axis=0) & ~lungs[box]
    thick = ndimage.binary_opening(fill, _CROSS, _thick(spacing_mm))
    fill &= ndimage.binary_dilation(thick, _CROSS, _thick(spacing_mm))
    missing[box] = _joined(fill | sure[box], sure[box]) & fill
    return missing


def _thick(spacing_mm: Spacing) -> int:
    """Return how many voxels `_THICK_MM` are within a slice."""
    return max(1, round(_THICK_MM / spacing_mm[1]))


def large_pieces(pieces: Mask, spacing_mm: Spacing) -> Mask:
    """Return the connected pieces of at least 0.5 ml."""
    labels, n = ndimage.label(pieces)
    large = part_sizes(labels, n) * float(np.prod(spacing_mm)) / 1000.0 >= _CORE_ML
    large[0] = False
    kept: Mask = large[labels]
    return kept


def _joined(pieces: Mask, seeds: Mask) -> Mask:
    """Return the connected pieces that hold a seed."""
    labels, n = ndimage.label(pieces)
    held = np.zeros(n + 1, bool)
    held[labels[seeds]] = True
    held[0] = False
    kept: Mask = held[labels]
    return kept


def _box_round(mask: Mask, spacing_mm: Spacing) -> Box | None:
    """Return the box outside which nothing changes the closing inside a mask."""
    box = box_of(mask)
    if box is None:
        return None
    margins = [int(np.ceil(2.0 * CLOSING_MM / mm)) + 1 for mm in spacing_mm]
    z, y, x = (
        slice(max(one.start - m, 0), min(one.stop + m, n)) for one, m, n in zip(box, margins, mask.shape, strict=True)
    )
    return (z, y, x)
