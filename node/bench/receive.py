"""C-STORE receive, flushed to disk, beside DCMTK's storescp (which does not flush) and Orthanc, in one run.

All are sent the same series by DCMTK's `dcmsend`, one association per series, and what counts is what lies at the
receiver, never what the sender returned. The peers run with `TCP_NODELAY=1`, without which DCMTK and Orthanc wait
for delayed acknowledgements and every comparison flatters us; beside it all run as installed. Sides take turns and
each one's best round counts, so that a busy machine is busy for all. The rows "in memory" put the files on a RAM
disk, where a flush costs nothing: they compare the network side alone.
"""

import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from node.bench.row import Row
from node.errors import WorldUnavailable

_STORESCP, _ORTHANC, _DCMSEND = Path("/usr/bin/storescp"), Path("/usr/sbin/Orthanc"), Path("/usr/bin/dcmsend")
_N_SLICES = 300
_N_AS_INSTALLED = 40  # at about 16 a second
_N_ASSOCIATIONS = 4
_ROUNDS = 3
_READY_WITHIN_S = 60.0
_MEMORY = Path("/dev/shm")  # noqa: S108  a RAM disk is what is meant
_OURS = """
import sys
from pathlib import Path
import structlog
structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
from node.receive.process import serve_forever
from node.settings import Disk, Peer, Receive
serve_forever(Receive(port=0, peers=(Peer(ae_title="DCMSEND"),), processes=int(sys.argv[2])),
              Disk(soft_free_gib=0, hard_free_gib=0), Path(sys.argv[1]), on_ready=lambda port, _: print(port, flush=1))
"""


@dataclass(frozen=True, slots=True)
class _Running:
    """A receiver that is up: its port, and how many instances lie there now."""

    port: int
    n_kept: Callable[[], int]
    process_id: int


_Start = Callable[[Path, dict[str, str]], contextlib.AbstractContextManager[_Running]]


def bench_receive(
    n_slices: int = _N_SLICES, n_as_installed: int = _N_AS_INSTALLED, rounds: int = _ROUNDS, processes: int = 1
) -> list[Row]:
    """Time receiving.

    Parameters
    ----------
    n_slices : of each of the four series, 512 × 512 × 16 bit.
    n_as_installed : slices where the peers are slow.
    rounds : how often each side receives.
    processes : how many receiver processes of ours share the port.

    Raises
    ------
    WorldUnavailable
        BENCH-PEER: DCMTK or Orthanc is not installed, or does not start.
    """
    for program in (_STORESCP, _ORTHANC, _DCMSEND):
        if not program.exists():
            raise WorldUnavailable("BENCH-PEER", f"{program} is not installed (Debian packages dcmtk and orthanc)")

    def ours(folder: Path, environment: dict[str, str]) -> contextlib.AbstractContextManager[_Running]:
        return _ours(folder, environment, processes)

    sides: dict[str, _Start] = {"ours": ours, "storescp --fork": _storescp, "Orthanc": _orthanc}
    with tempfile.TemporaryDirectory(prefix="lungnode-bench-") as name:
        series = [_write_series(Path(name) / f"series{i}", n_slices) for i in range(_N_ASSOCIATIONS)]
        few = [_write_series(Path(name) / f"few{i}", n_as_installed) for i in range(_N_ASSOCIATIONS)]
        rows = []
        for n, scp, orthanc in ((1, 0.8, 1.5), (_N_ASSOCIATIONS, 1.0, 2.0)):
            rates = _rates(sides, series[:n], Path(name), rounds, nodelay=True)
            rows += _rows(f"C-STORE receive, flushed, {n} association(s)", rates, scp, orthanc)
        if _MEMORY.is_dir():
            for n in (1, _N_ASSOCIATIONS):
                two = {side: sides[side] for side in ("ours", "storescp --fork")}
                rates = _rates(two, series[:n], _MEMORY, rounds, nodelay=True)
                rows += _rows(f"the same in memory, {n} association(s)", rates)
        for n in (1, _N_ASSOCIATIONS):
            rates = _rates(sides, few[:n], Path(name), 1, nodelay=False)
            rows += _rows(f"as installed, {n} association(s)", rates)
        return [*rows, _memory_row(series, Path(name))]


def _rows(what: str, rates: dict[str, float], scp: float | None = None, orthanc: float | None = None) -> list[Row]:
    targets = {"storescp --fork": scp, "Orthanc": orthanc}
    return [
        Row(what, rates["ours"], "instances/s", rate, peer, at_least=targets[peer])
        for peer, rate in rates.items()
        if peer != "ours"
    ]


def _rates(
    sides: dict[str, _Start], series: list[Path], where: Path, rounds: int, *, nodelay: bool
) -> dict[str, float]:
    """Return each side's best rate, instances per second."""
    best = dict.fromkeys(sides, 0.0)
    for _ in range(rounds):
        for side, start in sides.items():
            best[side] = max(best[side], _rate(start, series, where, nodelay=nodelay))
    return best


