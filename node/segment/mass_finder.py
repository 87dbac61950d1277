"""Completes the masses of the lungs: by what the other lung shows, and by a tumour network asked near them.

Which network stands in the folder of an ensemble, as `masses`.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from node.errors import Misconfigured
from node.segment.aorta import descending_aorta
from node.segment.box import box_of
from node.segment.contract import ModelIdentity, Task
from node.segment.lesions.model import LoadedNet, load_net
from node.segment.model_card import ModelCard
from node.segment.postprocess.domes_off import TISSUE_HU
from node.segment.postprocess.masses import dense_cores, missing_of_masses
from node.segment.postprocess.mirrored_masses import missing_by_mirror
from node.segment.runtime import Runtime, runtime
from node.segment.working_grid import WorkingGrid

TUMOUR_P = 0.3  # below what a mark needs: what is added is bounded otherwise; from 0.2 tissue beside a lesion comes in
_BEYOND_MM = 30.0  # how far the network's window reaches beyond the lungs, as when it looks for lesions
_NEAREST_MM = 60.0  # from which a lung's side is taken; what is missing lies on lung
_REACH_MM = 15.0  # how far above and below a core the network is asked: half of what the closing fills

Hu = NDArray[np.int16]
Labels = NDArray[np.uint8]
Mask = NDArray[np.bool_]


def load_mass_finder(card: ModelCard, threads: int = 0, place: Runtime | None = None) -> "MassFinder":
    """Load a verified lesion network for this.

    Raises
    ------
    Misconfigured
        SYS-MODEL where it is no single network that finds lesions, or does not fit this program.
    """
    if Task.LESIONS not in card.tasks or card.kind == "ensemble":
        raise Misconfigured(
            "SYS-MODEL", f"model {card.name!r} completes no masses: name one network that finds lesions"
        )
    if threads:
        torch.set_num_threads(threads)
    place = place or runtime()
    identity = ModelIdentity(card.name, card.version, card.digest, Task.LESIONS, place.name)
    return MassFinder(identity, load_net(card, place))


class MassFinder:
    """One tumour network, warm; `train_cases` are the patients that it learnt from."""

    def __init__(self, identity: ModelIdentity, loaded: LoadedNet) -> None:
        self.identity = identity
        self.train_cases = loaded.train_cases
        self._net = loaded.net

    def completed(self, labels: Labels, hu: Hu, grid: WorkingGrid) -> Labels:
        """Return the lungs with their masses whole and without the aorta.

        What is added has the side of the lung next to it. Nothing is changed where the lungs hold nothing dense that
        is thicker than a vessel.

        Parameters
        ----------
        labels, hu : (head, back, left) uint8 and int16, the scan along its working axes.
        grid : of the scan.
        """
        small, small_hu = grid.sampled(labels), grid.sampled(hu)
        if not dense_cores(small > 0, small_hu, grid.spacing_mm).any():
            return labels
        mean_hu = grid.reduce(hu)
        aorta = descending_aorta(mean_hu, small, grid.spacing_mm)
        small = np.where(aorta & (small_hu >= TISSUE_HU), 0, small).astype(np.uint8)
        labels = np.where(grid.enlarged(aorta) & (hu >= TISSUE_HU), 0, labels).astype(np.uint8)
        labels = self._with_tumours(labels, small, hu, aorta, grid)
        small = grid.sampled(labels)
        by_mirror = missing_by_mirror(small > 0, mean_hu, aorta, grid.spacing_mm)
        return _without_pinholes(_with(labels, by_mirror, small, hu, grid), labels)

    def _with_tumours(self, labels: Labels, small: Labels, hu: Hu, aorta: Mask, grid: WorkingGrid) -> Labels:
        """Return the lungs with what the network calls tumour and hangs on their dense pieces."""
        small_hu = grid.sampled(hu)
        cores = dense_cores(small > 0, small_hu, grid.spacing_mm)
        if not cores.any():
            return labels
        tumour = grid.sampled(self._probabilities(labels, hu, grid, cores)) >= round(255.0 * TUMOUR_P)
        tumour &= ~aorta
        return _with(labels, missing_of_masses(small, cores, small_hu, tumour, grid.spacing_mm), small, hu, grid)

    def _probabilities(self, labels: Labels, hu: Hu, grid: WorkingGrid, cores: Mask) -> NDArray[np.uint8]:
        """Ask the network about the slices near the cores; 0 elsewhere."""
        answer = np.zeros(hu.shape, np.uint8)
        spacing_mm = grid.full_spacing_mm
        wanted = np.repeat(cores.any((1, 2)), grid.factors[0])[: len(hu)]
        wanted = ndimage.binary_dilation(wanted, iterations=max(1, round(_REACH_MM / spacing_mm[0])))
        lungs = box_of(labels > 0)
        if lungs is None:
            return answer
        first, last = np.nonzero(wanted)[0][[0, -1]]
        beside = max(1, round(self._net.plan.step_mm / spacing_mm[0])) * self._net.plan.neighbours
        z = slice(max(int(first) - beside, 0), int(last) + 1 + beside)
        y, x = (
            slice(max(one.start - int(_BEYOND_MM / mm), 0), min(one.stop + int(_BEYOND_MM / mm), n))
            for one, mm, n in zip(lungs[1:], spacing_mm[1:], hu.shape[1:], strict=True)
        )
        answer[z, y, x] = self._net.probabilities(hu[z], spacing_mm[0], (y, x), wanted[z], None)
        return answer


def _with(labels: Labels, missing: Mask, small: Labels, hu: Hu, grid: WorkingGrid) -> Labels:
    """Return the labels with the tissue that is missing on the working grid."""
    if not missing.any():
        return labels
    added = grid.enlarged(_sided(missing, small, grid))
    return np.where((labels == 0) & (hu >= TISSUE_HU), added, labels)


def _without_pinholes(labels: Labels, before: Labels) -> Labels:
    """Return the labels with what is no wider than two pixels between what was added and the rest."""
    added = np.where(before == 0, labels, 0)
    beside = ndimage.grey_dilation(added, size=(1, 3, 3))
    whole = labels.copy()
    for z in np.nonzero(added.any((1, 2)))[0]:
        holes = ndimage.binary_closing(labels[z] > 0) & (labels[z] == 0)
        whole[z] = np.where(holes, beside[z], labels[z])
    return whole


def _sided(missing: Mask, labels: Labels, grid: WorkingGrid) -> Labels:
    """Return the labels of what is missing, those of the nearest lung."""
    answer = np.zeros_like(labels)
    box = box_of(missing, int(np.ceil(_NEAREST_MM / min(grid.spacing_mm))) + 1)
    if box is not None:
        nearest = ndimage.distance_transform_edt(
            labels[box] == 0, grid.spacing_mm, return_distances=False, return_indices=True
        )
        answer[box] = np.where(missing[box], labels[box][tuple(nearest)], 0)
    return answer
