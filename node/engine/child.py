"""The process in which the heavy steps run: `python -m node.engine.child MODULE`.

One JSON request a line on standard input, one JSON answer a line on what was standard output; whatever a library
prints goes to standard error. It stays warm between steps, and ends when its parent does, even by `kill -9`.
"""

import importlib
import json
import os
import queue
import signal
import sys
import threading
import warnings
from collections.abc import Callable
from contextlib import suppress
from types import ModuleType
from typing import Any, BinaryIO, NoReturn

import structlog

from node.engine.error_json import error_json
from node.errors import LungnodeError
from node.log_frames import without_message

_leaving = threading.Lock()


def serve(module: ModuleType, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer requests until the parent is gone, then end the process."""
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(requests, waiting), daemon=True).start()
    while True:
        request = json.loads(waiting.get())
        answer = _answer(getattr(module, request["job"]), request["arguments"])
        try:
            answers.write(json.dumps(answer, allow_nan=False).encode() + b"\n")
            answers.flush()
        except BrokenPipeError:
            _leave()


def _read(requests: BinaryIO, waiting: "queue.SimpleQueue[bytes]") -> None:
    for line in requests:
        waiting.put(line)
    _leave()


def _leave() -> NoReturn:
    """End the process, with one line: the parent is gone, and nobody waits for the step that may be running."""
    with _leaving:  # whichever thread notices first; the other one ends with it
        with suppress(OSError):  # standard error may have gone with the parent
            structlog.get_logger().info("engine.child_left", pid=os.getpid())
        os._exit(0)


def _answer(job: Callable[..., Any], arguments: dict[str, Any]) -> dict[str, Any]:
    try:
        return {"value": job(**arguments)}
    except LungnodeError as error:
        return {"error": error_json(error)}
    except Exception as error:  # noqa: BLE001 - the wrapper of the durable steps: recorded, raised again by the parent
        structlog.get_logger().error("engine.step_failed", exc_info=error)
        return {"error": error_json(error)}


def main() -> None:
    """Set up the process and serve."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a Ctrl-C is for the parent, which ends us
    warnings.simplefilter("ignore")  # pydicom's warnings quote values of the header
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    structlog.configure(
        processors=[structlog.processors.add_log_level, without_message, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    serve(importlib.import_module(sys.argv[1]), sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()
