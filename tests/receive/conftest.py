"""Shared by the receiver's tests: a receiver in its own process, real peers, and small instances."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

REPOSITORY = Path(__file__).resolve().parents[2]
CT = "1.2.840.10008.5.1.4.1.1.2"

_DRIVER = """
import json, sys
from pathlib import Path
import structlog
structlog.configure(processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
                    logger_factory=structlog.PrintLoggerFactory(sys.stderr))
from node.receive.process import serve_forever
from node.settings import Disk, Receive
given = json.loads(sys.argv[1])
serve_forever(Receive.model_validate(given["receive"]), Disk.model_validate(given["disk"]), Path(given["data_dir"]),
              on_ready=lambda port, tls_port: print(port, tls_port or 0, flush=True))
"""

PEERS = ("STORESCU", "DCMSEND", "ECHOSCU", "TESTER")


@dataclass
class Running:
    """A receiver in a process of its own."""

    process: "subprocess.Popen[str]"
    port: int
    tls_port: int
    data_dir: Path
    log_path: Path
    settings: dict[str, object] = field(default_factory=dict)

    def log(self, event: str | None = None) -> list[dict[str, object]]:
        """The structured log lines so far, or those of one event."""
        lines = [json.loads(line) for line in self.log_path.read_text().splitlines() if line.startswith("{")]
        return [line for line in lines if event is None or line["event"] == event]

    def journal(self, event: str | None = None) -> list[dict[str, object]]:
        """The journal's lines so far, or those of one event."""
        paths = sorted((self.data_dir / "spool" / "journal").glob("*.jsonl"))
        lines = [json.loads(line) for path in paths for line in path.read_text().splitlines()]
        return [line for line in lines if event is None or line["event"] == event]

    def kept(self, place: str = "studies") -> list[Path]:
        """The files in one place of the spool."""
        return sorted((self.data_dir / "spool" / place).rglob("*.dcm"))

    def temporary(self) -> list[Path]:
        """Temporary files."""
        return list((self.data_dir / "spool" / "incoming").iterdir())

    def kill(self) -> None:
        """kill -9, and wait for the end."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(20)

    def stop(self) -> int:
        """SIGTERM, and return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)


def start_receiver(data_dir: Path, *, disk: dict[str, float] | None = None, **receive: object) -> Running:
    """Start a receiver and wait for the line that says it is ready."""
    data_dir.mkdir(parents=True, exist_ok=True)
    settings: dict[str, object] = {"port": 0, "peers": [{"ae_title": title} for title in PEERS]} | receive
    given = {"receive": settings, "disk": disk or {"soft_free_gib": 0, "hard_free_gib": 0}, "data_dir": str(data_dir)}
    log_path = data_dir / "log"
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _DRIVER, json.dumps(given)],
            stdout=subprocess.PIPE, stderr=log, text=True, cwd=REPOSITORY,
        )  # fmt: skip
    assert process.stdout is not None
    line = process.stdout.readline()
    if not line:
        process.wait(10)
        pytest.fail("the receiver did not start:\n" + log_path.read_text()[-3000:])
    port, tls_port = map(int, line.split())
    return Running(process, port, tls_port, data_dir, log_path, settings)


@contextmanager
def running(data_dir: Path, *, disk: dict[str, float] | None = None, **receive: object) -> Iterator[Running]:
    """A receiver for the length of a block."""
    receiver = start_receiver(data_dir, disk=disk, **receive)
    try:
        yield receiver
    finally:
        if receiver.process.poll() is None:
            receiver.kill()
        assert receiver.process.stdout is not None
        receiver.process.stdout.close()


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Running]:
    """A receiver with its defaults."""
    with running(tmp_path / "node") as one:
        yield one


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start receivers with settings of one's own; all end with the test."""
    with ExitStack() as stack:

        def begin(name: str = "node", **receive: object) -> Running:
            return stack.enter_context(running(tmp_path / name, **receive))

        yield begin


def ct_slice(**changes: object) -> Dataset:
    """A small CT instance; `changes` are keywords of the data set."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = CT
    ds.SOPInstanceUID = generate_uid()
    ds.StudyInstanceUID = "1.2.3.4"
    ds.SeriesInstanceUID = "1.2.3.4.5"
    ds.PatientID = "TEST"
    ds.PatientName = "Phantom^Marker"
    ds.PatientBirthDate = "19500101"
    ds.PatientSex = "O"
    ds.Modality = "CT"
    ds.StudyDate = "20200101"
    ds.AccessionNumber = "A1"
    ds.Rows, ds.Columns = 64, 32
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.PixelData = (np.arange(64 * 32) % 4096).astype("<u2").tobytes()
    ds.RescaleSlope, ds.RescaleIntercept = 1, -1024
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    return ds


def write(ds: Dataset, path: Path) -> Path:
    """Write an instance as a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return path


def write_series(folder: Path, n_slices: int, **changes: object) -> list[Path]:
    """Write several instances of one series."""
    return [write(ct_slice(**changes), folder / f"{number:04d}.dcm") for number in range(n_slices)]


def data_set_bytes(path: Path) -> bytes:
    """The bytes behind the file meta information, found without our own reader."""
    raw = path.read_bytes()
    length = int.from_bytes(raw[140:144], "little")
    return raw[144 + length :]


def dcmtk(program: str, *arguments: object, check: bool = True) -> "subprocess.CompletedProcess[str]":
    """Run one of DCMTK's programs (by its full path: other packages install the same names)."""
    command = [f"/usr/bin/{program}", *map(str, arguments)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, env=os.environ | {"TCP_NODELAY": "1"}, check=False
    )
    if check:
        assert done.returncode == 0, done.stdout + done.stderr
    return done


@pytest.fixture(scope="session")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """A throw-away authority with a server's and a client's certificate, and another authority's client."""
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments: object) -> None:
        subprocess.run(["/usr/bin/openssl", *map(str, arguments)], check=True, capture_output=True)

    for authority in ("ca", "stranger"):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 2,
                "-subj", f"/CN={authority}", "-keyout", folder / f"{authority}.key",
                "-out", folder / f"{authority}.pem")  # fmt: skip
    (folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
    for name, authority in (("server", "ca"), ("client", "ca"), ("intruder", "stranger")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", f"/CN={name}",
                "-keyout", folder / f"{name}.key", "-out", folder / f"{name}.csr")  # fmt: skip
        openssl("x509", "-req", "-in", folder / f"{name}.csr", "-CA", folder / f"{authority}.pem", "-CAkey",
                folder / f"{authority}.key", "-CAcreateserial", "-days", 2, "-extfile", folder / "names", "-out",
                folder / f"{name}.pem")  # fmt: skip
    return {
        "server": {
            "tls_certificate": str(folder / "server.pem"),
            "tls_key": str(folder / "server.key"),
            "tls_ca": str(folder / "ca.pem"),
        },
        "authority": str(folder / "ca.pem"),
        "client_certificate": str(folder / "client.pem"),
        "client_key": str(folder / "client.key"),
        "intruder_certificate": str(folder / "intruder.pem"),
        "intruder_key": str(folder / "intruder.key"),
    }
