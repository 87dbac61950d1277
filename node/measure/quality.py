"""The checks that need a mask, gathered: what they find withholds, marks or refuses."""

import numpy as np

from node.errors import Affects, Reason, Refusal, Severity
from node.measure.airway_noise import airway_noise
from node.measure.chest import Chest
from node.measure.contrast import contrast
from node.measure.cut_off import cut_off
from node.measure.metal import metal
from node.measure.plausible import possible_volume, similar_sides, unsure
from node.measure.thorax_gate import thorax_gate
from node.segment.contract import Segmentation, SegmentKind
from node.segment.working_grid import working_grid
from node.volume.volume import Volume


def check_quality(volume: Volume, segmentation: Segmentation, chest: Chest) -> tuple[Reason, ...] | Refusal:
    """Check a segmented scan.

    Parameters
    ----------
    volume : what was segmented.
    segmentation : with right lung, left lung or both.
    chest : both on the working grid.

    Returns
    -------
    The reasons that were found, or a Refusal where the lungs cannot be lungs.
    """
    sides_ml = dict.fromkeys((SegmentKind.RIGHT_LUNG, SegmentKind.LEFT_LUNG), 0.0)
    lungs_zyx = np.zeros(volume.hu_zyx.shape, bool)
    for segment in segmentation.segments:
        if segment.kind in sides_ml:
            mask_zyx = segmentation.labels_zyx == segment.label
            sides_ml[segment.kind] += float(np.count_nonzero(mask_zyx)) * volume.voxel_ml
            lungs_zyx |= mask_zyx
    right_ml, left_ml = sides_ml[SegmentKind.RIGHT_LUNG], sides_ml[SegmentKind.LEFT_LUNG]
    cut = cut_off(volume.hu_zyx, lungs_zyx, volume.lps_from_zyx)
    impossible = possible_volume(right_ml + left_ml, partial=bool(cut.reasons))
    if not lungs_zyx.any():
        return Refusal(impossible)
    nz, ny, nx = volume.hu_zyx.shape
    grid = working_grid((nz, ny, nx), volume.lps_from_zyx)
    reasons = (
        *impossible,
        *thorax_gate(chest.hu, chest.right, chest.left, chest.spacing_mm, has_windpipe=chest.windpipe is not None),
        *cut.reasons,
        *similar_sides(right_ml, left_ml, cut_through=cut.is_through),
        *unsure(segmentation),
        *contrast(chest),
        *airway_noise(grid.turned(volume.hu_zyx), chest.windpipe, grid),
        *metal(volume.hu_zyx, lungs_zyx, volume.voxel_ml),
    )
    if any(r.severity is Severity.REFUSE and Affects.SERIES in r.affects for r in reasons):
        return Refusal(reasons)
    return reasons
