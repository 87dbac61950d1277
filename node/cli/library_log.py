"""What libraries say by themselves, in the form of our own log: one line, no traceback among the lines of JSON.

Those alone whose texts cannot hold a header of an image: of the databases, of the status page's server, and of
threads that end by an exception, of which type and frames are told.
"""

import logging
import threading

import structlog

_LIBRARIES = ("dbos", "sqlalchemy", "psycopg", "uvicorn")
_LONGEST_TEXT = 500  # an error of the database quotes its statement


class _OneLine(logging.Handler):
    """Passes a record on to our log."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write it with its level, its text and, of an exception, type and frames."""
        error = record.exc_info[1] if isinstance(record.exc_info, tuple) else None
        text = record.getMessage()[:_LONGEST_TEXT]
        structlog.get_logger().log(record.levelno, "library.said", library=record.name, text=text, exc_info=error)


def tell_of_libraries() -> None:
    """Take over their log and the last words of threads."""
    for name in _LIBRARIES:
        log = logging.getLogger(name)
        log.handlers, log.propagate = [_OneLine(logging.WARNING)], False
    threading.excepthook = _thread_ended


def _thread_ended(said: threading.ExceptHookArgs) -> None:
    name = said.thread.name if said.thread is not None else ""
    structlog.get_logger().error("process.thread_ended", thread=name, exc_info=said.exc_value)
