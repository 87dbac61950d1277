"""A worker's slot: a name that is stable over restarts and never held by two living processes.

The engine library knows work by the name of the executor that took it, without lease or heartbeat: two processes of
one name run the same step at once, and a dead one's work stays where it is. So a slot is locked while its process
lives (an operating system lock beside SQLite, a session's advisory lock in PostgreSQL), and whoever finds the lock of
an executor free knows that it is dead.
"""

import fcntl
import os
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import psycopg
from sqlalchemy.engine import make_url


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
        return _take_file(folder / f"{name}.lock")
    return _take_advisory(name, database_url)


def _take_file(path: Path) -> FileLock | None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return FileLock(handle)


def _take_advisory(name: str, database_url: str) -> AdvisoryLock | None:
    plain = make_url(database_url).set(drivername="postgresql").render_as_string(hide_password=False)
    connection = psycopg.connect(
        plain,
        autocommit=True,
        connect_timeout=10,
        keepalives_idle=5,
        keepalives_interval=5,
        keepalives_count=3,
        # a machine that loses its power sends no farewell: the server must notice by itself
        options="-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3",
    )
    key = int.from_bytes(sha256(f"lungnode slot {name}".encode()).digest()[:8], "big", signed=True)
    row = connection.execute("SELECT pg_try_advisory_lock(%s)", (key,)).fetchone()
    if row is None or not row[0]:
        connection.close()
        return None
    return AdvisoryLock(connection)
