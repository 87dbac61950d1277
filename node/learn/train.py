"""Train one system: draw, augment, step; validate each epoch; keep the best; resume after a kill to the same curve.

Everything random comes from a generator of (seed, epoch), so that an epoch is the same whether the run was interrupted
before it or not.
"""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
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
from node.learn.curves import Point, write_curves
from node.learn.dense_lung import DensePlan
from node.learn.finite import refuse_not_finite
from node.learn.hounsfield import refuse_other_scale
from node.learn.index import Row, narrowed, refuse_leakage
from node.learn.masses import MassPlan
from node.learn.phases import phases_with_rows
from node.learn.plateau import Progress
from node.learn.protocol import Plan
from node.learn.rate import is_own_end, rate
from node.learn.run_folder import BEST, CHECKPOINT
from node.learn.slice_set import SliceSet, batch, load, spread
from node.learn.validate import Score, lesion_weights, validate
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


@dataclass(frozen=True, slots=True)
class Ended:
    """How a training ended. `why` is early-stop, epochs or budget; `converged`: where its schedule means it to."""

    why: str
    converged: bool
    points: tuple[Point, ...]


def train(
    job: Job, train_rows: tuple[Row, ...], val_rows: tuple[Row, ...], runtime: Runtime, tell: Callable[[Point], None]
) -> Ended:
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
    """What is held while one training goes on: network, optimiser, progress."""

    def __init__(self, job: Job, seen: SliceSet, held: SliceSet, runtime: Runtime) -> None:
        torch.manual_seed(job.seed)
        self.job, self.seen, self.held, self.runtime = job, seen, held, runtime
        self.prepare = RECIPES[job.entry.recipe]
        self.target = _target(job.definition)
        model = job.entry.build(job.plan.sizes)
        if job.init is not None:
            job.init.put_into(model)
        self.model = channels_last(model.to(runtime.device))
        self.optimiser = _optimiser(job, self.model)
        self.progress = Progress(job.plan.schedule.lr)
        self.phases = phases_with_rows(job.plan.phases, seen.rows, has_learnt=job.init is not None)
        self.phase = 0
        self.points: list[Point] = []
        if (job.out / CHECKPOINT).is_file():
            self._resume()

    def go(self, tell: Callable[[Point], None]) -> Ended:
        """Run the remaining epochs."""
        while (why := self._over()) is None:
            point = self._epoch(len(self.points))
            self.points.append(point)
            self._keep()
            tell(point)
        return Ended(why, is_own_end(self.job.plan.schedule, why), tuple(self.points))

    def _epoch(self, epoch: int) -> Point:
        """Learn from one epoch and validate."""
        started = time.monotonic()
        phase = self.phases[self.phase]
        rng = np.random.default_rng((self.job.seed, epoch))
        torch.manual_seed(int(rng.integers(2**31)))
        _free_only(self.model, phase)
        plan, entry = self.job.plan, self.job.entry
        draws, losses, lr = self._draws(rng, phase), [], self.progress.lr
        for done, index in enumerate(draws):
            lr = rate(plan.schedule, self.progress.lr, epoch + done / len(draws))
            for group in self.optimiser.param_groups:
                group["lr"] = lr
            losses.append(self._step(index, rng))
        score = validate(
            self.model, self.held, self.prepare, self.target, entry.loss, self.runtime, plan.lesion_weight,
            plan.lesion_reach_px,
        )  # fmt: skip
        self._advance(epoch, score, phase)
        seconds = time.monotonic() - started
        return Point(
            epoch, phase.name, float(np.mean(losses)), score.loss, score.dice, score.steering, score.kept_out, lr,
            seconds,
        )  # fmt: skip

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
        refuse_not_finite(loss, len(self.points))
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.optimiser.step()
        return float(loss.detach())

    def _advance(self, epoch: int, score: Score, phase: Phase) -> None:
        """Keep the best weights; lower the rate; go to the next phase."""
        schedule = self.job.plan.schedule
        better = score.steering > self.progress.best
        self.progress = self.progress.after(epoch, score.steering, schedule)
        if better:
            checkpoint.save(self.job.out / BEST, self.model, None, {"epoch": epoch, "val_dice": score.dice})
        last = self.phase == len(self.phases) - 1
        if not last and self.progress.is_over(phase.patience or schedule.patience):
            self.phase += 1
            self.progress = Progress(schedule.lr, self.progress.best, self.progress.best_epoch)

    def _over(self) -> str | None:
        """Return why the training is over, None while it is not."""
        schedule, phases = self.job.plan.schedule, self.phases
        if self.phase == len(phases) - 1 and self.progress.is_over(phases[-1].patience or schedule.patience):
            return "early-stop"
        if len(self.points) >= schedule.epochs:
            return "epochs"
        spent_s = sum(point.seconds for point in self.points)
        return "budget" if self.job.budget_s is not None and spent_s >= self.job.budget_s else None

    def _keep(self) -> None:
        """Write the checkpoint and the curves."""
        notes = {
            "progress": asdict(self.progress),
            "phase": self.phase,
            "points": [asdict(point) for point in self.points],
        }
        checkpoint.save(self.job.out / CHECKPOINT, self.model, self.optimiser, notes)
        write_curves(self.job.out, self.points)

    def _resume(self) -> None:
        """Go on where the last whole epoch ended."""
        path = self.job.out / CHECKPOINT
        notes = checkpoint.notes_of(path)
        checkpoint.load(path, self.model, self.optimiser)
        self.progress = Progress(**notes["progress"])
        self.phase = notes["phase"]
        self.points = [Point(**point) for point in notes["points"]]


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
