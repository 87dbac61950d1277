"""The index's database: SQLite in WAL beside the spool, or PostgreSQL by its URL."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from node.store.tables import metadata

_BUSY_MS = 30_000  # several processes share the file; a writer waits this long for another

_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_PRIMARY = 0xFF  # SQLite's extended codes hold the plain one in their lowest byte
_ASIDE = ".damaged-"


def open_database(path: Path, url: str | None = None) -> Engine:
    """Open the database, at `url` or in the file `path`, and make the tables that are missing."""
    if url is None:
        engine = create_engine(f"sqlite:///{path}")
        event.listen(engine, "connect", _prepare)
    else:
        engine = create_engine(url, pool_pre_ping=True)
    metadata.create_all(engine)
    return engine


def _prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    """Set a SQLite connection up: readers and a writer at once; the index is a cache, so one flush per checkpoint."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
    cursor.close()


def damage_of(path: Path) -> str | None:
    """Say what is wrong with a SQLite file, read to its end; None where it is sound, empty or not there."""
    if not path.exists():
        return None
    try:
        with closing(sqlite3.connect(path, timeout=_BUSY_MS / 1000.0)) as connection:
            (said,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    except sqlite3.Error as error:
        if not tells_damage(error):
            raise
        return str(error)
    return None if said == "ok" else str(said).strip().splitlines()[-1]


def tells_damage(error: BaseException) -> bool:
    """Whether an error says that a SQLite file is damaged, or is none."""
    found = getattr(error, "orig", None) or error  # what SQLAlchemy has wrapped
    return isinstance(found, sqlite3.Error) and getattr(found, "sqlite_errorcode", 0) & _PRIMARY in _DAMAGE


def set_aside(path: Path) -> Path:
    """Move a SQLite file with its log out of the way, and return where to."""
    aside = path.with_name(f"{path.name}{_ASIDE}{time.time():.0f}")
    for end in ("-wal", "-shm"):
        log = path.with_name(path.name + end)
        if log.exists():
            log.rename(aside.with_name(aside.name + end))
    path.rename(aside)
    return aside


def all_set_aside(path: Path) -> tuple[Path, ...]:
    """Return the damaged files that were moved out of the way of this one."""
    found = path.parent.glob(f"{path.name}{_ASIDE}*")
    return tuple(sorted(one for one in found if not one.name.endswith(("-wal", "-shm"))))
