"""From probabilities to candidates: connected parts in three dimensions, near enough to the lungs, large enough."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.segment.lesions.splitting import split

_CORNERS = ndimage.generate_binary_structure(3, 3)
_INSIDE_FRAC = 0.2  # of a candidate's voxels inside the region; a mass may reach far beyond it

Box = tuple[slice, slice, slice]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One part.

    Attributes
    ----------
    box : of its voxels, in working axes.
    mask : (depth, height, width) bool, inside the box.
    """

    box: Box
    mask: Mask

    @property
    def n_voxels(self) -> int:
        """Number of voxels."""
        return int(np.count_nonzero(self.mask))


def candidates(
    found: Mask, region: Mask, hu: NDArray[np.int16], spacing_mm: tuple[float, float, float], least_mm3: float
) -> tuple[Candidate, ...]:
    """Return the candidates of a scan in their order in the array.

    Parameters
    ----------
    found : (head, back, left) bool, where the networks say tumour.
    region : the same grid, where lesions are looked for.
    hu : the same grid; what separates touching lesions.
    least_mm3 : smaller parts are dropped, before and after splitting.
    """
    labels, _ = ndimage.label(found, _CORNERS)
    least = least_mm3 / float(np.prod(spacing_mm))
    kept: list[Candidate] = []
    for label, box in enumerate(ndimage.find_objects(labels), start=1):
        if box is None:
            continue
        mask = labels[box] == label
        n = int(np.count_nonzero(mask))
        if n < least or int(np.count_nonzero(mask & region[box])) < _INSIDE_FRAC * n:
            continue
        kept += [tight(part, box) for part in split(mask, hu[box], spacing_mm)]
    return tuple(one for one in kept if one.n_voxels >= least)


def tight(mask: Mask, box: Box) -> Candidate:
    """Return a candidate without the empty margin of its box.

    Parameters
    ----------
    mask : bool, not empty.
    box : where it lies.
    """
    (inner,) = ndimage.find_objects(mask.astype(np.uint8))
    z, y, x = (slice(o.start + i.start, o.start + i.stop) for o, i in zip(box, inner, strict=True))
    return Candidate((z, y, x), mask[inner].copy())
