"""Train one tumour system: draw, step, average; validate each epoch; keep the best; resume to the same curve.

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
from node.learn import checkpoint
from node.learn.beginning import Beginning
from node.learn.ema import Average
from node.learn.finite import refuse_not_finite
from node.learn.freeze import freeze
from node.learn.hazy import with_hazy_copies
from node.learn.hounsfield import refuse_other_scale
from node.learn.index import Row, refuse_leakage
from node.learn.lesion_catalogue import LOSSES, LesionEntry, LesionPhase, LesionPlan
from node.learn.lesion_curves import LesionPoint, write_curve
from node.learn.lesion_feed import Given, feed, steps_of_epoch
from node.learn.lesion_score import by_case, by_domain, predict, steering
from node.learn.lesion_set import LesionSet, load, moments
from node.learn.planes import CUBE
from node.learn.plateau import Progress
from node.learn.rate import is_own_end, rate
from node.learn.run_folder import BEST, CHECKPOINT
from node.learn.three_planes import in_three_planes
from node.segment.networks import table
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


@dataclass(frozen=True, slots=True)
class LesionEnded:
    """How a training ended: early-stop, epochs or budget; `converged`: where its schedule means it to."""

    why: str
    converged: bool
    points: tuple[LesionPoint, ...]
    moments_hu: tuple[float, float]


def build(entry: LesionEntry, plan: LesionPlan) -> nn.Module:
    """Build the network of a plan with random weights, and with "no tumour" as what it says at first.

    About one pixel in a hundred is tumour. From 1/2 everywhere the U-Net marked nothing after 180 steps; from 1/100 the
    Dice of what it learnt from stood at 0.31 after 70, for both of the losses tried (0.00 and 0.19 before).
    """
    sizes = {"channels": plan.channels, **plan.sizes}
    network = _of_monai(entry.name, plan.size, sizes) if entry.kind == "monai" else table.build(entry.kind, sizes)
    for head in _heads(network):
        nn.init.constant_(head.get_parameter("bias"), _PRIOR_LOGIT)
    return network


def _of_monai(name: str, size: int, sizes: dict[str, int | bool]) -> nn.Module:
    from node.learn import monai_networks  # noqa: PLC0415  training needs no MONAI

    return monai_networks.build(name, size, sizes)


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
) -> LesionEnded:  # fmt: skip
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
        self.optimiser = torch.optim.Adam(self.model.parameters(), lr=job.plan.schedule.lr)
        self.progress = Progress(job.plan.schedule.lr)
        self.phase, self.phase_began = 0, 0
        self.points: list[LesionPoint] = []
        if (job.out / CHECKPOINT).is_file():
            self._resume()

    def go(self, tell: Callable[[LesionPoint], None]) -> LesionEnded:
        """Run the remaining epochs."""
        while (why := self._over()) is None:
            point = self._epoch(len(self.points))
            self.points.append(point)
            self._keep()
            tell(point)
        return LesionEnded(why, is_own_end(self.job.plan.schedule, why), tuple(self.points), self.moments_hu)

    def _epoch(self, epoch: int) -> LesionPoint:
        """Learn from one epoch and validate the average."""
        started = time.monotonic()
        phase = self.job.plan.phases[self.phase]
        rng = np.random.default_rng((self.job.seed, epoch))
        torch.manual_seed(int(rng.integers(2**31)))
        freeze(self.model, phase.frozen)
        plan, losses, lr = self.job.plan, [], self.progress.lr
        n_steps = steps_of_epoch(self.seen, plan)
        for done, given in enumerate(feed(self.seen, plan, self.prepare, rng)):
            lr = rate(plan.schedule, self.progress.lr, epoch + done / n_steps)
            for group in self.optimiser.param_groups:
                group["lr"] = lr
            losses.append(self._step(given, phase))
        cases = by_case(self.held, predict(self.average.model, self.held, self.job.plan, self.prepare, self.runtime))
        domains = by_domain(cases)
        score = steering(domains, plan.shares)
        self._advance(epoch, score, phase)
        return LesionPoint(
            epoch, phase.name, float(np.mean(losses)), score,
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
        with self.runtime.autocast():
            output = self.model(x) if valid is None else self.model(x, valid)
        loss = LOSSES[phase.loss or self.job.plan.loss](output, given.target.to(self.runtime.device), valid)
        refuse_not_finite(loss, len(self.points))
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.optimiser.step()
        self.average.update(self.model)
        return float(loss.detach())

    def _advance(self, epoch: int, score: float, phase: LesionPhase) -> None:
        """Keep the best weights; lower the rate; go to the next phase."""
        schedule = self.job.plan.schedule
        better = score > self.progress.best
        self.progress = self.progress.after(epoch, score, schedule)
        if better:
            notes = {"epoch": epoch, "val_dice": score, "moments_hu": self.moments_hu}
            checkpoint.save(self.job.out / BEST, self.average.model, None, notes)
        is_last = self.phase == len(self.job.plan.phases) - 1
        if not is_last and (self._phase_is_full(phase, epoch + 1) or self._may_stop(phase)):
            self.phase, self.phase_began = self.phase + 1, epoch + 1
            self.progress = Progress(schedule.lr, self.progress.best, self.progress.best_epoch)

    def _over(self) -> str | None:
        """Return why the training is over, None while it is not."""
        schedule, phases = self.job.plan.schedule, self.job.plan.phases
        n = len(self.points)
        if self.phase == len(phases) - 1:
            if self._may_stop(phases[-1]):
                return "early-stop"
            if self._phase_is_full(phases[-1], n):
                return "epochs"
        if n >= schedule.epochs:
            return "epochs"
        spent_s = sum(point.seconds for point in self.points)
        return "budget" if self.job.budget_s is not None and spent_s >= self.job.budget_s else None

    def _may_stop(self, phase: LesionPhase) -> bool:
        return phase.may_stop and self.progress.is_over(self.job.plan.schedule.patience)

    def _phase_is_full(self, phase: LesionPhase, n_epochs: int) -> bool:
        return phase.epochs is not None and n_epochs - self.phase_began >= phase.epochs

    def _keep(self) -> None:
        """Write the checkpoint and the curve."""
        notes = {
            "progress": asdict(self.progress),
            "phase": self.phase,
            "phase_began": self.phase_began,
            "n_averaged": self.average.n_steps,
            "points": [asdict(point) for point in self.points],
        }
        checkpoint.save(self.job.out / CHECKPOINT, self._both(), self.optimiser, notes)
        write_curve(self.job.out, self.points)

    def _resume(self) -> None:
        """Go on where the last whole epoch ended."""
        path = self.job.out / CHECKPOINT
        notes = checkpoint.notes_of(path)
        checkpoint.load(path, self._both(), self.optimiser)
        self.average.n_steps = notes["n_averaged"]
        self.progress = Progress(**notes["progress"])
        self.phase, self.phase_began = notes["phase"], notes["phase_began"]
        self.points = [LesionPoint(**point) for point in notes["points"]]

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
