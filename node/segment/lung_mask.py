"""From a series in the usual view to one lung mask: the network slice by slice, then what holds in three dimensions."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.segment.contract import LungDefinition
from node.segment.postprocess.airways_off import without_airways
from node.segment.postprocess.continuity import smoothed
from node.segment.postprocess.density_border import at_density_border
from node.segment.postprocess.domes_off import without_domes
from node.segment.postprocess.holes import filled
from node.segment.postprocess.recesses import with_recesses
from node.segment.postprocess.sure_dense import without_unsure_dense
from node.segment.postprocess.thorax import thorax_only
from node.segment.preprocess.body import body
from node.segment.preprocess.histogram import Cdf, cdf_of, is_foreign
from node.segment.slice_runner import SliceRunner

_HOLE_MM2 = 600.0  # vessels, bronchi and nodules inside the pleura; P1 only
_EVERY = 4  # slices that a series' histogram is taken from


@dataclass(frozen=True, slots=True)
class MaskPlan:
    """What decides a mask beside the network.

    Attributes
    ----------
    definition : P1's lung has its holes filled.
    threshold : probability from which a pixel is lung.
    reference : the training rows' CDF where the system matches histograms (P0), else None.
    gated : whether only the large connected parts are kept and airways taken off (off for the ablation).
    density_border : whether the border is drawn anew where the density says.
    domes_off : whether organs under the diaphragm are taken off.
    sure_dense : probability that a core of each dense piece must have, or the piece is taken off; 0: none is.
    recesses : whether aerated pieces that only the rules have are lung.
    """

    definition: LungDefinition
    threshold: float = 0.5
    reference: Cdf | None = None
    gated: bool = True
    density_border: bool = False
    domes_off: bool = False
    sure_dense: float = 0.0
    recesses: bool = False


def lung_mask(
    hu: NDArray[np.int16],
    spacing_mm: tuple[float, float, float],
    runner: SliceRunner,
    plan: MaskPlan,
    by_rules: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Find the lungs of a series.

    Parameters
    ----------
    hu : (head, back, left) int16, HU.
    spacing_mm : mm, the same order.
    by_rules : the rules' lungs, the same grid, which the plan's recesses are taken from; single slices have none.
    """
    p = smoothed(runner.probabilities(hu, _matching(hu, plan.reference)), spacing_mm[0])
    mask = p >= round(255.0 * plan.threshold)
    if plan.sure_dense:
        mask = without_unsure_dense(mask, p, hu, plan.sure_dense)
    if plan.density_border and len(hu) > 1:
        mask = at_density_border(mask, hu, spacing_mm[1])
    if plan.gated and len(hu) > 1:  # one slice has no third dimension to hold together in
        mask = without_airways(mask, hu, spacing_mm)
    if plan.definition is LungDefinition.WITH_LESIONS:
        mask = filled(mask, spacing_mm[1] * spacing_mm[2], _HOLE_MM2)
    if plan.domes_off and len(hu) > 1:
        mask = without_domes(mask, hu, spacing_mm)
    if plan.gated and len(hu) > 1:
        mask = thorax_only(mask, float(np.prod(spacing_mm)) / 1000.0)
    if plan.recesses and by_rules is not None:
        mask = with_recesses(mask, by_rules, hu, spacing_mm)
    return mask


def series_cdf(hu: NDArray[np.int16]) -> Cdf:
    """Return the CDF inside the body of every fourth slice."""
    chosen = hu[::_EVERY].astype(np.float32)
    return cdf_of(np.concatenate([hu_yx[body(hu_yx)] for hu_yx in chosen]))


def _matching(hu: NDArray[np.int16], reference: Cdf | None) -> tuple[Cdf, Cdf] | None:
    """Return the pair of CDFs for equation 9, None where the series lies inside the reference domain."""
    if reference is None:
        return None
    source = series_cdf(hu)
    return (source, reference) if is_foreign(source, reference) else None
