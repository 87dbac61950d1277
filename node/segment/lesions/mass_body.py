"""A mass without what leans on it: vessels and thin haze that a network marked beside it; what hangs on broadly stays.

Marks that are too long for `nodule_body` keep the outline that they were found in. Of that, what is nowhere thick and
lies far from what is, is no mass. Measured in ADR 0029.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

_THICK_MM = 5.0  # from the border to the middle
_BESIDE_MM = 5.0  # edges and spikes as far as that from the thick part's own border stay
_CORNERS = ndimage.generate_binary_structure(3, 3)

Mask = NDArray[np.bool_]


def mass_body(mask: Mask, spacing_mm: tuple[float, float, float]) -> Mask:
    """Return a mark's largest thick part and what lies beside that; one that is nowhere thick stays whole.

    Parameters
    ----------
    mask : (slices, rows, columns), the mark in its box.
    spacing_mm : mm, the same order.
    """
    with_room = np.pad(mask, 1)
    thick = ndimage.distance_transform_edt(with_room, sampling=spacing_mm) > _THICK_MM
    parts, n = ndimage.label(thick, _CORNERS)
    if not n:
        return mask
    largest = 1 + int(np.bincount(parts.ravel())[1:].argmax())
    away_mm = ndimage.distance_transform_edt(parts != largest, sampling=spacing_mm)
    body: Mask = (with_room & (away_mm <= _THICK_MM + _BESIDE_MM))[1:-1, 1:-1, 1:-1]
    return body
