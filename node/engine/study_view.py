"""One study as it lies in the spool: the facts of its files, read once each, and what is known of its arrival."""

from dataclasses import dataclass, field
from pathlib import Path

import structlog

from node.engine.announced import Expected
from node.facts.folder import group
from node.facts.instance import InstanceFacts
from node.facts.read import Unread, read_facts
from node.facts.series import InstanceFile, SeriesFacts
from node.route.completeness import Arrival, CountAnswer, CountSource, Ending, known_count
from node.route.stack import stack_is_gapless
from node.store.index import StudyArrival

Stamp = tuple[int, int]  # inode and modification time: a corrected file takes the place of the former one


@dataclass(slots=True)
class FactsOfStudy:
    """The facts of a study's files; only files that are new or were replaced are read."""

    _known: dict[Path, tuple[Stamp, InstanceFacts | Unread]] = field(default_factory=dict)

    def series(self, files: tuple[Path, ...]) -> tuple[SeriesFacts, ...]:
        """Return the study's series as they are now."""
        self._known = {path: self._read(path) for path in files if path.exists()}
        readable = [InstanceFile(f, p) for p, (_, f) in self._known.items() if isinstance(f, InstanceFacts)]
        return group(readable)

    def _read(self, path: Path) -> tuple[Stamp, InstanceFacts | Unread]:
        status = path.stat()
        stamp = (status.st_ino, status.st_mtime_ns)
        before = self._known.get(path)
        if before is not None and before[0] == stamp:
            return before
        facts = read_facts(path)
        if isinstance(facts, Unread):
            structlog.get_logger().warning("engine.file_unread", sop_uid=path.stem, code=facts.code.value)
        return stamp, facts


def arrival_of(
    anchor: SeriesFacts,
    study: StudyArrival,
    told: tuple[Expected, ...],
    answers: tuple[CountAnswer, ...],
    *,
    better: SeriesFacts | None = None,
) -> Arrival:
    """Return what `completeness` wants to know of a case.

    Parameters
    ----------
    told : counts that the source gave for series of this study.
    answers : the archive's counts of the anchor series, oldest first.
    better : a series that would be taken instead and may still become whole (`may_grow`).
    """
    ending = Ending(study.last_ended) if study.last_ended else None
    return Arrival(
        n_instances=anchor.n_instances,
        last_arrival_s=study.last_at_s,
        open_associations=study.n_open_associations,
        sender_heard_s=study.sender_heard_at_s or None,
        ending=ending,
        ended_s=study.last_ended_at_s if ending else None,
        gapless=stack_is_gapless(anchor),
        counts=_counts(anchor.series_instance_uid, told, answers),
        awaited=_better(better) if better is not None else _missing(anchor, study, told),
    )


def may_grow(series: SeriesFacts, told: tuple[Expected, ...], answers: tuple[CountAnswer, ...]) -> bool:
    """Say whether more images of a series may come: nobody says that these are all."""
    known = known_count(_counts(series.series_instance_uid, told, answers))
    return known is None or series.n_instances < known.n_instances


def _counts(series_uid: str, told: tuple[Expected, ...], answers: tuple[CountAnswer, ...]) -> tuple[CountAnswer, ...]:
    """Return what the source and the archive said of one series, oldest first."""
    of_plugin = (
        CountAnswer(CountSource.PLUGIN, e.n_instances, e.at_s) for e in told if e.series_instance_uid == series_uid
    )
    return tuple(sorted((*answers, *of_plugin), key=lambda c: c.at_s))


def _better(series: SeriesFacts) -> str:
    return f"more images of series {series.series_instance_uid}, which would be taken instead"


def _missing(anchor: SeriesFacts, study: StudyArrival, told: tuple[Expected, ...]) -> str:
    """Name another series that was announced for this study and is not whole yet, "" where there is none.

    It may be the PET of this CT, or a better reconstruction: beginning without it would mean two results.
    """
    arrived = dict(study.n_by_series)
    others = (e for e in told if e.series_instance_uid != anchor.series_instance_uid)
    for other in others:
        if arrived.get(other.series_instance_uid, 0) < other.n_instances:
            kind = f"{other.modality} series" if other.modality else "series"
            return f"the {kind} {other.series_instance_uid} of this study, announced with {other.n_instances} images"
    return ""
