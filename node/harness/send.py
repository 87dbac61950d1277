"""A C-STORE sender: files as they are, each in the transfer syntax that it is stored in.

One presentation context per (class, syntax) that occurs, so that the acceptor cannot choose a syntax which a file is
not in. `TCP_NODELAY` is set, and `TCP_QUICKACK` again after each message sent: DCMTK and Orthanc as installed leave
Nagle's algorithm on, and without our immediate acknowledgement each of their answers waits about 40 ms.
"""

import socket
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_file_meta_info
from pynetdicom import _config, evt
from pynetdicom.presentation import build_context

from node.application_entity import application_entity, keep_answers
from node.errors import WorldUnavailable

SUCCESS = 0x0000
_MAXIMUM_CONTEXTS = 128  # PS3.8 section 7.1.1.13: odd numbers up to 255
_PDU_BYTES = 131072


@dataclass(frozen=True, slots=True)
class Sent:
    """One file and what the peer answered; `status` is None where nothing was answered, and `text` says why."""

    path: Path
    sop_instance_uid: str
    status: int | None
    text: str = ""

    @property
    def stored(self) -> bool:
        """Whether the peer took it, perhaps with a warning (0xBxxx)."""
        return self.status is not None and (self.status == SUCCESS or self.status >> 12 == 0xB)


@dataclass(frozen=True, slots=True)
class SendReport:
    """What became of every file."""

    files: tuple[Sent, ...]

    @property
    def failed(self) -> tuple[Sent, ...]:
        """The files that the peer did not take."""
        return tuple(one for one in self.files if not one.stored)

    def summary(self) -> str:
        """Return one line for a person, and one per kind of failure."""
        reasons = Counter(f"{one.status:#06x} {one.text}" if one.status else one.text for one in self.failed)
        lines = [f"{len(self.files) - len(self.failed)} of {len(self.files)} files stored"]
        return "\n".join(lines + [f"  {n} not: {reason}" for reason, n in reasons.most_common()])

    def as_json(self) -> dict[str, object]:
        """Return what `--json` prints."""
        return {
            "stored": len(self.files) - len(self.failed),
            "files": [
                {
                    "path": str(one.path),
                    "sop_instance_uid": one.sop_instance_uid,
                    "status": one.status,
                    "text": one.text,
                }
                for one in self.files
            ],
        }


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax_uid: str


def send(
    paths: Iterable[Path],
    ae_title: str,
    host: str,
    port: int,
    calling: str,
    *,
    associations: int = 1,
    on_progress: Callable[[], None] | None = None,
) -> SendReport:
    """Send files and folders to a peer.

    Parameters
    ----------
    paths : files, or folders of which every file is sent
    ae_title, host, port : the peer
    calling : our own AE title
    associations : how many at once; the files are dealt out in turn
    on_progress : called after each file, from several threads where there are several associations

    Returns
    -------
    SendReport
        One answer per file, in the order of the paths. Files that are not DICOM files have no status.

    Raises
    ------
    WorldUnavailable
        NET-ASSOCIATE: the peer cannot be reached, or refuses us.
    """
    done = on_progress or (lambda: None)
    _config.STORE_SEND_CHUNKED_DATASET = True  # the bytes of the file are sent; nothing is decoded and encoded again
    every = _files(paths)
    files, unread = _read(every)
    for _ in unread:
        done()
    hands = [files[i::associations] for i in range(associations) if files[i::associations]]
    with ThreadPoolExecutor(max(len(hands), 1)) as pool:
        answers = list(pool.map(lambda hand: _send_hand(hand, ae_title, host, port, calling, done), hands))
    by_path = {one.path: one for one in (*unread, *(sent for hand in answers for sent in hand))}
    return SendReport(tuple(by_path[path] for path in every))


def _files(paths: Iterable[Path]) -> tuple[Path, ...]:
    """List the files, each one once."""
    found: dict[Path, None] = {}
    for path in paths:
        inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        found.update(dict.fromkeys(inside))
    return tuple(found)


