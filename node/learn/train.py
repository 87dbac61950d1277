"""Train one lung system: draw, augment, step; validate each epoch; keep the best; see `course` for how it goes on.

Everything random comes from a generator of (seed, epoch), so that an epoch is the same whether the run was interrupted
before it or not.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from node.errors import InputRefused
from node.learn import checkpoint
from node.learn.augment import augment
from node.learn.beginning import Beginning
from node.learn.catalogue import Entry, Phase
from node.learn.course import Course, Ended, Limit
from node.learn.curves import Point
from node.learn.dense_lung import DensePlan
from node.learn.hounsfield import refuse_other_scale
from node.learn.index import Row, narrowed, refuse_leakage
from node.learn.masses import MassPlan
from node.learn.phases import phases_with_rows
from node.learn.protocol import Plan
from node.learn.run_folder import BEST
from node.learn.slice_set import SliceSet, batch, load, spread
from node.learn.validate import lesion_weights, validate
from node.segment.contract import LungDefinition
from node.segment.preprocess.recipes import RECIPES
from node.segment.runtime import Runtime, channels_last

Index = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Job:
    """One training, complete.

    Attributes
    ----------
    definition : which pixels of the ids are the target.
    budget_s : seconds of training in all; over it the run ends and is marked as not converged. None: no limit.
    init : weights to begin with, None for random ones.
    """

    entry: Entry
    plan: Plan
    definition: LungDefinition
    seed: int
    out: Path
    budget_s: float | None = None
    init: Beginning | None = None


def train(
    job: Job, train_rows: tuple[Row, ...], val_rows: tuple[Row, ...], runtime: Runtime, tell: Callable[[Point], None]
) -> Ended[Point]:
    """Train until the early stop, the last epoch or the budget; go on from a checkpoint where there is one.

    Raises
    ------
    InputRefused
        SET-LEAK if a case stands on both sides; SET-EMPTY if either side is empty; LOSS-NAN if the loss is no number.
    """
    refuse_leakage((*train_rows, *val_rows))
    if not train_rows or not val_rows:
        raise InputRefused("SET-EMPTY", f"{len(train_rows)} rows to learn from and {len(val_rows)} to validate on")
    job.out.mkdir(parents=True, exist_ok=True)
    plan = job.plan
    channels, body_only = int(plan.sizes.get("channels", 1)), job.entry.body_only
    seen = load(train_rows, plan.size, body_only=body_only, channels=channels)
    few = spread(val_rows, plan.per_case)
    held = load(few, plan.size, body_only=body_only, channels=channels, pool=val_rows)
    both = ((row.case, hu.min(), hu.max()) for part in (seen, held) for row, hu in zip(part.rows, part.hu, strict=True))
    refuse_other_scale(both)
    return _Run(job, seen, held, runtime).go(tell)


class _Run:
    """What is held while one training goes on: network, slices, course."""

    def __init__(self, job: Job, seen: SliceSet, held: SliceSet, runtime: Runtime) -> None:
        torch.manual_seed(job.seed)
        self.job, self.seen, self.held, self.runtime = job, seen, held, runtime
        self.prepare = RECIPES[job.entry.recipe]
        self.target = _target(job.definition)
        model = job.entry.build(job.plan.sizes)
        if job.init is not None:
            job.init.put_into(model)
        self.model = channels_last(model.to(runtime.device))
        self.phases = phases_with_rows(job.plan.phases, seen.rows, has_learnt=job.init is not None)
        schedule = job.plan.schedule
        limits = tuple(Limit(phase.patience or schedule.patience) for phase in self.phases)
        self.course: Course[Point] = Course(job.out, schedule, limits, job.budget_s, _optimiser(job, self.model))
        self.course.resume(Point, self.model)

    def go(self, tell: Callable[[Point], None]) -> Ended[Point]:
        """Run the remaining epochs."""
        return self.course.go(self._epoch, lambda: self.course.keep(self.model), tell)

    def _epoch(self) -> Point:
        """Learn from one epoch and validate."""
        started = time.monotonic()
        epoch, phase = len(self.course.points), self.phases[self.course.phase]
        rng = np.random.default_rng((self.job.seed, epoch))
        torch.manual_seed(int(rng.integers(2**31)))
        _free_only(self.model, phase)
        plan, draws = self.job.plan, self._draws(rng, phase)
        loss, lr = self.course.learn(draws, len(draws), lambda index: self._step(index, rng))
        score = validate(
            self.model, self.held, self.prepare, self.target, self.job.entry.loss, self.runtime, plan.lesion_weight,
            plan.lesion_reach_px,
        )  # fmt: skip
        if self.course.advance(score.steering):
            checkpoint.save(self.job.out / BEST, self.model, None, {"epoch": epoch, "val_dice": score.dice})
        seconds = time.monotonic() - started
        return Point(epoch, phase.name, loss, score.loss, score.dice, score.steering, score.kept_out, lr, seconds)

    def _draws(self, rng: np.random.Generator, phase: Phase) -> list[Index]:
        """Return the rows of each batch: all of the phase's once, or so many drawn by case."""
        schedule = self.job.plan.schedule
        wanted = {row.id for row in narrowed(self.seen.rows, phase.where)}
        at = np.array([i for i, row in enumerate(self.seen.rows) if row.id in wanted])
        if schedule.slices_per_epoch is None:
            order = rng.permutation(at)
        else:
            weights = self.seen.weights()[at]
            order = rng.choice(at, schedule.slices_per_epoch, p=weights / weights.sum())
        whole = max(len(order) // schedule.batch, 1)
        return np.array_split(order[: whole * schedule.batch], whole)

    def _step(self, index: Index, rng: np.random.Generator) -> float:
        """Take one step and return its loss."""
        drawn = self.job.plan.is_drawn_into
        hu, ids = augment(
            *batch(self.seen, index), rng, dense=DensePlan() if drawn else None, masses=MassPlan() if drawn else None
        )
        x = self.prepare(hu.to(self.runtime.device)).contiguous(memory_format=torch.channels_last)
        with self.runtime.autocast():
            output = self.model(x)
        weight = lesion_weights(ids, self.job.plan.lesion_weight, self.job.plan.lesion_reach_px)
        if weight is not None:
            weight = weight.to(self.runtime.device)
        loss = self.job.entry.loss(output, self.target(ids).to(self.runtime.device), weight)
        return self.course.descend(loss)


def _optimiser(job: Job, model: nn.Module) -> torch.optim.Optimizer:
    """Return the optimiser that the schedule names; P1's ablation has four."""
    kinds: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "adam": torch.optim.Adam,
        "sgd": torch.optim.SGD,
        "adamax": torch.optim.Adamax,
        "rmsprop": torch.optim.RMSprop,
    }
    return kinds[job.plan.schedule.optimiser](model.parameters(), lr=job.plan.schedule.lr)


def _target(definition: LungDefinition) -> Callable[[Tensor], Tensor]:
    """Return the function from ids (see `truth`) to a target of 0 and 1; 255 is what the set outlines."""

    def with_lesions(ids: Tensor) -> Tensor:
        return ((ids == 1) | (ids == 2) | (ids == 4) | (ids == 255)).float()

    def without(ids: Tensor) -> Tensor:
        return ((ids == 1) | (ids == 255)).float()

    return with_lesions if definition is LungDefinition.WITH_LESIONS else without


def _free_only(model: nn.Module, phase: Phase) -> None:
    """Let the phase's parameters move; what is frozen keeps its batch statistics, too."""
    model.train()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not phase.free or name.startswith(phase.free))
    if not phase.free:
        return
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and not name.startswith(phase.free):
            module.eval()
