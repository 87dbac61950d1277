"""Judging a variant: the same SOP Instance UID arrived with other bytes (standards 4.4).

    same pixels and geometry, same identity    → DUPLICATE    dropped (a re-send in another transfer syntax)
    same pixels and geometry, other identity   → ID-CHANGED   becomes the current file, the former one is superseded
    other pixels or geometry, or unreadable    → ID-DUPDIFF   kept in quarantine

Nothing is overwritten: each step links or renames, and a judgement that was cut short is repeated with the same end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from node.errors import InputRefused
from node.facts.instance import InstanceFacts
from node.store.durable import flush_folder, link_new, move, remove
from node.store.layout import SUFFIX, InstanceUids, Layout, current_path, numbered_path, uids_of


class Judgement(StrEnum):
    """What a variant turned out to be."""

    DUPLICATE = "duplicate"
    CHANGED = "ID-CHANGED"
    DIFFERENT = "ID-DUPDIFF"


@dataclass(frozen=True, slots=True)
class Settled:
    """One judged variant: what it was, the file that is current now, and where the other one went."""

    uids: InstanceUids  # as the variant's own data set says
    judgement: Judgement
    current: Path
    other: Path | None  # quarantined or superseded; None where a duplicate was dropped


Digest = Callable[[Path], str]  # of the decoded stored pixels, geometry and rescale; raises InputRefused
ReadFacts = Callable[[Path], InstanceFacts]  # raises InputRefused


def settle(layout: Layout, variant: Path, digest: Digest, read_facts: ReadFacts) -> Settled:
    """Judge one file against the current one of its SOP Instance UID and put it where it belongs.

    Parameters
    ----------
    layout : the folders
    variant : a file below `spool/variants`
    digest : what must be equal for two files to show the same, the same in every lossless transfer syntax
    read_facts : the header, for the identity
    """
    return settle_pair(layout, current_path(layout.studies, uids_of(variant)), variant, digest, read_facts)


def settle_pair(layout: Layout, current: Path, later: Path, digest: Digest, read_facts: ReadFacts) -> Settled:
    """Judge `later` against `current`; they may lie in different studies, where a correction moved the instance."""
    uids = uids_of(later)
    if not current.exists():  # retention was faster, or a former judgement was cut short behind its first step
        return Settled(uids, Judgement.CHANGED, _promote(layout, later, uids), None)
    judgement = _judge(current, later, digest, read_facts)
    if judgement is Judgement.DUPLICATE:
        remove(later)
        return Settled(uids, judgement, current, None)
    if judgement is Judgement.DIFFERENT:
        return Settled(uids, judgement, current, _move_numbered(later, layout.quarantine, uids))
    former = _keep_numbered(current, layout.superseded, uids_of(current))
    target = _promote(layout, later, uids)
    if target != current:
        remove(current)
    return Settled(uids, judgement, target, former)


def waiting(layout: Layout) -> tuple[Path, ...]:
    """Return the variants that have not been judged, oldest number first."""
    return tuple(sorted(layout.variants.glob(f"*/*/*{SUFFIX}")))


def _judge(current: Path, later: Path, digest: Digest, read_facts: ReadFacts) -> Judgement:
    """Compare pixels first, then identity; what cannot be read is never taken to be the same."""
    try:
        if digest(current) != digest(later):
            return Judgement.DIFFERENT
        if _identity(read_facts(current)) != _identity(read_facts(later)):
            return Judgement.CHANGED
    except InputRefused:
        return Judgement.DIFFERENT
    return Judgement.DUPLICATE


def _identity(facts: InstanceFacts) -> tuple[str, ...]:
    """Return what a correction in an archive may change: the patient, the study, the series, the order."""
    return (
        *facts.patient.identity,
        facts.patient.patient_name,
        facts.study_instance_uid,
        facts.series_instance_uid,
        facts.accession_number,
        facts.study_date,
    )


def _promote(layout: Layout, later: Path, uids: InstanceUids) -> Path:
    """Make `later` the current file of its UIDs."""
    target = current_path(layout.studies, uids)
    if later != target:
        move(later, target)
    return target


def _move_numbered(path: Path, root: Path, uids: InstanceUids) -> Path:
    """Move a file to the first free number below `root`."""
    target = _keep_numbered(path, root, uids)
    remove(path)
    return target


def _keep_numbered(path: Path, root: Path, uids: InstanceUids) -> Path:
    """Give a file a further name below `root`; the one it already has there, after a cut."""
    number = 1
    while not link_new(path, target := numbered_path(root, uids, number)):
        if target.samefile(path):
            break
        number += 1
    flush_folder(target.parent)
    return target
