"""Runs a case's models within bounds: enough memory before it starts, an end in time, loaded once.

Neither bound is an error of the program: a scan that needs more memory than there is, or longer than allowed, is
refused with SYS-MEM or SYS-TIME.
"""

import os
import queue
import threading
from pathlib import Path

from node.errors import Code, LungnodeError, Refusal, refuse
from node.segment.contract import LesionModel, LungModel, ModelIdentity, Segmentation
from node.segment.lesions.sureness import AS_THE_MODEL_SAYS, Sureness
from node.segment.memory import available_bytes, is_out_of_memory
from node.segment.registry import load_lesions, load_lungs
from node.segment.whole import LungsThenLesions
from node.volume.volume import Volume

_GIB = 1 << 30
_BYTES_PER_VOXEL = 8  # measured on 600 slices of 512 x 512: 6, the checks that follow included
_BYTES_PER_VOXEL_LESIONS = 16  # measured on 300 slices of 512 x 512 with an allowance for native tiles
_ALWAYS_BYTES = 200 << 20


class WarmModels:
    """Holds loaded models, so that a worker loads each one once."""

    def __init__(
        self,
        models_dir: Path | None = None,
        threads: int = 0,
        limit_s: float = 1800.0,
        sureness: Sureness = AS_THE_MODEL_SAYS,
        device: str = "auto",
    ) -> None:
        self._models_dir = models_dir
        self._threads = threads or os.cpu_count() or 1
        self._limit_s = limit_s
        self._sureness = sureness
        self._device = device
        self._loaded: dict[tuple[str, str | None], BoundedModel] = {}

    def lungs(self, name: str) -> "BoundedModel":
        """Return a lung model, loaded at most once.

        Raises
        ------
        Misconfigured
            SYS-MODEL as `load_lungs`.
        """
        return self.both(name, None)

    def both(self, lungs: str, lesions: str | None) -> "BoundedModel":
        """Return the models of a route as one, each pair loaded at most once.

        Raises
        ------
        Misconfigured
            SYS-MODEL as `load_lungs` and `load_lesions`.
        """
        if (lungs, lesions) not in self._loaded:
            first = load_lungs(lungs, self._models_dir, self._threads, device=self._device)
            then = None if lesions is None else self._lesions(lesions)
            self._loaded[lungs, lesions] = BoundedModel(LungsThenLesions(first, then), self._limit_s)
        return self._loaded[lungs, lesions]

    def _lesions(self, name: str) -> LesionModel:
        return load_lesions(name, self._models_dir, self._threads, self._sureness, device=self._device)


class BoundedModel:
    """A case's models, which refuse what needs too much memory or time."""

    def __init__(self, model: LungModel, limit_s: float, memory_bytes: int | None = None) -> None:
        """Bound a model; `memory_bytes` None asks the system each time what is free."""
        self._model = model if isinstance(model, LungsThenLesions) else LungsThenLesions(model)
        self._limit_s = limit_s
        self._memory_bytes = memory_bytes

    @property
    def identity(self) -> ModelIdentity:
        """Name, version, digest, runtime."""
        return self._model.identity

    @property
    def identities(self) -> tuple[ModelIdentity, ...]:
        """Those of all models that take part, the lungs' first."""
        return self._model.identities

    def segment(self, volume: Volume) -> Segmentation | Refusal:
        """Segment, or refuse with SYS-MEM or SYS-TIME.

        What runs over time cannot be stopped inside a library: it is left to end in a thread of its own, whose answer
        nobody waits for.
        """
        needed = needed_bytes(volume, with_lesions=len(self.identities) > 1)
        free = available_bytes() if self._memory_bytes is None else self._memory_bytes
        if needed > free:
            return _refused(Code.SYS_MEM, f"about {needed / _GIB:.1f} GiB are needed, {free / _GIB:.1f} GiB are free")
        answers: queue.Queue[Segmentation | Refusal | BaseException] = queue.Queue()
        threading.Thread(target=_answer, args=(self._model, volume, answers), daemon=True).start()
        try:
            answer = answers.get(timeout=self._limit_s)
        except queue.Empty:
            return _refused(Code.SYS_TIME, f"{self._what()} were not found within {self._limit_s:.0f} s")
        if isinstance(answer, BaseException) and is_out_of_memory(answer):
            return _refused(
                Code.SYS_MEM, f"memory ran out while {self._what()} were looked for ({needed / _GIB:.1f} GiB)"
            )
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _what(self) -> str:
        return "the lungs" if len(self.identities) == 1 else "the lungs and lesions"


def needed_bytes(volume: Volume, *, with_lesions: bool = False) -> int:
    """Estimate the memory that the models take beside the volume."""
    each = _BYTES_PER_VOXEL_LESIONS if with_lesions else _BYTES_PER_VOXEL
    return _ALWAYS_BYTES + each * int(volume.hu_zyx.size)


def _answer(model: LungModel, volume: Volume, answers: "queue.Queue[Segmentation | Refusal | BaseException]") -> None:
    try:
        answers.put(model.segment(volume))
    except (LungnodeError, MemoryError, RuntimeError, ValueError, TypeError, LookupError, ArithmeticError) as error:
        answers.put(error)


def _refused(code: Code, text: str) -> Refusal:
    return Refusal((refuse(code, text),))
