"""Does the engine's database answer?"""

import sqlite3

from node.engine.database import check_database, check_file
from node.errors import NotYetThere
from node.settings import Settings
from node.store.database import damage_of
from node.store.layout import Layout
from node.watch.doctor.finding import Finding, fail, ok, warn


def check_engine_database(settings: Settings) -> Finding:
    """Connect to PostgreSQL where the settings name one; SQLite lies in the data folder, and is read to its end."""
    if settings.engine.database_url is None:
        return _files(settings)
    try:
        check_database(settings)
    except NotYetThere as error:
        found, _, todo = error.message.partition(": see that ")
        return fail("database", f"{error.code}: {found}", f"see that {todo}")
    return ok("database", "PostgreSQL answers")


def _files(settings: Settings) -> Finding:
    """Read the engine's SQLite and the index."""
    index = Layout(settings.data_dir).index
    try:
        check_file(settings)
        damage = damage_of(index)
    except NotYetThere as error:
        found, _, todo = error.message.partition("; next: ")
        return fail("database", f"{error.code}: {found}", todo)
    except sqlite3.Error as error:
        return warn("database", f"SQLite in {settings.data_dir} cannot be read: {error}", "ask as the node's user")
    if damage is not None:
        return warn("database", f"{index} is damaged ({damage})", "see the disk; the next start makes it anew")
    return ok("database", f"SQLite in {settings.data_dir}")
