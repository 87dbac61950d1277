"""Train one tumour system: draw, step, average; validate each epoch; keep the best; see `course` for how it goes on.

Everything random comes from a generator of (seed, epoch). The weights and their moving average stand in one checkpoint,
so that a kill leaves both or neither.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from node.errors import InputRefused
from node.learn import catalogue, checkpoint
from node.learn.beginning import Beginning
from node.learn.course import Course, Ended, Limit
from node.learn.curves import LesionPoint
from node.learn.ema import Average
from node.learn.freeze import freeze
from node.learn.hazy import with_hazy_copies
from node.learn.hounsfield import refuse_other_scale
from node.learn.index import Row, refuse_leakage
from node.learn.lesion_catalogue import LOSSES, LesionEntry, LesionPhase, LesionPlan
from node.learn.lesion_feed import Given, feed, steps_of_epoch
from node.learn.lesion_score import by_case, by_domain, predict, steering
from node.learn.lesion_set import LesionSet, load, moments
from node.learn.planes import CUBE
from node.learn.run_folder import BEST
from node.learn.three_planes import in_three_planes
from node.segment.preprocess.lesion_recipes import recipe
from node.segment.runtime import Runtime, channels_last

_PRIOR_LOGIT = -4.6  # log(0.01 / 0.99)
# In channels last; narrower, torch 2.13's gradients of P3 write beyond their memory on a CPU with AVX2 alone.
_LEAST_WIDTH = 8


@dataclass(frozen=True, slots=True)
class LesionJob:
    """One training, complete. `init` holds weights to begin with, `budget_s` ends it early."""

    entry: LesionEntry
    plan: LesionPlan
    seed: int
    out: Path
    budget_s: float | None = None
    init: Beginning | None = None


def build(entry: LesionEntry, plan: LesionPlan) -> nn.Module:
    """Build the network of a plan with random weights, and with "no tumour" as what it says at first.

    About one pixel in a hundred is tumour. From 1/2 everywhere the U-Net marked nothing after 180 steps; from 1/100 the
    Dice of what it learnt from stood at 0.31 after 70, for both of the losses tried (0.00 and 0.19 before).
    """
    network = catalogue.build(entry.kind, entry.name, plan.size, {"channels": plan.channels, **plan.sizes})
    for head in _heads(network):
        nn.init.constant_(head.get_parameter("bias"), _PRIOR_LOGIT)
    return network


def _heads(network: nn.Module) -> list[nn.Module]:
    """Return the layers that say tumour: ours are called head, MONAI's are convolutions to one channel."""
    named = dict(network.named_children())
    if "head" in named:
        return [named["head"]]
    kinds = (nn.Conv2d, nn.ConvTranspose3d)
    return [m for m in network.modules() if isinstance(m, kinds) and m.out_channels == 1 and m.bias is not None]


def train(
    job: LesionJob, train_rows: tuple[Row, ...], val_rows: tuple[Row, ...], runtime: Runtime,
    tell: Callable[[LesionPoint], None],
) -> Ended[LesionPoint]:  # fmt: skip
    """Train until the early stop, the last epoch or the budget; go on from a checkpoint where there is one.

    Raises
    ------
    InputRefused
        SET-LEAK if a case stands on both sides; SET-EMPTY if either side is empty; LOSS-NAN if the loss is
        no number.
    """
    refuse_leakage((*train_rows, *val_rows))
    if {row.case for row in train_rows} & {row.case for row in val_rows}:
        raise InputRefused("SET-LEAK", "a case stands among those to learn from and those to validate on")
    seen, held = load(train_rows, job.plan.size), load(val_rows, job.plan.size)
    seen = with_hazy_copies(seen, job.seed) if job.plan.hazy_copies else seen
    seen = in_three_planes(seen) if job.plan.three_planes else seen
    if not len(seen) or not len(held):
        raise InputRefused("SET-EMPTY", f"{len(seen)} slices to learn from and {len(held)} to validate on")
    whole = (one for part in (seen, held) for one in part.planes if one.domain != CUBE)  # a cube may show lung alone
    refuse_other_scale((one.case, one.hu_yx.min(), one.hu_yx.max()) for one in whole)
    job.out.mkdir(parents=True, exist_ok=True)
    return _Run(job, seen, held, runtime).go(tell)


