"""A disk that takes nothing any more: told in one line with its code, and waited for."""

import errno
import sqlite3

import structlog

from node.engine.database import DATABASE_ERRORS, UNREACHABLE

FULL = "SYS-DISK"
MAY_BE_FULL = (OSError, sqlite3.Error, *DATABASE_ERRORS)  # what says so, and much else
_NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
_SQLITE = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR)
_PRIMARY = 0xFF  # SQLite's extended codes hold the plain one in their lowest byte


def is_full(error: BaseException) -> bool:
    """Whether an error says that the disk is full, over its quota or has become read-only."""
    found = getattr(error, "orig", None) or error  # what SQLAlchemy has wrapped
    if isinstance(found, sqlite3.Error):
        return getattr(found, "sqlite_errorcode", 0) & _PRIMARY in _SQLITE
    return isinstance(found, OSError) and found.errno in _NUMBERS


def code_of(error: BaseException) -> str:
    """Return the code under which an error of disk or database is told."""
    if is_full(error):
        return FULL
    return UNREACHABLE if isinstance(error, DATABASE_ERRORS) else "ENV-FILE"


def tells_full_disk(event: str, error: BaseException) -> bool:
    """Say in the log that the disk takes nothing; False, and nothing said, where an error is about something else."""
    if not is_full(error):
        return False
    todo = "free the disk of data_dir, or give it more room; what was received is kept, the work goes on then"
    structlog.get_logger().error(event, code=FULL, error=type(error).__name__, next_step=todo)
    return True
