"""The whole node as its own processes: C-STORE in from DCMTK, SEG and SR out to a real Orthanc."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread

from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.thorax import make_thorax, thorax_grid
from node.store.heartbeat import intake_heartbeat_file, worker_heartbeat_file

pytestmark = pytest.mark.orthanc

REPOSITORY = Path(__file__).resolve().parents[2]
DCMSEND = "/usr/bin/dcmsend"
MARKER = "Zyxmarker"
WITHIN_S = 150.0


@dataclass
class Node:
    """`lungnode serve` on a folder of its own."""

    folder: Path
    port: int
    status_port: int
    process: "subprocess.Popen[bytes]"

    def send(self, files: list[Path]) -> None:
        command = [DCMSEND, "-aet", "TESTER", "-aec", "LUNGNODE", "127.0.0.1", str(self.port)]
        subprocess.run([*command, *map(str, files)], check=True, env=os.environ | {"TCP_NODELAY": "1"})

    def ask(self, path: str, body: dict[str, object] | None = None) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.status_port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def expect(self, series: list[Path]) -> None:
        first = dcmread(series[0], stop_before_pixels=True)
        told = {"study_instance_uid": first.StudyInstanceUID, "series_instance_uid": first.SeriesInstanceUID}
        self.ask("/api/expected", told | {"n_instances": len(series)})

    def jobs(self, study: str) -> list[dict[str, Any]]:
        return [j for j in self.ask("/api/jobs")["jobs"] if j["study_instance_uid"] == study]

    def log(self) -> str:
        return (self.folder / "node.log").read_text()

    def eventually(self, look: Callable[[], Any], within_s: float = WITHIN_S) -> Any:
        deadline_s = time.monotonic() + within_s
        while not (found := look()):
            assert self.process.poll() is None, self.log()[-3000:]
            assert time.monotonic() < deadline_s, self.log()[-4000:]
            time.sleep(0.1)
        return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, orthanc) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("node")
    port, status_port = free_port(), free_port()
    login = f'username = "{orthanc.username}"\npassword = "{orthanc.password}"'
    (folder / "lungnode.toml").write_text(
        f"""
data_dir = "{folder / "data"}"
[receive]
port = {port}
peers = [{{ ae_title = "TESTER" }}]
[watch]
port = {status_port}
[disk]
soft_free_gib = 0.01
hard_free_gib = 0.005
[completeness]
quiet_s = 1.0
quiet_after_abort_s = 2.0
maximum_wait_s = 4.0
[[archives]]
name = "orthanc"
dicomweb_url = "{orthanc.dicomweb_url}"
{login}
[[destinations]]
name = "orthanc"
kind = "stow"
url = "{orthanc.dicomweb_url}"
first_retry_s = 0.5
draws_results = true
{login}
"""
    )
    with (folder / "node.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "node", "serve"],
            stdout=log, stderr=subprocess.STDOUT, cwd=folder,
            env=os.environ | {"LUNGNODE_CONFIG": str(folder / "lungnode.toml"), "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
    running = Node(folder, port, status_port, process)
    running.eventually(lambda: "receive.ready" in running.log() and "engine.started" in running.log())
    yield running
    process.terminate()
    assert process.wait(40) == 0


@pytest.fixture
def study(tmp_path: Path, request: pytest.FixtureRequest) -> Callable[..., list[Path]]:
    """Writes a small thorax under UIDs of the test's own, in the order of its slices."""

    def write(name: str = "a", **changes: Any) -> list[Path]:
        seed = f"{request.node.name}-{os.getpid()}"
        options = replace(
            SeriesOptions(study_seed=seed, series_seed=f"{seed}-series", patient_id=f"P-{seed}"[:64]), **changes
        )
        phantom = make_thorax(thorax_grid(n_slices=32, size=96), seed=1)
        return list(write_series(phantom, tmp_path / name, options))

    return write


def study_uid(files: list[Path]) -> str:
    return str(dcmread(files[0], stop_before_pixels=True).StudyInstanceUID)


def results(orthanc, files: list[Path]) -> list[dict[str, str]]:
    """What the archive holds of a study, beside its images."""
    found = orthanc.rest("POST", "/tools/find", json.dumps(
        {"Level": "Instance", "Query": {"StudyInstanceUID": study_uid(files)}, "Expand": True}
    ).encode())  # fmt: skip
    tags = [orthanc.rest("GET", f"/instances/{i['ID']}/simplified-tags") for i in found]
    return sorted((t for t in tags if t["Modality"] != "CT"), key=lambda t: (t["Modality"], t["SeriesDescription"]))


def test_a_series_becomes_a_segmentation_and_a_report_in_the_archive_once(node: Node, study, orthanc) -> None:
    files = study()
    node.expect(files)
    node.send(files)
    node.eventually(lambda: len(results(orthanc, files)) == 2)
    assert [t["Modality"] for t in results(orthanc, files)] == ["SEG", "SR"]
    node.eventually(lambda: [j["state"] for j in node.jobs(study_uid(files))] == ["done"])
    node.send(files)  # a re-send is a no-op
    again = study("again", study_seed=f"again-{os.getpid()}", series_seed=f"again-{os.getpid()}")
    node.expect(again)
    node.send(again[:3])  # something that the node has to look at after the re-send
    node.eventually(lambda: any(w["n_instances"] == 3 for w in node.ask("/api/jobs")["waiting"]))
    assert len(node.jobs(study_uid(files))) == 1
    assert len(results(orthanc, files)) == 2


