"""Storage commitment answers that come back on associations of their own: asked by `deliver`, heard by `receive`.

commitments/<transaction>.asked     a request that is about to be sent
commitments/<transaction>.json      its answer
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from node.store.durable import flush_folder, make_folder, write_whole
from node.store.layout import is_uid

FOLDER = "commitments"  # below the data folder


@dataclass(frozen=True, slots=True)
class CommitmentAnswer:
    """What an archive committed to keep, and what not with the failure reason."""

    committed: frozenset[str]
    failed: Mapping[str, int]


def note_asked(folder: Path, transaction_uid: str) -> None:
    """Note a transaction before it is asked, so that its answer is known as ours however early it comes."""
    make_folder(folder)
    (folder / f"{transaction_uid}.asked").touch()
    flush_folder(folder)


def was_asked(folder: Path, transaction_uid: str) -> bool:
    """Whether we asked for this transaction."""
    return is_uid(transaction_uid) and (folder / f"{transaction_uid}.asked").exists()


def write_answer(folder: Path, transaction_uid: str, answer: CommitmentAnswer) -> None:
    """Keep an answer."""
    kept = {"committed": sorted(answer.committed), "failed": dict(answer.failed)}
    write_whole(folder / f"{transaction_uid}.json", json.dumps(kept).encode())


def read_answer(folder: Path, transaction_uid: str) -> CommitmentAnswer | None:
    """Read an answer; None where none came yet."""
    file = folder / f"{transaction_uid}.json"
    if not file.exists():
        return None
    kept = json.loads(file.read_bytes())
    return CommitmentAnswer(frozenset(kept["committed"]), {uid: int(r) for uid, r in kept["failed"].items()})
