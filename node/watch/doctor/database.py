"""Does the engine's database answer?"""

from node.engine.database import check_database
from node.errors import NotYetThere
from node.settings import Settings
from node.watch.doctor.finding import Finding, fail, ok


def check_engine_database(settings: Settings) -> Finding:
    """Connect to PostgreSQL where the settings name one; SQLite lies in the data folder."""
    if settings.engine.database_url is None:
        return ok("database", f"SQLite in {settings.data_dir}")
    try:
        check_database(settings)
    except NotYetThere as error:
        found, _, todo = error.message.partition(": see that ")
        return fail("database", f"{error.code}: {found}", f"see that {todo}")
    return ok("database", "PostgreSQL answers")
