"""The store's tables as the engine opens them: beside the spool, or in the database that all workers share."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine

from node.settings import Settings
from node.store.database import open_database
from node.store.index import Index
from node.store.layout import Layout
from node.store.ledger import Ledger
from node.store.own import OwnResults


@dataclass(frozen=True, slots=True)
class Stores:
    """Index, decisions and our own results of one data folder."""

    layout: Layout
    index: Index
    ledger: Ledger
    own: OwnResults
    database: Engine


@contextmanager
def opened_stores(settings: Settings) -> Iterator[Stores]:
    """Open them until the block ends.

    Raises
    ------
    NotYetThere
        ENV-DATA where the data folder is away, or no node ever began one.
    """
    layout = Layout(settings.data_dir)
    layout.must_be_there()
    database = open_database(layout.index, settings.engine.database_url)
    try:
        yield Stores(layout, Index(database, layout), Ledger(database), OwnResults(database, layout), database)
    finally:
        database.dispose()
