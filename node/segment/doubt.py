"""When lungs found by a network are not to be trusted without a look, each with its reason in plain words.

Shown with the result as SEG-UNSURE; nothing is withheld for it. The limits are ours: outside them, something in the
scans at hand was wrong or the lungs were ill enough to deserve a look.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.segment.part_sizes import part_sizes
from node.segment.postprocess.domes_off import TISSUE_HU
from node.segment.preprocess.body import body
from node.segment.preprocess.histogram import LUNG_LIMIT_HU, TISSUE_LIMIT_HU, Cdf, cdf_of, shifts_hu

AGREEMENT_DICE = 0.90  # learned and rule-based lungs of the scans at hand agree at 0.95 and more where nothing is wrong
PLAUSIBLE_ML = (800.0, 10000.0)
DENSE_ML = 40.0  # in one piece: twice what the vessels of a hilum came to; a tumour or a collapsed lobe if it is right
CUT_FRAC = 0.002  # of the lung's voxels on the image's edge rows and columns
_EVERY = 4


def doubts(
    hu_zyx: NDArray[np.int16],
    lungs_zyx: NDArray[np.bool_],
    by_rules_zyx: NDArray[np.bool_],
    voxel_ml: float,
    reference: Cdf | None,
) -> tuple[str, ...]:
    """Return the reasons to be unsure, none where all is well."""
    found = (
        _disagreement(lungs_zyx, by_rules_zyx),
        _dense(hu_zyx, lungs_zyx & ~by_rules_zyx, voxel_ml),
        _implausible(lungs_zyx, voxel_ml),
        _cut(lungs_zyx),
        _foreign(hu_zyx, reference),
    )
    return tuple(text for text in found if text)


def _disagreement(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> str:
    total = int(one.sum()) + int(other.sum())
    dice = 2.0 * int((one & other).sum()) / total if total else 1.0
    return "" if dice >= AGREEMENT_DICE else f"learned and rule-based lungs agree to a Dice of {dice:.2f} only"


def _dense(hu: NDArray[np.int16], beyond_rules: NDArray[np.bool_], voxel_ml: float) -> str:
    """Say where a large dense piece is lung by the network alone; every second row and column will do."""
    labels, n = ndimage.label(beyond_rules[:, ::2, ::2] & (hu[:, ::2, ::2] >= TISSUE_HU))
    largest_ml = float(part_sizes(labels, n)[1:].max(initial=0)) * 4.0 * voxel_ml
    if largest_ml < DENSE_ML:
        return ""
    return (
        f"{largest_ml:.0f} ml of dense tissue in one piece is counted as lung by the network and not by the rules: "
        "look at where it ends"
    )


def _implausible(lungs: NDArray[np.bool_], voxel_ml: float) -> str:
    volume_ml = int(lungs.sum()) * voxel_ml
    low, high = PLAUSIBLE_ML
    return (
        "" if low <= volume_ml <= high else f"a lung volume of {volume_ml:.0f} ml is outside {low:.0f} to {high:.0f} ml"
    )


def _cut(lungs: NDArray[np.bool_]) -> str:
    edge = int(lungs[:, [0, -1]].sum()) + int(lungs[:, :, [0, -1]].sum())
    cut = edge > CUT_FRAC * max(int(lungs.sum()), 1)
    return f"lung reaches the edge of the image in {edge} voxels: the field of view cuts it" if cut else ""


def _foreign(hu_zyx: NDArray[np.int16], reference: Cdf | None) -> str:
    if reference is None:
        return ""
    chosen = hu_zyx[::_EVERY].astype(np.float32)
    values = np.concatenate([hu_yx[body(hu_yx)] for hu_yx in chosen])
    lung_hu, tissue_hu = shifts_hu(cdf_of(values), reference)
    if lung_hu <= LUNG_LIMIT_HU and tissue_hu <= TISSUE_LIMIT_HU:
        return ""
    return f"its intensities differ from the training scans' by {lung_hu:.0f} HU in air, {tissue_hu:.0f} HU in tissue"
