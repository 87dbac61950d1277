"""Where lesions are looked for: the lungs closed by a large ball, and a margin of pleura and hilum round them.

inside   each lung closed by 25 mm: vessels, fissures, nodules and masses on the wall or in the hilum's bay
region   inside, and 10 mm round it: what grows from the lung into pleura and mediastinum
aorta    the descending one, where nothing is a lesion (ADR 0024)

The work is done on the working grid; a lung without any air is not found by this.
"""

from dataclasses import dataclass

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from node.segment.aorta import descending_aorta
from node.segment.closing import closed
from node.segment.contract import Segmentation, SegmentKind
from node.segment.working_grid import WorkingGrid

CLOSING_MM = 25.0
MARGIN_MM = 10.0
_LUNGS = (SegmentKind.RIGHT_LUNG, SegmentKind.LEFT_LUNG)

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class SearchRegion:
    """All on the full grid in working axes (head, back, left); no aorta where there is none to look for."""

    inside: Mask
    region: Mask
    aorta: Mask | None = None


def search_region(lungs: Segmentation, hu: NDArray[np.int16], grid: WorkingGrid) -> SearchRegion:
    """Build the region from a scan's lungs.

    Parameters
    ----------
    lungs : with labels of the right and the left lung on the scan's own grid.
    hu : (head, back, left) int16, the scan along its working axes.
    grid : of the scan.
    """
    labels = grid.sampled(grid.turned(lungs.labels_zyx))
    inside = np.zeros(grid.shape, bool)
    for segment in lungs.segments:
        if segment.kind in _LUNGS:
            inside |= closed(labels == segment.label, CLOSING_MM, grid.spacing_mm)
    either = [segment.label for segment in lungs.segments if segment.kind in _LUNGS]
    aorta = descending_aorta(grid.reduce(hu), np.where(np.isin(labels, either), labels, 0), grid.spacing_mm)
    return SearchRegion(grid.enlarged(inside), grid.enlarged(_widened(inside, grid.spacing_mm)), grid.enlarged(aorta))


def _widened(mask: Mask, spacing_mm: tuple[float, float, float]) -> Mask:
    if not mask.any():
        return mask
    image = SimpleITK.GetImageFromArray(mask.astype(np.uint8))
    image.SetSpacing(spacing_mm[::-1])
    away = SimpleITK.SignedMaurerDistanceMap(image, insideIsPositive=False, squaredDistance=False, useImageSpacing=True)
    near: Mask = SimpleITK.GetArrayViewFromImage(away) <= MARGIN_MM
    return near
