"""One C-STORE in progress: bytes from the network to a temporary file, then judged, kept and answered.

Nothing is decoded. Where an instance cannot be taken the rest of it is still read and dropped, because the peer must
hear a status on a working association.
"""

import errno
import os

from node.receive.acceptance import accept_file
from node.receive.command import Command
from node.receive.reception import Caller, Reception
from node.receive.status import SUCCESS, Answer, Status, Unacceptable
from node.store.journal import Event
from node.store.part10 import FileMeta, encode_meta
from node.store.spool import Incoming

_FLUSH_EVERY_BYTES = 64 << 20  # a 2 GB object is flushed while it arrives, so that its last flush is short
_MAXIMUM_BYTES = (4 << 30) + (64 << 20)  # the largest pixel data of SIZE-DIM, and a header
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


class Store:
    """One instance on its way into the spool."""

    def __init__(
        self, reception: Reception, request: Command, syntax: str, caller: Caller, answer: Answer | None
    ) -> None:
        self.request = request
        self.study_uid = ""  # of an instance that was kept
        self.refused_study_uid = self.refused_series_uid = ""
        self._reception = reception
        self._syntax = syntax
        self._caller = caller
        self._answer = answer  # already decided: the data set is read and dropped
        self._incoming: Incoming | None = None
        self._n_bytes = 0
        self._n_unflushed = 0
        self._offset = 0
        if answer is None:
            self._begin()

    def write(self, parts: list[memoryview]) -> None:
        """Append the next bytes of the data set."""
        size = sum(len(part) for part in parts)
        self._n_bytes += size
        if self._incoming is None:
            return
        if self._n_bytes > _MAXIMUM_BYTES:
            self._give_up(Answer(Status.DATA_SET_MISMATCH, f"SIZE-DIM: more than {_MAXIMUM_BYTES} bytes"))
            return
        try:
            self._append(self._incoming.descriptor, parts, size)
        except OSError as error:
            self._give_up(_of_disk(error))

    def finish(self) -> Answer:
        """Judge and keep what was written, and return what the peer is told."""
        if self._answer is not None or self._incoming is None:
            return self._answer or Answer(Status.PROCESSING_FAILURE)
        try:
            return self._keep(self._incoming)
        except Unacceptable as refusal:
            self.refused_study_uid, self.refused_series_uid = refusal.study_uid, refusal.series_uid
            return refusal.answer
        except OSError as error:
            return _of_disk(error)
        finally:
            self.discard()

    def discard(self) -> None:
        """Forget the temporary file, if there still is one."""
        incoming, self._incoming = self._incoming, None
        if incoming is not None:
            self._reception.spool.discard(incoming)

    def _begin(self) -> None:
        meta = FileMeta(
            sop_class_uid=self.request.sop_class_uid,
            sop_instance_uid=self.request.sop_instance_uid,
            transfer_syntax_uid=self._syntax,
            calling_ae=self._caller.calling_ae,
            called_ae=self._caller.called_ae,
        )
        head = encode_meta(meta)
        self._offset = len(head)
        try:
            self._incoming = self._reception.spool.begin()
            self._append(self._incoming.descriptor, [memoryview(head)], len(head))
        except OSError as error:
            self._give_up(_of_disk(error))

    def _append(self, descriptor: int, parts: list[memoryview], size: int) -> None:
        written = os.writev(descriptor, parts)
        if written < size:  # a full disk writes less first and fails with the next call
            rest = b"".join(parts)[written:]
            while rest:
                rest = rest[os.write(descriptor, rest) :]
        self._n_unflushed += size
        if self._n_unflushed >= _FLUSH_EVERY_BYTES:
            os.fdatasync(descriptor)
            self._n_unflushed = 0

    def _give_up(self, answer: Answer) -> None:
        self._answer = answer
        self.discard()

    def _keep(self, incoming: Incoming) -> Answer:
        if self._n_bytes == 0:
            raise Unacceptable(Status.CANNOT_PARSE, "the data set is empty")
        uids = accept_file(incoming.descriptor, self._offset, self.request, self._syntax)
        self._incoming = None  # `keep` closes it in any case
        kept = self._reception.spool.keep(incoming, uids, self._offset)
        self.study_uid = uids.study
        self._reception.journal.write(
            Event.KEPT,
            association=self._caller.association,
            outcome=kept.outcome,
            study=uids.study,
            series=uids.series,
            sop=uids.sop,
            sop_class=self.request.sop_class_uid,
            syntax=self._syntax,
            path=self._reception.spool.relative(kept.path),
            n_bytes=self._n_bytes,
        )
        return SUCCESS


def _of_disk(error: OSError) -> Answer:
    """Choose the status of a disk's failure; both invite the peer to try again."""
    if error.errno in _FULL:
        return Answer(Status.OUT_OF_RESOURCES, "the disk is full")
    return Answer(Status.PROCESSING_FAILURE, f"the disk answered error {error.errno}")
