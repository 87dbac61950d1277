"""Judging what arrived again under a known SOP Instance UID with other bytes, before any case is decided on it."""

from pathlib import Path

from node.errors import InputRefused
from node.facts.instance import InstanceFacts
from node.facts.read import Unread, read_facts
from node.facts.series import InstanceFile, SeriesFacts
from node.store.index import Index
from node.store.layout import Layout
from node.store.settle import Settled, settle, settle_pair, waiting


def judge_all(layout: Layout, index: Index) -> tuple[Settled, ...]:
    """Judge every variant and every UID that stands in two places, and keep the index with the files."""
    settled = []
    for variant in waiting(layout):
        settled.append(settle(layout, variant, _digest, _facts))
        index.forget(variant)
    for earlier, later in index.collisions():
        settled.append(settle_pair(layout, earlier, later, _digest, _facts))
        index.forget(earlier)
        index.forget(later)
    for one in settled:
        index.note(one.current)
        if one.other is not None:
            index.note(one.other)
    return tuple(settled)


def revisions(layout: Layout) -> dict[str, int]:
    """Return how often the identity of each instance was corrected, for those where it was."""
    counted: dict[str, int] = {}
    for path in layout.superseded.glob("*/*/*~*.dcm"):
        uid = path.stem.partition("~")[0]
        counted[uid] = counted.get(uid, 0) + 1
    return counted


def _facts(path: Path) -> InstanceFacts:
    facts = read_facts(path)
    if isinstance(facts, Unread):
        raise InputRefused(facts.code, facts.text)
    return facts


def _digest(path: Path) -> str:
    from node.volume.digest import instance_digests  # noqa: PLC0415 - decoders are loaded only where one is needed

    return instance_digests(SeriesFacts((InstanceFile(_facts(path), path),)), threads=1)[0][1]
