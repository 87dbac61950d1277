"""A folder: every object under its SOP Instance UID, as a whole or not at all.

The folder itself is never made: where a network drive is not mounted, results would go to the local disk, be called
safe, and be hidden as soon as it is mounted again.
"""

import errno
from collections.abc import Sequence
from pathlib import Path

from node.deliver.receipt import Outgoing, Receipt, State
from node.settings import Destination
from node.store.durable import write_whole


def send(objects: Sequence[Outgoing], destination: Destination) -> tuple[Receipt, ...]:
    """Copy the objects to `<path>/<study>/<series>/<instance>.dcm` and return one receipt for each."""
    root = Path(str(destination.path))
    return tuple(_send_one(o, place_of(o, destination), root) for o in objects)


def place_of(sent: Outgoing, destination: Destination) -> Path:
    """Return where an object lies in the folder."""
    return (
        Path(str(destination.path))
        / sent.study_instance_uid
        / sent.series_instance_uid
        / f"{sent.sop_instance_uid}.dcm"
    )


def _send_one(sent: Outgoing, place: Path, root: Path) -> Receipt:
    uid = sent.sop_instance_uid
    if not root.is_dir():
        text = f"there is no folder {root}, and the node never makes it: is its file system mounted?"
        return Receipt(uid, State.RETRYABLE, f"errno {errno.ENOTDIR if root.exists() else errno.ENOENT}", text)
    try:
        content = sent.path.read_bytes()
        if place.exists() and place.read_bytes() == content:
            return Receipt(uid, State.STORED, "present", "the same bytes lie there already")
        write_whole(place, content)
    except OSError as error:
        return Receipt(uid, State.RETRYABLE, f"errno {error.errno}", error.strerror or "the folder cannot be written")
    return Receipt(uid, State.STORED, "written")
