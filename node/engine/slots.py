"""A worker's slot: a name that is stable over restarts and never held by two living processes.

The engine library knows work by the name of the executor that took it, without lease or heartbeat: two processes of
one name run the same step at once, and a dead one's work stays where it is. So a slot is locked while its process
lives (an operating system lock beside SQLite, a session's advisory lock in PostgreSQL), and whoever finds the lock of
an executor free knows that it is dead.
"""

import fcntl
import os
import socket
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import psycopg
from sqlalchemy.engine import make_url

_UNKNOWN = "another process"
_HOLDER = """
    SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
      AND ((l.classid::bigint << 32) | l.objid::bigint) = %s
"""


class Lock(Protocol):
    """A held lock. It ends with its process."""

    def is_held(self) -> bool:
        """Whether it is still ours: a session of PostgreSQL can be lost."""
        ...

    def release(self) -> None:
        """Give it back."""
        ...


class FileLock:
    """`flock` on a file; freed by the kernel when the process ends, however it ends."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def is_held(self) -> bool:
        """Tell that it is held: nobody can take an open file's lock away."""
        return True

    def release(self) -> None:
        """Close the file, and the lock with it."""
        os.close(self._handle)


class AdvisoryLock:
    """A session advisory lock of PostgreSQL; freed by the server when the connection ends."""

    def __init__(self, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        self._connection = connection

    def is_held(self) -> bool:
        """Ask the server whether the session lives."""
        try:
            self._connection.execute("SELECT 1")
        except psycopg.Error:
            return False
        return True

    def release(self) -> None:
        """Close the session, and the lock with it."""
        self._connection.close()


def take_slot(name: str, database_url: str, folder: Path) -> Lock | None:
    """Take the lock of a name, or return None where another process holds it.

    Parameters
    ----------
    database_url : the engine's; PostgreSQL's own locks are used there, since the workers may be on several machines.
    folder : where the lock files lie beside SQLite.
    """
    if database_url.startswith("sqlite"):
        return take_file(folder / f"{name}.lock")
    return _take_advisory(name, database_url)


def holder_of(name: str, database_url: str, folder: Path) -> str:
    """Say who holds a lock, as far as it can be known: "process 4711 on host"."""
    if database_url.startswith("sqlite"):
        return holder_of_file(folder / f"{name}.lock")
    with suppress(psycopg.Error), _session(database_url) as connection:
        row = connection.execute(_HOLDER, (_key(name),)).fetchone()
        if row is not None and row[0]:
            return str(row[0])
    return _UNKNOWN


def holder_of_file(path: Path) -> str:
    """Say who holds a lock file."""
    with suppress(OSError):
        return path.read_text(encoding="utf-8", errors="replace").strip() or _UNKNOWN
    return _UNKNOWN


def take_file(path: Path) -> FileLock | None:
    """Lock a file and write into it who holds it, or return None where another process does."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    os.ftruncate(handle, 0)
    os.pwrite(handle, _this_process().encode(), 0)
    return FileLock(handle)


def _take_advisory(name: str, database_url: str) -> AdvisoryLock | None:
    connection = _session(database_url)
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (_key(name),)).fetchone()
    if row is None or not row[0]:
        connection.close()
        return None
    return AdvisoryLock(connection)


def _session(database_url: str) -> "psycopg.Connection[tuple[object, ...]]":
    plain = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(
        plain,
        autocommit=True,
        application_name=_this_process()[:63],  # longer names are cut by the server, with a notice
        connect_timeout=10,
        keepalives_idle=5,
        keepalives_interval=5,
        keepalives_count=3,
        # a machine that loses its power sends no farewell: the server must notice by itself
        options="-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
    )


def _key(name: str) -> int:
    return int.from_bytes(sha256(f"lungnode slot {name}".encode()).digest()[:8], "big", signed=True)


def _this_process() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"
