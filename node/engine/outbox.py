"""The kept bytes of a case's results: published once, whole, and sent as they lie (standards 1.3, rule 3)."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from pydantic import TypeAdapter

from node.deliver.receipt import Outgoing
from node.engine.files import publish_json, read_as
from node.errors import OurMistake

_FILE = "objects.json"


@dataclass(frozen=True, slots=True)
class KeptObject:
    """One result object as it lies in the case's folder. `path` is relative to that folder.

    `gathers` are, of a report, the kinds of the other objects that it lists (report/share.py).
    """

    kind: str
    path: str
    sha256: str
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    series_number: int
    gathers: tuple[str, ...] = ()


_adapter = TypeAdapter(tuple[KeptObject, ...])


def publish(folder: Path, objects: Iterable[KeptObject]) -> tuple[KeptObject, ...]:
    """Keep the objects of a case for good; where another process was first, return its."""
    publish_json(folder / _FILE, _adapter.dump_python(tuple(objects), mode="json"))
    published = kept(folder)
    if published is None:
        raise OurMistake("ENG-OUTBOX", "an outbox that was just written is not there")
    return published


def kept(folder: Path) -> tuple[KeptObject, ...] | None:
    """Return the objects of a case; None where none were published yet, ENG-FILE where their list is damaged."""
    return read_as(folder / _FILE, _adapter)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return sha256(path.read_bytes()).hexdigest()


def outgoing(folder: Path, objects: Iterable[KeptObject], study_instance_uid: str) -> tuple[Outgoing, ...]:
    """Return the objects as they go over the wire.

    Raises
    ------
    OurMistake
        ENG-OUTBOX where a kept file is missing or is not what was published.
    """
    found = []
    for o in objects:
        path = folder / o.path
        if not path.exists() or digest_of(path) != o.sha256:
            raise OurMistake("ENG-OUTBOX", f"the kept {o.kind} is missing or was changed on disk")
        found.append(
            Outgoing(o.kind, path, o.sop_class_uid, o.sop_instance_uid, o.series_instance_uid, study_instance_uid)
        )
    return tuple(found)