class _Run:
    """What is held while one training goes on."""

    def __init__(self, job: LesionJob, seen: LesionSet, held: LesionSet, runtime: Runtime) -> None:
        torch.manual_seed(job.seed)
        self.job, self.seen, self.held, self.runtime = job, seen, held, runtime
        self.moments_hu = _moments(job, seen)
        self.prepare = recipe(job.plan.recipe, *self.moments_hu)
        self.model = build(job.entry, job.plan)
        if job.init is not None:
            job.init.put_into(self.model)
        self.model = self.model.to(runtime.device)
        self.is_channels_last = job.plan.sizes["width"] >= _LEAST_WIDTH
        if self.is_channels_last:
            self.model = channels_last(self.model)
        self.average = Average(self.model, job.plan.average)
        schedule = job.plan.schedule
        limits = tuple(Limit(schedule.patience if phase.may_stop else None, phase.epochs) for phase in job.plan.phases)
        optimiser = torch.optim.Adam(self.model.parameters(), lr=schedule.lr)
        self.course: Course[LesionPoint] = Course(job.out, schedule, limits, job.budget_s, optimiser)
        self.average.n_steps = self.course.resume(LesionPoint, self._both()).get("n_averaged", 0)

    def go(self, tell: Callable[[LesionPoint], None]) -> Ended[LesionPoint]:
        """Run the remaining epochs."""
        return self.course.go(self._epoch, self._keep, tell)

    def _epoch(self) -> LesionPoint:
        """Learn from one epoch and validate the average."""
        started = time.monotonic()
        epoch, plan = len(self.course.points), self.job.plan
        phase = plan.phases[self.course.phase]
        rng = np.random.default_rng((self.job.seed, epoch))
        torch.manual_seed(int(rng.integers(2**31)))
        freeze(self.model, phase.frozen)
        given = feed(self.seen, plan, self.prepare, rng)
        loss, lr = self.course.learn(given, steps_of_epoch(self.seen, plan), lambda one: self._step(one, phase))
        cases = by_case(self.held, predict(self.average.model, self.held, plan, self.prepare, self.runtime))
        domains = by_domain(cases)
        score = steering(domains, plan.shares)
        if self.course.advance(score):
            notes = {"epoch": epoch, "val_dice": score, "moments_hu": self.moments_hu}
            checkpoint.save(self.job.out / BEST, self.average.model, None, notes)
        return LesionPoint(
            epoch, phase.name, loss, score,
            _mean([case.pooled_dice for case in cases]),
            sum(domain.n_empty_marked for domain in domains.values()), lr, time.monotonic() - started,
            {name: asdict(domain) for name, domain in domains.items()},
        )  # fmt: skip

    def _step(self, given: Given, phase: LesionPhase) -> float:
        """Take one step and return its loss."""
        valid = None if given.valid is None else given.valid.to(self.runtime.device)
        x = given.x.to(self.runtime.device)
        if x.ndim == 4 and self.is_channels_last:
            x = x.contiguous(memory_format=torch.channels_last)
        elif self.job.plan.cube_depth:
            x = x.contiguous(memory_format=torch.channels_last_3d)
        with self.runtime.autocast():
            output = self.model(x) if valid is None else self.model(x, valid)
        target = given.target.to(self.runtime.device)
        loss = self.course.descend(LOSSES[phase.loss or self.job.plan.loss](output, target, valid))
        self.average.update(self.model)
        return loss

    def _keep(self) -> None:
        self.course.keep(self._both(), n_averaged=self.average.n_steps)

    def _both(self) -> nn.ModuleDict:
        return nn.ModuleDict({"now": self.model, "average": self.average.model})


def _moments(job: LesionJob, seen: LesionSet) -> tuple[float, float]:
    """Return mean and deviation of the rows, or those that the weights to begin with learnt with."""
    if job.plan.recipe == "zscore" and job.init is not None and job.init.moments_hu is not None:
        return job.init.moments_hu
    return moments(seen)


def _mean(values: list[float | None]) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else 0.0
