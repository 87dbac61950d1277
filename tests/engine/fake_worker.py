"""A real worker process around the fake heavy steps: `python fake_worker.py SETTINGS.json [VERSION]`."""

import errno
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import structlog

import node.engine.crew
from node.deliver.commitment import NotRequested
from node.deliver.confirm import confirm
from node.deliver.send import deliver
from node.engine.delivery import Ways
from node.engine.steps import Steps
from node.engine.version import STEPS_VERSION
from node.engine.worker import end_process, start_worker, stop_on_signals
from node.settings import Settings


def main() -> None:
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    settings = Settings.model_validate_json(Path(sys.argv[1]).read_text())
    version = sys.argv[2] if len(sys.argv) > 2 else STEPS_VERSION
    ways = Ways(
        send=lambda objects, destination: deliver(objects, destination, calling="TESTER"),
        ask_back=lambda objects, destination: confirm(objects, destination, calling="TESTER"),
        request_commitment=lambda *_: NotRequested("context-refused", "not in this test"),
        read_commitment=lambda _: None,
        holds_study=lambda *_: True,
    )
    full = settings.data_dir / "disk-is-full"
    crowded = settings.data_dir / "no-process"

    def fork(*command: Any, **how: Any) -> "subprocess.Popen[bytes]":
        if crowded.exists():
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return subprocess.Popen(*command, **how)

    node.engine.crew.subprocess = SimpleNamespace(Popen=fork, PIPE=subprocess.PIPE)
    held = settings.data_dir / "identity-differs"
    worker = start_worker(
        settings,
        lambda crew: Steps(
            settings,
            crew,
            ways,
            identity_differs=lambda _study, _result: "Patient ID differs" if held.exists() else None,
            enough_disk=lambda: not full.exists(),
            disk_refuses=(settings.data_dir / "disk-takes-nothing").exists,
        ),
        heavy="fake_heavy",
        version=version,
    )
    stop_on_signals(worker.steps.stopping)
    (settings.data_dir / f"{settings.engine.slot}.ready").touch()
    worker.run()
    worker.steps.crew.close()
    end_process(0)


if __name__ == "__main__":
    main()
