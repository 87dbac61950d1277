"""What a training does when validation stops improving: lower the rate, then end. Plain numbers, so that it resumes."""

from dataclasses import dataclass, replace

from node.learn.catalogue import Schedule


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a training stands.

    Attributes
    ----------
    best : the best validation score so far, -1 before the first.
    best_epoch : when it was.
    since_best : epochs without a better one; the early stop counts them.
    since_step : the same since the rate was last lowered.
    """

    lr: float
    best: float = -1.0
    best_epoch: int = -1
    since_best: int = 0
    since_step: int = 0

    def after(self, epoch: int, score: float, schedule: Schedule) -> "Progress":
        """Return the state after one more epoch: eq. lr' = lr x factor on a plateau, kept else."""
        if score > self.best:
            return Progress(self.lr, score, epoch, 0, 0)
        waited = replace(self, since_best=self.since_best + 1, since_step=self.since_step + 1)
        if waited.since_step < schedule.plateau:
            return waited
        return replace(waited, lr=self.lr * schedule.factor, since_step=0)

    def is_over(self, patience: int) -> bool:
        """Whether the early stop has come."""
        return self.since_best >= patience
