"""What a tumour network is given, step by step: batches of crops, runs or cubes, augmented, as channels.

The gap between slices enters as one more channel, in units of 10 mm.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from node.learn.augment import augment
from node.learn.cube_draws import cubes_of, drawn
from node.learn.lesion_catalogue import LesionPlan
from node.learn.lesion_set import Index, LesionSet, crops
from node.learn.runs import RunBatch, cut_runs, draw, runs
from node.learn.transplants import with_transplants
from node.segment.lesions.net import GAP_UNIT_MM
from node.segment.preprocess.lesion_recipes import Prepare
from node.segment.preprocess.magnify import magnified

_FEET_UP_P = 0.5


@dataclass(frozen=True, slots=True)
class Given:
    """One step.

    Attributes
    ----------
    x : (N, C, H, W), (B, T, C, H, W) for runs, (N, C, D, H, W) for cubes.
    target : the same with one channel, 0 and 1.
    valid : (B, T) bool for runs, None else.
    """

    x: Tensor
    target: Tensor
    valid: Tensor | None = None


def feed(data: LesionSet, plan: LesionPlan, prepare: Prepare, rng: np.random.Generator) -> Iterator[Given]:
    """Yield the steps of one epoch."""
    n_steps = steps_of_epoch(data, plan)
    if plan.cube_depth:
        yield from _of_cubes(data, plan, prepare, rng, n_steps)
    elif plan.run_length:
        yield from _of_runs(data, plan, prepare, rng, n_steps)
    else:
        yield from _of_slices(data, plan, prepare, rng, n_steps)


def steps_of_epoch(data: LesionSet, plan: LesionPlan) -> int:
    """Return how many steps an epoch has."""
    n = len(runs(data)) if plan.cube_depth else len(data)
    return max((plan.schedule.slices_per_epoch or n) // plan.schedule.batch, 1)


def of_run(batch: RunBatch, prepare: Prepare) -> Given:
    """Turn runs into the network's input."""
    b, t, h, w = batch.hu.shape
    x = prepare(batch.hu.reshape(b * t, 1, h, w)).reshape(b, t, -1, h, w)  # (B, T, C, H, W)
    gap = (batch.gap_mm / GAP_UNIT_MM)[:, :, None, None, None].expand(b, t, 1, h, w)
    return Given(torch.cat((x, gap), 2), batch.tumour[:, :, None].float(), batch.valid)


def _of_slices(
    data: LesionSet, plan: LesionPlan, prepare: Prepare, rng: np.random.Generator, n_steps: int
) -> Iterator[Given]:
    once = plan.schedule.slices_per_epoch is None
    odds = data.alone_odds(np.full(len(data), 1.0 / len(data)) if once else data.weights(plan.shares))
    for index in _drawn(data, plan, rng, n_steps):
        alone = rng.random(len(index)) < odds[index]
        hu, tumour = crops(
            data, index, rng, plan.crop_px, neighbours=plan.neighbours, lesion_frac=plan.lesion_frac, alone=alone,
            strides=data.strides(index, rng),
        )  # fmt: skip
        hu = magnified(_with_feet_up(hu, rng), plan.magnify)
        tumour = tumour.repeat_interleave(plan.magnify, 2).repeat_interleave(plan.magnify, 3)
        if plan.has_transplants:
            hu, tumour = with_transplants(hu, tumour, rng)
        hu, tumour = augment(hu, tumour, rng)
        yield Given(prepare(hu), tumour.float())


def _with_feet_up(hu: Tensor, rng: np.random.Generator) -> Tensor:
    """Change what lies above a slice with what lies below it, in half of the crops (N, C, H, W)."""
    turned = torch.from_numpy(rng.random(len(hu)) < _FEET_UP_P)
    return torch.where(turned[:, None, None, None], hu.flip(1), hu)


def _drawn(data: LesionSet, plan: LesionPlan, rng: np.random.Generator, n_steps: int) -> list[Index]:
    """Return the slices of each step: all of them once, or so many drawn by case."""
    batch = plan.schedule.batch
    if plan.schedule.slices_per_epoch is None:
        order = rng.permutation(len(data))[: n_steps * batch]
    else:
        order = rng.choice(len(data), n_steps * batch, p=data.weights(plan.shares))
    return [order[at : at + batch].astype(np.intp) for at in range(0, len(order), batch)]


def _of_cubes(
    data: LesionSet, plan: LesionPlan, prepare: Prepare, rng: np.random.Generator, n_steps: int
) -> Iterator[Given]:
    """Yield changed cubes, each as often as the others."""
    cubes, batch = cubes_of(data), plan.schedule.batch
    n_rounds = -(-n_steps * batch // len(cubes))
    order = np.concatenate([rng.permutation(len(cubes)) for _ in range(n_rounds)])
    shape = (plan.cube_depth, plan.crop_px, plan.crop_px)
    for first in range(0, n_steps * batch, batch):
        hu, nodule = drawn([cubes[at] for at in order[first : first + batch]], rng, shape)
        yield Given(prepare(hu), nodule)


def _of_runs(
    data: LesionSet, plan: LesionPlan, prepare: Prepare, rng: np.random.Generator, n_steps: int
) -> Iterator[Given]:
    all_runs = runs(data)
    n = max(plan.schedule.batch // plan.run_length, 1)
    p = data.weights(plan.shares)
    for _ in range(n_steps):
        drawn = tuple(draw(data, all_runs, rng, plan.run_length, p) for _ in range(n))
        batch = cut_runs(data, drawn, rng, plan.crop_px, length=plan.run_length, lesion_frac=plan.lesion_frac)
        hu, tumour = augment(batch.hu, batch.tumour, rng)  # slices as channels: all of a run are changed alike
        yield of_run(RunBatch(hu, tumour, batch.valid, batch.gap_mm), prepare)
