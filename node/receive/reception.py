"""What a receiver's associations share: the spool, its journal, its marks, and how many associations are open."""

import mmap
import os
import struct
from dataclasses import dataclass, field

from node.store.disk import Marks, Room, free_bytes, room_left
from node.store.journal import Event, Journal
from node.store.spool import Spool

_SLOT = struct.Struct("<q")


@dataclass(frozen=True, slots=True)
class Caller:
    """The other side of one association."""

    association: str
    calling_ae: str
    called_ae: str
    host: str
    classes: tuple[str, ...] = ()  # the SOP classes this peer may store; empty: all


class Tally:
    """How many associations each receiver process has open, in memory that all of them share after a fork."""

    def __init__(self, n_processes: int) -> None:
        self._shared = mmap.mmap(-1, max(_SLOT.size * n_processes, mmap.PAGESIZE))
        self._n_processes = n_processes

    def set(self, process: int, n_open: int) -> None:
        """Note this process's number; each process writes its own slot only, so no lock is needed."""
        _SLOT.pack_into(self._shared, process * _SLOT.size, n_open)

    def total(self) -> int:
        """Return how many there are in all."""
        return sum(_SLOT.unpack_from(self._shared, i * _SLOT.size)[0] for i in range(self._n_processes))


@dataclass(slots=True)
class Reception:
    """One receiver process's share. `process` is its slot among `receive.processes`."""

    spool: Spool
    journal: Journal
    marks: Marks
    tally: Tally
    process: int = 0
    open_associations: set[str] = field(default_factory=set)

    @property
    def has_room(self) -> bool:
        """Whether the disk is above its hard mark.

        Raises
        ------
        OSError
            The spool is away, or cannot be asked.
        """
        self.spool.must_be_there()
        return room_left(free_bytes(self.spool.layout.spool), self.marks) is not Room.NONE

    def opened(self, caller: Caller) -> None:
        """Note an association that was accepted.

        Raises
        ------
        OSError
            The journal cannot be written; then the association does not count.
        """
        self.open_associations.add(caller.association)
        self.tally.set(self.process, len(self.open_associations))
        try:
            self.journal.write(
                Event.OPENED,
                association=caller.association,
                calling=caller.calling_ae,
                called=caller.called_ae,
                host=caller.host,
                pid=os.getpid(),
            )
        except OSError:
            self._forget(caller)
            raise

    def ended(self, caller: Caller, event: Event, studies: tuple[str, ...], n_instances: int) -> None:
        """Note how an association ended."""
        self._forget(caller)
        self.journal.write(event, association=caller.association, studies=studies, n_instances=n_instances)

    def _forget(self, caller: Caller) -> None:
        self.open_associations.discard(caller.association)
        self.tally.set(self.process, len(self.open_associations))