def test_worker_and_intake_give_signs_of_life(node: Node) -> None:
    beats = (worker_heartbeat_file(node.folder / "data", "worker-0"), intake_heartbeat_file(node.folder / "data"))
    node.eventually(lambda: all(file.exists() for file in beats))
    before_s = [file.stat().st_mtime for file in beats]
    node.eventually(lambda: all(file.stat().st_mtime > old_s for file, old_s in zip(beats, before_s, strict=True)))


def test_late_slices_supersede_the_first_result_and_say_so(node: Node, study, orthanc) -> None:
    files = study()
    node.send(files[:28])
    node.eventually(lambda: len(results(orthanc, files)) == 2)
    first = next(t for t in results(orthanc, files) if t["Modality"] == "SR")
    node.send(files[28:])
    node.eventually(lambda: len(results(orthanc, files)) == 4)
    second = next(
        t for t in results(orthanc, files) if t["SeriesDescription"].endswith(" r2") and t["Modality"] == "SR"
    )
    assert first["SOPInstanceUID"] in json.dumps(second["PredecessorDocumentsSequence"])
    assert sorted(j["ordinal"] for j in node.jobs(study_uid(files))) == [1, 2]


def test_a_worker_killed_while_it_works_loses_nothing_and_sends_nothing_twice(node: Node, study, orthanc) -> None:
    files = study()
    node.expect(files)
    node.send(files)
    node.eventually(lambda: any(j["state"] == "working" for j in node.jobs(study_uid(files))))
    worker = subprocess.run(
        ["pgrep", "-P", str(node.process.pid), "-f", "node work"], capture_output=True, text=True, check=True
    )
    os.kill(int(worker.stdout.split()[0]), signal.SIGKILL)
    node.eventually(lambda: [j["state"] for j in node.jobs(study_uid(files))] == ["done"])
    assert [t["Modality"] for t in results(orthanc, files)] == ["SEG", "SR"]


def test_a_series_with_a_gap_gets_a_notice(node: Node, study, orthanc) -> None:
    files = study()
    node.send([f for n, f in enumerate(files) if n not in (14, 15)])
    notice = node.eventually(lambda: results(orthanc, files))
    assert [t["SeriesDescription"] for t in notice] == ["lungnode not processed"]
    job = node.eventually(lambda: [j for j in node.jobs(study_uid(files)) if j["state"] == "done"])[0]
    assert (job["outcome"], job["codes"][0]) == ("refused", "SYS-INCOMPLETE")


def test_our_own_results_sent_back_are_ignored(node: Node, study, orthanc, tmp_path: Path) -> None:
    files = study()
    node.expect(files)
    node.send(files)
    node.eventually(lambda: [j["state"] for j in node.jobs(study_uid(files))] == ["done"])
    kept = sorted(
        (node.folder / "data" / "results").glob(f"{node.jobs(study_uid(files))[0]['workflow_id']}/objects/*.dcm")
    )
    node.send(kept)
    node.eventually(lambda: decision(node, study_uid(files), "RT-OWN"))
    assert len(node.jobs(study_uid(files))) == 1
    assert len(results(orthanc, files)) == 2


def test_a_corrected_identity_holds_what_is_not_delivered_and_is_encoded_anew(node: Node, study, orthanc) -> None:
    files = study()
    corrected = study("corrected", patient_id="CORRECTED-1")
    orthanc.upload(corrected[0])  # the archive knows the corrected identity already
    node.expect(files)
    node.send(files)
    node.eventually(lambda: [j["state"] for j in node.jobs(study_uid(files))] == ["held"])
    assert results(orthanc, files) == []
    node.send(corrected)
    node.eventually(lambda: "done" in [j["state"] for j in node.jobs(study_uid(files))])
    assert {t["PatientID"] for t in results(orthanc, files)} == {"CORRECTED-1"}


def test_no_trace_of_the_patient_is_left_in_logs_or_databases(node: Node, study, orthanc) -> None:
    files = study(
        patient_name=f"{MARKER}^Name", patient_id=f"{MARKER}-ID", accession_number=f"{MARKER}A",
        series_description=f"{MARKER} series",
    )  # fmt: skip
    node.expect(files)
    node.send(files)
    node.eventually(lambda: [j["state"] for j in node.jobs(study_uid(files))] == ["done"])
    assert MARKER not in node.log()
    for database in ("engine.sqlite", "index.sqlite"):
        connection = sqlite3.connect(node.folder / "data" / database)
        assert MARKER not in "\n".join(connection.iterdump())
        connection.close()
    plain = [p for p in (node.folder / "data").rglob("*.json*") if p.is_file()]
    assert len(plain) > 3
    assert not [p for p in plain if MARKER in p.read_text()]
    assert any(MARKER in str(t["PatientName"]) for t in results(orthanc, files))  # it was there to be found


def decision(node: Node, study: str, code: str) -> bool:
    connection = sqlite3.connect(node.folder / "data" / "index.sqlite")
    rows = connection.execute("SELECT fields FROM decisions WHERE subject = ?", (study,)).fetchall()
    connection.close()
    return any(json.loads(fields).get("code") == code for (fields,) in rows)
