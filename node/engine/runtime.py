"""The engine library in this process: started on our terms, stopped without losing anything."""

import sqlite3
from pathlib import Path

from dbos import DBOS, DBOSClient, DBOSConfig
from sqlalchemy.engine import make_url

from node.engine.database import engine_file
from node.engine.serializer import JsonSerializer, forbid_pickles
from node.engine.version import APPLICATION, STEPS_VERSION
from node.engine.workflows import CASES, DELIVERIES, DELIVERIES_AT_ONCE
from node.settings import Settings


def database_url(settings: Settings) -> str:
    """Return where the engine keeps its state: PostgreSQL where the settings say so, else SQLite beside the spool."""
    return settings.engine.database_url or f"sqlite:///{engine_file(settings)}"


def launch(settings: Settings, *, version: str = STEPS_VERSION) -> None:
    """Start the engine library; the workflows are registered and the slot is locked before.

    Raises
    ------
    Exception
        Of the database, where it cannot be reached.
    """
    forbid_pickles()
    url = database_url(settings)
    _prepare(url)
    DBOS(config=_configuration(settings, url, version))
    DBOS.launch()
    poll_s = settings.engine.poll_s
    DBOS.register_queue(
        CASES,
        worker_concurrency=settings.engine.analyses_at_once,
        polling_interval_sec=poll_s,
        on_conflict="always_update",
    )
    DBOS.register_queue(
        DELIVERIES,
        partition_worker_concurrency=DELIVERIES_AT_ONCE,
        polling_interval_sec=poll_s,
        on_conflict="always_update",
    )


def client(settings: Settings) -> DBOSClient:
    """Open the engine's database from a process that runs no workflows (`jobs`, the status page, intake's tests)."""
    forbid_pickles()
    url = database_url(settings)
    return DBOSClient(system_database_url=url, serializer=JsonSerializer(), application_name=APPLICATION)


def exists(settings: Settings) -> bool:
    """Whether there is a database of the engine yet."""
    url = make_url(database_url(settings))
    return url.drivername != "sqlite" or Path(str(url.database)).exists()


def _configuration(settings: Settings, url: str, version: str) -> DBOSConfig:
    return {
        "name": APPLICATION,
        "system_database_url": url,
        "application_version": version,
        "executor_id": settings.engine.slot,
        "log_level": "ERROR",
        "serializer": JsonSerializer(),
        "notification_listener_polling_interval_sec": 1.0,  # a person's "now" to a waiting delivery
    }


def _prepare(url: str) -> None:
    """Make SQLite's file in WAL mode beforehand, so that readers do not wait for the writer; the mode stays."""
    parsed = make_url(url)
    if parsed.drivername == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(parsed.database)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()
