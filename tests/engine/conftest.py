"""Worker processes, cases on disk, and bounded waiting for what they do."""

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from node.engine.case_file import CaseFile, SourceSeries, read_case_file, result_folder, write_case
from node.engine.queueing import enqueue_case
from node.engine.runtime import client
from node.settings import Settings
from node.store.layout import Layout

HERE = Path(__file__).resolve().parent
WITHIN_S = 60.0


def eventually(look: Callable[[], Any], within_s: float = WITHIN_S) -> Any:
    """Return what `look` finds as soon as it is true; a bounded poll, for what has no signal of its own."""
    deadline_s = time.monotonic() + within_s
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > deadline_s:
            raise AssertionError(f"not within {within_s:.0f} s: {look}")
        time.sleep(0.02)


@dataclass
class Bench:
    """A data folder, its settings, and the workers that were started on it."""

    data_dir: Path
    settings: Settings
    workers: list["subprocess.Popen[bytes]"] = field(default_factory=list)
    eventually = staticmethod(eventually)

    def with_slot(self, slot: str) -> Settings:
        return self.settings.model_copy(update={"engine": self.settings.engine.model_copy(update={"slot": slot})})

    def start_worker(self, slot: str = "worker-0", version: str | None = None) -> "subprocess.Popen[bytes]":
        """Start a worker process and wait until it works."""
        process = self.launch_worker(slot, version)
        ready = self.data_dir / f"{slot}.ready"
        eventually(lambda: ready.exists() or process.poll() is not None)
        assert process.poll() is None, (self.data_dir / "worker.log").read_text()
        return process

    def launch_worker(self, slot: str = "worker-0", version: str | None = None) -> "subprocess.Popen[bytes]":
        (self.data_dir / f"{slot}.ready").unlink(missing_ok=True)
        file = self.data_dir / f"{slot}.settings.json"
        file.write_text(secret_json(self.with_slot(slot)))
        with (self.data_dir / "worker.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, str(HERE / "fake_worker.py"), str(file), *([version] if version else [])],
                stderr=log,
                env=os.environ | {"PYTHONPATH": f"{HERE}:{HERE.parent.parent}"},
            )
        self.workers.append(process)
        return process

    def kill(self, process: "subprocess.Popen[bytes]") -> None:
        process.send_signal(signal.SIGKILL)
        process.wait()

    def new_case(self, *, destinations: tuple[str, ...] | None = None, **orders: str) -> str:
        """Keep a case on disk, with orders for the fake heavy steps, without queueing it."""
        workflow_id = uuid.uuid4().hex + uuid.uuid4().hex
        folder = result_folder(self.data_dir, workflow_id)
        series = SourceSeries("1.2.3", (("1.2.3.4", "spool/studies/1.2/1.2.3/1.2.3.4.dcm"),))
        write_case(
            self.data_dir,
            CaseFile(
                workflow_id,
                "1.2",
                "default",
                series,
                (),
                None,
                None,
                "normal",
                destinations,
                ("test",),
                proved="partial" not in orders.values(),
            ),
        )
        for step, word in orders.items():
            (folder / f"{step}.order").write_text(word)
        return workflow_id

    def submit(self, workflow_id: str) -> None:
        case = read_case_file(self.data_dir, workflow_id)
        assert case is not None
        engine = client(self.settings)
        try:
            enqueue_case(engine, case)
        finally:
            engine.destroy()

    def steps(self, workflow_id: str) -> list[str]:
        log = result_folder(self.data_dir, workflow_id) / "steps.log"
        return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []

    def status(self, workflow_id: str) -> str:
        engine = client(self.settings)
        try:
            found = engine.list_workflows(workflow_ids=[workflow_id])
            return found[0].status if found else "ABSENT"
        finally:
            engine.destroy()

    def folder(self, workflow_id: str) -> Path:
        return result_folder(self.data_dir, workflow_id)

    def is_safe(self, workflow_id: str) -> bool:
        return (self.folder(workflow_id) / "safe.json").exists()

    def log(self) -> list[dict]:
        lines = (self.data_dir / "worker.log").read_text().splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]


def secret_json(settings: Settings) -> str:
    """Write settings with their secrets, as a file of a site has them."""
    plain = settings.model_dump(mode="json")
    for written, real in zip(plain["destinations"], settings.destinations, strict=True):
        for name in ("password", "token"):
            secret = getattr(real, name)
            written[name] = secret.get_secret_value() if secret else None
    return json.dumps(plain)


@pytest.fixture
def make_bench(tmp_path: Path) -> Iterator[Callable[..., Bench]]:
    """Benches with settings of their own; their workers end with the test."""
    made: list[Bench] = []

    def make(**sections: object) -> Bench:
        data_dir = tmp_path / f"data-{len(made)}"
        Layout(data_dir).create()
        (tmp_path / "out").mkdir(exist_ok=True)
        engine = {"poll_s": 0.05} | dict(sections.pop("engine", {}))
        sections.setdefault(
            "destinations", [{"name": "here", "kind": "folder", "path": str(tmp_path / "out"), "first_retry_s": 0.1}]
        )
        settings = Settings.model_validate(
            {"data_dir": str(data_dir), "engine": engine, "compute": {"lungs": "lungs-rule"}} | sections
        )
        made.append(Bench(data_dir, settings))
        return made[-1]

    yield make
    for bench in made:
        for process in bench.workers:
            if process.poll() is None:
                bench.kill(process)


@pytest.fixture
def bench(make_bench: Callable[..., Bench]) -> Bench:
    """One bench with one folder as destination."""
    return make_bench()


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where the folder destination lies."""
    return tmp_path / "out"