def _read(paths: Sequence[Path]) -> tuple[list[_File], list[Sent]]:
    """Read each file's meta information."""
    files, unread = [], []
    for path in paths:
        try:
            meta = read_file_meta_info(path)
            one = _File(
                path,
                str(meta.MediaStorageSOPClassUID),
                str(meta.MediaStorageSOPInstanceUID),
                str(meta.TransferSyntaxUID),
            )
        except (InvalidDicomError, OSError, AttributeError, ValueError, EOFError) as error:
            unread.append(Sent(path, "", None, f"not a DICOM file: {type(error).__name__}"))
        else:
            files.append(one)
    return files, unread


def _send_hand(
    files: Sequence[_File], ae_title: str, host: str, port: int, calling: str, done: Callable[[], None]
) -> list[Sent]:
    """Send one association's share; more than 128 kinds of files take further associations."""
    kinds = list(dict.fromkeys((f.sop_class_uid, f.transfer_syntax_uid) for f in files))
    answers = []
    for start in range(0, len(kinds), _MAXIMUM_CONTEXTS):
        some = kinds[start : start + _MAXIMUM_CONTEXTS]
        mine = [f for f in files if (f.sop_class_uid, f.transfer_syntax_uid) in set(some)]
        answers += _send_over(_associate(some, ae_title, host, port, calling), mine, done)
    return answers


def _associate(kinds: Sequence[tuple[str, str]], ae_title: str, host: str, port: int, calling: str) -> Any:
    """Open an association."""
    ae = application_entity(calling)
    ae.maximum_pdu_size = _PDU_BYTES
    contexts = [build_context(sop_class_uid, transfer_syntax_uid) for sop_class_uid, transfer_syntax_uid in kinds]
    handlers = [(evt.EVT_CONN_OPEN, _no_delay), (evt.EVT_DATA_SENT, _quick)]
    try:
        association = ae.associate(host, port, contexts=contexts, ae_title=ae_title, evt_handlers=handlers)
    except (OSError, UnicodeError) as error:  # pynetdicom raises where a name has no address
        text = f"the name {host!r} of {ae_title} has no address: check it, and the name server"
        raise WorldUnavailable("NET-ASSOCIATE", text) from error
    if not association.is_established and not association.rejected_contexts:
        how = "refuses the association" if association.is_rejected else "cannot be reached"
        raise WorldUnavailable("NET-ASSOCIATE", f"{ae_title} at {host}:{port} {how} (we call ourselves {calling})")
    keep_answers(association)
    return association


def _send_over(association: Any, files: Sequence[_File], done: Callable[[], None]) -> list[Sent]:
    answers = []
    try:
        for file in files:
            answer = _store(association, file)
            answers.append(answer)
            done()
    finally:
        if association.is_established:
            association.release()
    return answers


def _store(association: Any, file: _File) -> Sent:
    """Send one file; a data set that the library cannot encode again is an answer too."""
    if not association.is_established:
        refused = not association.accepted_contexts and association.rejected_contexts
        text = "no presentation context was accepted" if refused else "the association was lost"
        return Sent(file.path, file.sop_instance_uid, None, text)
    try:
        status = association.send_c_store(file.path)
    except (ValueError, AttributeError, RuntimeError, OSError) as error:
        return Sent(file.path, file.sop_instance_uid, None, f"not sent: {error}")
    if "Status" not in status:
        association.abort()  # else the next file is sent into the dead association, and waited for
        return Sent(file.path, file.sop_instance_uid, None, "no answer")
    return Sent(file.path, file.sop_instance_uid, int(status.Status), str(status.get("ErrorComment", "")))


def _no_delay(event: Any) -> None:
    event.assoc.dul.socket.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _quick(event: Any) -> None:
    raw = event.assoc.dul.socket.socket
    if raw is not None:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
