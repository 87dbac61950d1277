"""Making names survive a power cut: a file's bytes are flushed first, then its name, then the folder that holds it."""

import os
from pathlib import Path
from uuid import uuid4

from node.store.owner import give_to_owner


def write_whole(path: Path, content: bytes, *, to_owner: bool = False) -> None:
    """Write a file, its folders too: what is seen later is all of it, also after a power cut.

    With `to_owner` it belongs to whom its folder belongs to.
    """
    move(_written_beside(path, content, to_owner=to_owner), path)


def write_new(path: Path, content: bytes, *, to_owner: bool = False) -> bool:
    """Write as `write_whole` does, but never over a file that is there; tell whether this call was the first."""
    temporary = _written_beside(path, content, to_owner=to_owner)
    try:
        return link_new(temporary, path)
    finally:
        remove(temporary)


def flush_file(path: Path) -> None:
    """Flush a file that a library wrote to disk; `move` then gives it its name."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Flush a folder's entries to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_folder(folder: Path, *, to_owner: bool = False) -> None:
    """Make a folder and its missing parents, each one flushed into the one above.

    With `to_owner` they belong to whom the first belongs to that was there.
    """
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        if to_owner:
            give_to_owner(one, one.parent)
        flush_folder(one.parent)


def link_new(source: Path, target: Path) -> bool:
    """Give the flushed file `source` the further name `target`, never over an existing one.

    Returns
    -------
    bool
        False where `target` exists. The folder is flushed by the caller, who may have more to do in it.
    """
    for _ in range(3):  # retention may remove an empty folder between the two lines
        try:
            os.link(source, target)
        except FileNotFoundError:
            make_folder(target.parent)
        except FileExistsError:
            return False
        else:
            return True
    os.link(source, target)
    return True


def move(source: Path, target: Path) -> None:
    """Rename `source` to `target`, over an existing file, and flush both folders."""
    make_folder(target.parent)
    source.replace(target)
    flush_folder(target.parent)
    if source.parent != target.parent:
        flush_folder(source.parent)


def remove(path: Path) -> None:
    """Remove a file where it is still there, and flush its folder."""
    path.unlink(missing_ok=True)
    if path.parent.exists():
        flush_folder(path.parent)


def _written_beside(path: Path, content: bytes, *, to_owner: bool) -> Path:
    """Write and flush a temporary file in the folder of `path`."""
    make_folder(path.parent, to_owner=to_owner)
    temporary = path.with_name(f".{path.name}.{uuid4().hex}.part")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        if to_owner:
            give_to_owner(temporary, path.parent)
        os.fsync(file.fileno())
    return temporary
