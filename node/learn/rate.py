"""The learning rate of one step: what the plateau left, or half a cosine over the whole training."""

import math
from collections.abc import Mapping

from node.learn.catalogue import Schedule

_LOWEST = 0.01  # of the first rate, at the end


def rate(schedule: Schedule, plateau_lr: float, epochs_done: float) -> float:
    """Return the learning rate after so many epochs, parts of one included.

    A cosine's first epoch rises in a straight line from a tenth: Adam's second moments are unknown then.
    """
    if schedule.decay == "plateau":
        return plateau_lr
    share = min(epochs_done / schedule.epochs, 1.0)
    cosine = _LOWEST + (1.0 - _LOWEST) * 0.5 * (1.0 + math.cos(math.pi * share))
    return schedule.lr * cosine * min(0.1 + 0.9 * epochs_done, 1.0)


def is_own_end(schedule: Schedule, why: str) -> bool:
    """Whether a training that ended by early-stop, epochs or budget ended where its schedule means it to."""
    return why == "early-stop" or (schedule.decay == "cosine" and why == "epochs")


def ending(schedule: Mapping[str, object], state: str) -> str:
    """Return how a training ended, in words for its card, from what `run.json` says."""
    if state == "early-stop":
        return f"trained until validation had not improved for {schedule['patience']} epochs"
    if state == "epochs" and schedule.get("decay") == "cosine":
        return f"trained through all {schedule['epochs']} epochs of its cosine; more of them were not tried"
    return "**not converged**: training was ended before its schedule's own end"
