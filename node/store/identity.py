"""Which data folder this is: a number of its own, drawn at its first start, and the format of what lies in it.

Another file system in its place has other numbers; its folders may well have the same inodes.
"""

import json
from pathlib import Path
from uuid import uuid4

from node.errors import Misconfigured
from node.store.durable import write_new, write_whole

FORMAT = 1  # raised with whatever an older program would misread: the engine's tables, the steps, a file of a case
NEWER = "ENV-NEWER"
_FILE = "folder.json"


def identity(data_dir: Path) -> str:
    """Return the folder's number; "" where it is away, was never begun, or its file is damaged."""
    try:
        return _read(data_dir)[0]
    except (FileNotFoundError, Misconfigured):
        return ""


def begin_folder(data_dir: Path) -> None:
    """Give a new folder its number, and note that we write in it from now on.

    Raises
    ------
    Misconfigured
        ENV-NEWER: a newer program has written in it. ENG-FILE: the file is damaged.
    """
    try:
        number, its_format = _read(data_dir)
    except FileNotFoundError:
        write_new(data_dir / _FILE, _encoded(uuid4().hex), to_owner=True)
        return
    if its_format > FORMAT:
        raise Misconfigured(
            NEWER,
            f"data_dir {data_dir} was written by a newer version of lungnode (format {its_format}, this one knows "
            f"{FORMAT}): it would misread it; next: install that version again, or put back the copy of data_dir and "
            "of the engine's database from before the upgrade",
        )
    if its_format < FORMAT:
        write_whole(data_dir / _FILE, _encoded(number), to_owner=True)


def _read(data_dir: Path) -> tuple[str, int]:
    """Return number and format."""
    path = data_dir / _FILE
    try:
        found = json.loads(path.read_bytes())
        return str(found["id"]), int(found["format"])
    except (ValueError, KeyError, TypeError) as error:
        text = f"the file {path} is damaged; next: see the disk, remove the file and start the node again"
        raise Misconfigured("ENG-FILE", text) from error


def _encoded(number: str) -> bytes:
    return json.dumps({"id": number, "format": FORMAT}, indent=1).encode() + b"\n"