def _rate(start: _Start, series: list[Path], where: Path, *, nodelay: bool) -> float:
    """Send all series at once and count what has arrived when the senders are done."""
    environment = os.environ | ({"TCP_NODELAY": "1"} if nodelay else {})
    folder = Path(tempfile.mkdtemp(dir=where, prefix="lungnode-bench-"))
    try:
        with start(folder, environment) as receiver:
            began_s = time.perf_counter()
            _send(series, receiver.port, environment)
            return receiver.n_kept() / (time.perf_counter() - began_s)
    finally:
        shutil.rmtree(folder)


def _send(series: list[Path], port: int, environment: dict[str, str]) -> None:
    """Run one sender per series; their exit status says nothing about what was stored."""
    senders = [
        subprocess.Popen(
            [_DCMSEND, "+sd", "-aec", "LUNGNODE", "127.0.0.1", str(port), folder],
            env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for folder in series
    ]  # fmt: skip
    for sender in senders:
        sender.wait()


@contextlib.contextmanager
def _ours(folder: Path, environment: dict[str, str], processes: int) -> Iterator[_Running]:
    command = [sys.executable, "-c", _OURS, str(folder), str(processes)]
    with _process(command, environment, folder, capture=True) as process:
        if process.stdout is None or not (line := process.stdout.readline()):
            raise WorldUnavailable("BENCH-PEER", f"our receiver did not start: {(folder / 'log').read_text()[-500:]}")
        yield _Running(int(line), lambda: _n_files(folder / "spool" / "studies"), process.pid)


@contextlib.contextmanager
def _storescp(folder: Path, environment: dict[str, str]) -> Iterator[_Running]:
    port = _free_port()
    received = folder / "received"
    received.mkdir()
    with _process([_STORESCP, "+xa", "--fork", "-od", received, str(port)], environment, folder) as process:
        _wait_for(lambda: _listens(port), "storescp")
        yield _Running(port, lambda: _n_files(received), process.pid)


@contextlib.contextmanager
def _orthanc(folder: Path, environment: dict[str, str]) -> Iterator[_Running]:
    dicom_port, http_port = _free_port(), _free_port()
    configuration = {
        "StorageDirectory": str(folder / "db"), "IndexDirectory": str(folder / "db"), "HttpPort": http_port,
        "DicomPort": dicom_port, "DicomAet": "LUNGNODE", "RemoteAccessAllowed": False, "AuthenticationEnabled": True,
        "RegisteredUsers": {"bench": "bench"}, "DicomAlwaysAllowStore": True, "Plugins": [],
    }  # fmt: skip
    (folder / "orthanc.json").write_text(json.dumps(configuration))

    def n_instances() -> int:
        login = base64.b64encode(b"bench:bench").decode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{http_port}/statistics", headers={"Authorization": f"Basic {login}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return int(json.load(answer)["CountInstances"])

    with _process([_ORTHANC, folder / "orthanc.json"], environment, folder) as process:
        _wait_for(lambda: _listens(http_port) and _listens(dicom_port), "Orthanc")
        yield _Running(dicom_port, n_instances, process.pid)


@contextlib.contextmanager
def _process(
    command: Sequence[Path | str], environment: dict[str, str], folder: Path, *, capture: bool = False
) -> Iterator["subprocess.Popen[str]"]:
    """Run a receiver until the block ends."""
    with (folder / "log").open("wb") as log:
        out = subprocess.PIPE if capture else log
        process = subprocess.Popen(command, env=environment, stdout=out, stderr=log, text=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _memory_row(series: list[Path], where: Path) -> Row:
    """Measure our receiver's largest memory while four associations send."""
    folder = Path(tempfile.mkdtemp(dir=where))
    with _ours(folder, dict(os.environ), 1) as receiver:
        _send(series, receiver.port, os.environ | {"TCP_NODELAY": "1"})
        status = Path(f"/proc/{receiver.process_id}/status").read_text()
    return Row("receiver's largest memory, 4 associations", int(status.partition("VmHWM:")[2].split()[0]) / 1024, "MiB",
               at_most=250)  # fmt: skip


def _write_series(folder: Path, n_slices: int) -> Path:
    """Write one series of noise, 512 × 512 × 16 bit, explicit little endian."""
    folder.mkdir()
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = CTImageStorage
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.PatientID, ds.PatientName, ds.Modality = "BENCH", "Bench^Series", "CT"
    ds.Rows = ds.Columns = 512
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelData = np.random.default_rng(0).integers(0, 4096, (512, 512), dtype=np.uint16).tobytes()
    for number in range(n_slices):
        ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        ds.InstanceNumber = number + 1
        ds.save_as(folder / f"{number:04d}.dcm", enforce_file_format=True)
    return folder


def _n_files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


def _wait_for(is_ready: Callable[[], bool], name: str) -> None:
    """Poll until a peer listens."""
    deadline_s = time.monotonic() + _READY_WITHIN_S
    while not is_ready():
        if time.monotonic() > deadline_s:
            raise WorldUnavailable("BENCH-PEER", f"{name} did not start within {_READY_WITHIN_S:.0f} s")
        time.sleep(0.05)
