"""A folder: every object under its SOP Instance UID, as a whole or not at all."""

from collections.abc import Sequence
from pathlib import Path

from node.deliver.receipt import Outgoing, Receipt, State
from node.settings import Destination
from node.store.durable import write_whole


def send(objects: Sequence[Outgoing], destination: Destination) -> tuple[Receipt, ...]:
    """Copy the objects to `<path>/<study>/<series>/<instance>.dcm` and return one receipt for each."""
    return tuple(_send_one(o, place_of(o, destination)) for o in objects)


def place_of(sent: Outgoing, destination: Destination) -> Path:
    """Return where an object lies in the folder."""
    return (
        Path(str(destination.path))
        / sent.study_instance_uid
        / sent.series_instance_uid
        / f"{sent.sop_instance_uid}.dcm"
    )


def _send_one(sent: Outgoing, place: Path) -> Receipt:
    uid = sent.sop_instance_uid
    try:
        content = sent.path.read_bytes()
        if place.exists() and place.read_bytes() == content:
            return Receipt(uid, State.STORED, "present", "the same bytes lie there already")
        write_whole(place, content)
    except OSError as error:
        return Receipt(uid, State.RETRYABLE, f"errno {error.errno}", error.strerror or "the folder cannot be written")
    return Receipt(uid, State.STORED, "written")
