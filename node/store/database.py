"""The index's database: SQLite in WAL beside the spool, or PostgreSQL by its URL."""

from pathlib import Path

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from node.store.tables import metadata

_BUSY_MS = 30_000  # several processes share the file; a writer waits this long for another


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
