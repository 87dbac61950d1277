"""Whether the engine's database answers and is sound: asked before anything is built on it; each fault has a code."""

import os
import threading
from pathlib import Path

import psycopg
import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from node.errors import NotYetThere
from node.settings import Settings
from node.settings_snapshot import SUPERVISED
from node.store.database import damage_of

UNREACHABLE = "CFG-DATABASE"
DAMAGED_DATABASE = "ENG-DAMAGED"
_FILE = "engine.sqlite"
DATABASE_ERRORS = (psycopg.Error, SQLAlchemyError)
_WITHIN_S = 5
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0


def engine_file(settings: Settings) -> Path:
    """Return where the engine's SQLite lies, where the settings name no other database."""
    return settings.data_dir.absolute() / _FILE


def damaged(settings: Settings, why: object) -> NotYetThere:
    """Build the refusal of a damaged SQLite file, with what a person does about it.

    It is not made anew by itself: who moves it away should know that the disk damages files.
    """
    file = engine_file(settings)
    return NotYetThere(
        DAMAGED_DATABASE,
        f"the engine's database {file} is damaged ({why}); next: see the disk, and move {file.name}, {file.name}-wal "
        f"and {file.name}-shm away: a new one is made at once, open cases are queued again from their files, and what "
        "is delivered stays so",
    )


def check_file(settings: Settings) -> None:
    """Read the engine's SQLite to its end.

    Raises
    ------
    NotYetThere
        ENG-DAMAGED where it is damaged.
    """
    if settings.engine.database_url is None:
        why = damage_of(engine_file(settings))
        if why is not None:
            raise damaged(settings, why)


def check_database(settings: Settings) -> None:
    """Connect once; SQLite has nobody to connect to.

    Raises
    ------
    NotYetThere
        CFG-DATABASE where no connection can be made. A wrong password is no other error to the driver.
    """
    if settings.engine.database_url is None:
        return
    url = make_url(settings.engine.database_url)
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        psycopg.connect(plain, connect_timeout=_WITHIN_S).close()
    except psycopg.Error as error:
        where = url.render_as_string(hide_password=True)
        raise NotYetThere(
            UNREACHABLE,
            f"the engine's database {where} does not answer ({type(error).__name__}): see that PostgreSQL runs there "
            "(`pg_isready`), and that engine.database_url names its host, user, password and database",
        ) from error


def database_ready(settings: Settings, stopping: threading.Event) -> bool:
    """Return once the database answers and is sound; under `serve` wait for it, saying so once, else refuse at once.

    Returns
    -------
    bool
        False where told to stop before it answered.

    Raises
    ------
    NotYetThere
        CFG-DATABASE or ENG-DAMAGED where nobody supervises this process.
    """
    wait_s = _FIRST_WAIT_S
    said = False
    while True:
        try:
            check_database(settings)
            check_file(settings)
        except NotYetThere as error:
            if SUPERVISED not in os.environ:
                raise
            if not said:
                structlog.get_logger().error("engine.database_unreachable", code=error.code, next_step=error.message)
                said = True
        else:
            return True
        if stopping.wait(wait_s):
            return False
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
