"""Runs a lung model within bounds: enough memory before it starts, an end in time, loaded once.

Neither bound is an error of the program: a scan that needs more memory than there is, or longer than allowed, is
refused with SYS-MEM or SYS-TIME.
"""

import os
import queue
import threading
from pathlib import Path

from node.errors import Code, LungnodeError, Refusal, refuse
from node.segment.contract import LungModel, ModelIdentity, Segmentation
from node.segment.registry import load_lungs
from node.volume.volume import Volume

_GIB = 1 << 30
_BYTES_PER_VOXEL = 8  # measured on 600 slices of 512 x 512: 6, the checks that follow included
_ALWAYS_BYTES = 200 << 20


class WarmModels:
    """Holds loaded models, so that a worker loads each one once."""

    def __init__(self, models_dir: Path | None = None, threads: int = 0, limit_s: float = 1800.0) -> None:
        self._models_dir = models_dir
        self._threads = threads or os.cpu_count() or 1
        self._limit_s = limit_s
        self._lungs: dict[str, BoundedModel] = {}

    def lungs(self, name: str) -> "BoundedModel":
        """Return a lung model, loaded at most once.

        Raises
        ------
        Misconfigured
            SYS-MODEL as `load_lungs`.
        """
        if name not in self._lungs:
            self._lungs[name] = BoundedModel(load_lungs(name, self._models_dir, self._threads), self._limit_s)
        return self._lungs[name]


class BoundedModel:
    """A lung model that refuses what needs too much memory or time."""

    def __init__(self, model: LungModel, limit_s: float, memory_bytes: int | None = None) -> None:
        """Bound a model; `memory_bytes` None asks the system each time what is free."""
        self._model = model
        self._limit_s = limit_s
        self._memory_bytes = memory_bytes

    @property
    def identity(self) -> ModelIdentity:
        """Name, version, digest, runtime."""
        return self._model.identity

    def segment(self, volume: Volume) -> Segmentation | Refusal:
        """Segment, or refuse with SYS-MEM or SYS-TIME.

        What runs over time cannot be stopped inside a library: it is left to end in a thread of its own, whose answer
        nobody waits for.
        """
        needed = needed_bytes(volume)
        free = available_bytes() if self._memory_bytes is None else self._memory_bytes
        if needed > free:
            return _refused(Code.SYS_MEM, f"about {needed / _GIB:.1f} GiB are needed, {free / _GIB:.1f} GiB are free")
        answers: queue.Queue[Segmentation | Refusal | BaseException] = queue.Queue()
        threading.Thread(target=_answer, args=(self._model, volume, answers), daemon=True).start()
        try:
            answer = answers.get(timeout=self._limit_s)
        except queue.Empty:
            return _refused(Code.SYS_TIME, f"the lungs were not found within {self._limit_s:.0f} s")
        if isinstance(answer, MemoryError):
            return _refused(Code.SYS_MEM, f"memory ran out while the lungs were looked for ({needed / _GIB:.1f} GiB)")
        if isinstance(answer, BaseException):
            raise answer
        return answer


def needed_bytes(volume: Volume) -> int:
    """Estimate the memory that the lungs of a volume take beside the volume."""
    return _ALWAYS_BYTES + _BYTES_PER_VOXEL * int(volume.hu_zyx.size)


def available_bytes() -> int:
    """Return how much memory can be had without swapping."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def _answer(model: LungModel, volume: Volume, answers: "queue.Queue[Segmentation | Refusal | BaseException]") -> None:
    try:
        answers.put(model.segment(volume))
    except (LungnodeError, MemoryError, RuntimeError, ValueError, TypeError, LookupError, ArithmeticError) as error:
        answers.put(error)


def _refused(code: Code, text: str) -> Refusal:
    return Refusal((refuse(code, text),))
