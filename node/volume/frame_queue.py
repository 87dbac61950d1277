"""Frames that nobody works on yet, handed out in jobs that shrink towards the end, so that all end together."""

from collections.abc import Sequence

Job = tuple[int, int]  # first frame, number of frames

MOST_FRAMES_PER_JOB = 4
_SHARE = 4  # a job is at most this part of what is left per process


class FrameQueue:
    """Helpers take from the front, the process that has the queue from the back."""

    def __init__(self, n_frames: int, n_processes: int) -> None:
        self._begin, self._end, self._n_processes = 0, n_frames, n_processes
        self._returned: list[Job] = []

    def __bool__(self) -> bool:
        return self._begin < self._end or bool(self._returned)

    def take_first(self) -> Job | None:
        """Return the next frames, None if none are left."""
        if self._returned:
            return self._returned.pop()
        n = self._size()
        self._begin += n
        return (self._begin - n, n) if n else None

    def take_last(self) -> Job | None:
        """Return the last frames, None if none are left."""
        if self._returned:
            return self._returned.pop()
        n = self._size()
        self._end -= n
        return (self._end, n) if n else None

    def give_back(self, jobs: Sequence[Job]) -> None:
        """Take jobs back that were not done."""
        self._returned.extend(jobs)

    def _size(self) -> int:
        n = self._end - self._begin
        return min(n, max(1, min(MOST_FRAMES_PER_JOB, n // (_SHARE * self._n_processes))))
