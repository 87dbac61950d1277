"""The course of a training: epoch after epoch, in phases, until it is over; a checkpoint and the curves after each.

What an epoch is, `train` and `lesion_train` say. All that decides how it goes on stands in the checkpoint, so that a
run that was killed ends in the same curve.
"""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from node.errors import InputRefused
from node.learn import checkpoint
from node.learn.catalogue import Schedule
from node.learn.curves import LesionPoint, Point, write_curves
from node.learn.plateau import Progress
from node.learn.rate import is_own_end, rate
from node.learn.run_folder import CHECKPOINT

P = TypeVar("P", Point, LesionPoint)
_Given = TypeVar("_Given")


@dataclass(frozen=True, slots=True)
class Limit:
    """When a phase ends: after so many epochs without a better one, or after so many in all; None: never for that."""

    patience: int | None
    epochs: int | None = None


@dataclass(frozen=True, slots=True)
class Ended(Generic[P]):
    """How a training ended. `why` is early-stop, epochs or budget; `converged`: where its schedule means it to."""

    why: str
    converged: bool
    points: tuple[P, ...]

    def told(self, best: P, **of_best: object) -> dict[str, object]:
        """Return what `run.json` says of it; `of_best` is what it says of the best epoch beside its Dice."""
        return {
            "state": self.why,
            "converged": self.converged,
            "epochs": len(self.points),
            "best_epoch": best.epoch,
            "best_val_dice": best.val_dice,
            **of_best,
            "minutes": sum(point.seconds for point in self.points) / 60.0,
        }


@dataclass
class Course(Generic[P]):
    """Where a training stands.

    Attributes
    ----------
    limits : of each phase.
    budget_s : seconds of training in all, None for no limit.
    phase_began : the number of the first epoch of this phase.
    points : the epochs that are over.
    """

    out: Path
    schedule: Schedule
    limits: tuple[Limit, ...]
    budget_s: float | None
    optimiser: torch.optim.Optimizer
    progress: Progress = field(init=False)
    phase: int = 0
    phase_began: int = 0
    points: list[P] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.progress = Progress(self.schedule.lr)

    def go(self, epoch: Callable[[], P], keep: Callable[[], None], tell: Callable[[P], None]) -> Ended[P]:
        """Run the remaining epochs."""
        while (why := self._over()) is None:
            point = epoch()
            self.points.append(point)
            keep()
            tell(point)
        return Ended(why, is_own_end(self.schedule, why), tuple(self.points))

    def learn(self, given: Iterable[_Given], n_steps: int, step: Callable[[_Given], float]) -> tuple[float, float]:
        """Take the steps of an epoch, each at its learning rate; return their mean loss and the last rate."""
        losses, lr = [], self.progress.lr
        for done, one in enumerate(given):
            lr = rate(self.schedule, self.progress.lr, len(self.points) + done / n_steps)
            for group in self.optimiser.param_groups:
                group["lr"] = lr
            losses.append(step(one))
        return float(np.mean(losses)), lr

    def descend(self, loss: Tensor) -> float:
        """Move the weights one step down a loss; return it.

        Raises
        ------
        InputRefused
            LOSS-NAN where it is no number: what follows would be learnt from nothing, and look like a result.
        """
        if not bool(torch.isfinite(loss.detach())):
            text = f"the loss of epoch {len(self.points)} is {float(loss.detach())}"
            raise InputRefused("LOSS-NAN", f"{text}; give --precision fp32 or a lower --lr")
        self.optimiser.zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        self.optimiser.step()
        return float(loss.detach())

    def advance(self, score: float) -> bool:
        """Lower the rate or go to the next phase after an epoch's score; tell whether it is the best so far."""
        epoch = len(self.points)
        is_best = score > self.progress.best
        self.progress = self.progress.after(epoch, score, self.schedule)
        if self.phase < len(self.limits) - 1 and self._phase_end(epoch + 1):
            self.phase, self.phase_began = self.phase + 1, epoch + 1
            self.progress = Progress(self.schedule.lr, self.progress.best, self.progress.best_epoch)
        return is_best

    def keep(self, model: nn.Module, **further: object) -> None:
        """Write the checkpoint and the curves."""
        notes = {
            "progress": asdict(self.progress),
            "phase": self.phase,
            "phase_began": self.phase_began,
            **further,
            "points": [asdict(point) for point in self.points],
        }
        checkpoint.save(self.out / CHECKPOINT, model, self.optimiser, notes)
        write_curves(self.out, self.points)

    def resume(self, point: type[P], model: nn.Module) -> dict[str, Any]:
        """Go on where the last whole epoch ended; return the checkpoint's notes, none where there is no checkpoint."""
        if not (self.out / CHECKPOINT).is_file():
            return {}
        notes = checkpoint.load(self.out / CHECKPOINT, model, self.optimiser)
        self.progress = Progress(**notes["progress"])
        self.phase, self.phase_began = notes["phase"], notes.get("phase_began", 0)  # once, lungs' had none
        self.points = [point(**told) for told in notes["points"]]
        return notes

    def _over(self) -> str | None:
        """Return why the training is over, None while it is not."""
        n = len(self.points)
        if self.phase == len(self.limits) - 1 and (why := self._phase_end(n)):
            return why
        if n >= self.schedule.epochs:
            return "epochs"
        spent_s = sum(point.seconds for point in self.points)
        return "budget" if self.budget_s is not None and spent_s >= self.budget_s else None

    def _phase_end(self, n_epochs: int) -> str | None:
        """Return why the phase is over after so many epochs of the training, None while it is not."""
        limit = self.limits[self.phase]
        if limit.patience is not None and self.progress.is_over(limit.patience):
            return "early-stop"
        return "epochs" if limit.epochs is not None and n_epochs - self.phase_began >= limit.epochs else None
