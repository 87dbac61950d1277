"""The archives' counts of series that are being waited for, asked in the background: a silent archive delays nobody."""

import queue
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

import structlog

from node.archive.endpoint import Endpoint
from node.archive.questions import count_series
from node.errors import LungnodeError
from node.route.completeness import COUNTS_APART_S, CountAnswer, CountSource

_AFTER_FAILURE_S = 30.0
_FORGET_AFTER_S = 3600.0  # what nobody wanted to know for so long; a case that waits asks far more often
_KEPT = 4  # answers per series; two that agree decide


@dataclass(frozen=True, slots=True)
class AskedArchive:
    """One archive and whose series it knows (empty: everybody's)."""

    name: str
    endpoint: Endpoint
    sources: tuple[str, ...]


@dataclass(slots=True)
class _Asked:
    wanted_s: float
    answers: list[CountAnswer] = field(default_factory=list)
    not_before_s: float = 0.0
    running: bool = False


class Counts:
    """What the archives said so far, and the next question where it is due."""

    def __init__(self, archives: tuple[AskedArchive, ...], *, count: Callable[..., int | None] = count_series) -> None:
        self._archives = archives
        self._count = count
        self._asked: dict[tuple[str, str], _Asked] = {}
        self._pool = ThreadPoolExecutor(2, thread_name_prefix="counts")
        self.news: queue.SimpleQueue[str] = queue.SimpleQueue()  # studies about which something was answered

    @property
    def asks_anybody(self) -> bool:
        """Whether there is an archive to ask."""
        return bool(self._archives)

    def answers(self, study_uid: str, series_uid: str, calling_ae: str) -> tuple[CountAnswer, ...]:
        """Return the answers about a series, oldest first, and ask again where it is time."""
        archive = next((a for a in self._archives if not a.sources or calling_ae in a.sources), None)
        if archive is None:
            return ()
        now_s = time.time()
        if (study_uid, series_uid) not in self._asked:
            self._asked = {k: a for k, a in self._asked.items() if now_s - a.wanted_s < _FORGET_AFTER_S}
        asked = self._asked.setdefault((study_uid, series_uid), _Asked(now_s))
        asked.wanted_s = now_s
        if not asked.running and now_s >= asked.not_before_s:
            asked.running = True
            self._pool.submit(partial(self._ask, archive, asked, study_uid, series_uid))
        return tuple(asked.answers)

    def close(self) -> None:
        """Ask no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _ask(self, archive: AskedArchive, asked: _Asked, study_uid: str, series_uid: str) -> None:
        apart_s = _AFTER_FAILURE_S  # whatever goes wrong: an archive must not be asked at every look
        try:
            n_instances = self._count(archive.endpoint, study_uid, series_uid)
            apart_s = COUNTS_APART_S
            if n_instances is not None:
                asked.answers = [*asked.answers, CountAnswer(CountSource.ARCHIVE, n_instances, time.time())][-_KEPT:]
        except LungnodeError as error:
            structlog.get_logger().warning("engine.archive_silent", study_uid=study_uid, code=error.code)
        finally:
            asked.not_before_s = time.time() + apart_s
            asked.running = False
            self.news.put(study_uid)
