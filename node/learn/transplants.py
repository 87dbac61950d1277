"""Lesions of one training crop transplanted into the lung of another: few patients' lesions in many lungs.

Ours, for every tumour network of single slices alike: with 36 patients a network soon knows which lung has a tumour.
What is transplanted is the lesion with a rim of what surrounded it, turned by right angles and mirrored; the lung's
own walls and vessels stay in front of it. A crop that stands for its own neighbours (`LesionSet.alone_odds`) gives to
its like only, and gets the lesion's own slice in all channels: else channels that differ, or do not, would tell where
the lesion is.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

_AIR_HU = -1024.0


@dataclass(frozen=True, slots=True)
class TransplantPlan:
    """How often, how large, and into what."""

    p: float = 0.3  # of a crop
    half_px: int = 28  # a lesion that reaches farther from its drawn pixel stays at home: it belongs to its wall
    fewest_px: int = 12
    rim_px: int = 2
    lung_hu: tuple[float, float] = (-920.0, -650.0)  # mean over 9 x 9 pixels, where its middle may come to lie
    wall_hu: float = -300.0  # what is denser in the receiving slice is no place for a tumour


def with_transplants(
    hu: Tensor, tumour: Tensor, rng: np.random.Generator, plan: TransplantPlan = TransplantPlan()
) -> tuple[Tensor, Tensor]:
    """Transplant lesions between the crops of one step.

    Parameters
    ----------
    hu : (N, C, H, W) float32, HU; the middle channel is the slice whose tumour is outlined.
    tumour : (N, 1, H, W) uint8, 0 and 1.
    rng : where every draw comes from.
    """
    given_hu, given_tumour = hu, tumour
    hu, tumour = hu.clone(), tumour.clone()
    donors = [i for i in range(len(hu)) if bool(given_tumour[i].any())]
    alone = [bool((crop == crop[len(crop) // 2]).all()) for crop in given_hu]
    for i in range(len(hu)):
        others = [j for j in donors if j != i and (alone[i] or not alone[j])]
        if rng.random() < plan.p and others:
            j = others[int(rng.integers(len(others)))]
            middle = len(given_hu[j]) // 2
            picture = given_hu[j, middle].expand_as(given_hu[j]) if alone[i] else given_hu[j]
            graft = _graft(picture, given_tumour[j, 0], rng, plan)
            place = _place(given_hu[i, middle], rng, plan)
            if graft is not None and place is not None:
                _insert(hu[i], tumour[i, 0], *graft, place, plan)
    return hu, tumour


def _graft(
    hu_cyx: Tensor, tumour_yx: Tensor, rng: np.random.Generator, plan: TransplantPlan
) -> tuple[Tensor, Tensor] | None:
    """Cut a lesion out, turned: pictures (C, s, s) and mask (s, s); None where it is too small or too large."""
    pixels = tumour_yx.nonzero()
    y, x = pixels[int(rng.integers(len(pixels)))].tolist()
    half = plan.half_px
    around = (half, half, half, half)
    mask = F.pad(tumour_yx, around)[y : y + 2 * half + 1, x : x + 2 * half + 1]
    turns, mirrored = int(rng.integers(4)), bool(rng.random() < 0.5)
    edge = torch.cat((mask[0], mask[-1], mask[:, 0], mask[:, -1]))
    if int(mask.sum()) < plan.fewest_px or bool(edge.any()):
        return None
    picture = F.pad(hu_cyx, around, value=_AIR_HU)[:, y : y + 2 * half + 1, x : x + 2 * half + 1]
    if mirrored:
        picture, mask = picture.flip(-1), mask.flip(-1)
    return picture.rot90(turns, (-2, -1)), mask.rot90(turns, (-2, -1))


def _place(hu_yx: Tensor, rng: np.random.Generator, plan: TransplantPlan) -> tuple[int, int] | None:
    """Draw a pixel in the lung of a slice."""
    mean_hu = F.avg_pool2d(hu_yx[None, None], 9, stride=1, padding=4, count_include_pad=False)[0, 0]
    low, high = plan.lung_hu
    pixels = ((mean_hu > low) & (mean_hu < high) & _is_enclosed(hu_yx > plan.wall_hu)).nonzero()
    if not len(pixels):
        return None
    y, x = pixels[int(rng.integers(len(pixels)))].tolist()
    return y, x


def _is_enclosed(wall_yx: Tensor) -> Tensor:
    """Return what has a wall above, below, left and right of it: lung, not the air round the patient."""
    enclosed = torch.ones_like(wall_yx)
    for axis in (0, 1):
        for seen in (wall_yx, wall_yx.flip(axis)):
            behind = seen.int().cummax(axis).values.bool()
            enclosed &= behind if seen is wall_yx else behind.flip(axis)
    return enclosed


def _insert(
    hu_cyx: Tensor, tumour_yx: Tensor, picture: Tensor, mask: Tensor, place: tuple[int, int], plan: TransplantPlan
) -> None:
    """Lay a lesion into a crop, in place; what is denser there stays in front."""
    half, (height, width) = plan.half_px, tumour_yx.shape
    y, x = place
    here = (slice(max(y - half, 0), min(y + half + 1, height)), slice(max(x - half, 0), min(x + half + 1, width)))
    there = tuple(
        slice(part.start - middle + half, part.stop - middle + half) for part, middle in zip(here, place, strict=True)
    )
    wide = F.max_pool2d(mask[None, None].float(), 2 * plan.rim_px + 1, stride=1, padding=plan.rim_px)
    share = F.avg_pool2d(wide, 3, stride=1, padding=1)[0, 0][there]
    receiving = hu_cyx[:, here[0], here[1]]
    is_wall = receiving[len(receiving) // 2] > plan.wall_hu
    blended = receiving + share * (picture[:, there[0], there[1]] - receiving)
    hu_cyx[:, here[0], here[1]] = torch.where(receiving > plan.wall_hu, torch.maximum(receiving, blended), blended)
    tumour_yx[here] |= (mask[there] > 0).to(tumour_yx.dtype) * (~is_wall).to(tumour_yx.dtype)
