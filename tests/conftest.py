"""What several rooms' tests share: the folder of real data, and a real Orthanc."""

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

# how long an example takes says more about the machine's other work than about the code
hypothesis_settings.register_profile("lungnode", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("lungnode")

# Lungs by rules take a second where the default network takes ten: tests that are not about lungs use them, in this
# process wherever settings are loaded, and in each process that a test starts. `test_default_lungs.py` has the default.
os.environ["LUNGNODE_COMPUTE__LUNGS"] = "lungs-rule"

REPOSITORY = Path(__file__).resolve().parent.parent
ORTHANC = "/usr/sbin/Orthanc"
DICOMWEB_PLUGIN = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
READY_WITHIN_S = 60.0


@dataclass(frozen=True)
class OrthancServer:
    """A running Orthanc: where it listens and how to log in."""

    http_url: str
    dicomweb_url: str
    http_port: int
    dicom_port: int
    ae_title: str
    username: str
    password: str
    folder: Path
    process: "subprocess.Popen[bytes]"

    def rest(self, method: str, path: str, body: bytes | None = None) -> object:
        """Call the REST interface and return the decoded JSON."""
        login = b64encode(f"{self.username}:{self.password}".encode()).decode()
        request = urllib.request.Request(
            self.http_url + path, data=body, method=method, headers={"Authorization": f"Basic {login}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def upload(self, path: Path) -> None:
        """Store one file."""
        self.rest("POST", "/instances", path.read_bytes())

    def clear(self) -> None:
        """Delete everything, so that a test starts from nothing."""
        for patient in self.rest("GET", "/patients"):
            self.rest("DELETE", f"/patients/{patient}")


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real DICOM and labelled sets, read-only; tests that need it are skipped where it is absent."""
    folder = Path(os.environ.get("LUNGNODE_DATA", REPOSITORY / ".." / "shared" / "data")).resolve()
    if not (folder / "odd" / "expected.json").exists():
        pytest.skip(f"the data folder {folder} is absent; set LUNGNODE_DATA")
    return folder


@pytest.fixture(scope="session")
def start_orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., OrthancServer]]:
    """Start further Orthancs, with keys of their own: `start_orthanc(StableAge=1)`. All end with the session."""
    with ExitStack() as stack:

        def start(**overrides: object) -> OrthancServer:
            return stack.enter_context(running_orthanc(tmp_path_factory.mktemp("orthanc"), overrides))

        yield start


@pytest.fixture(scope="session")
def orthanc(start_orthanc: Callable[..., OrthancServer]) -> OrthancServer:
    """One Orthanc for the whole session: use UIDs of your own, or call `orthanc.clear()` first."""
    return start_orthanc()


def free_port() -> int:
    """Return a port that nobody listens on; for programs that cannot be told to take port 0."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_orthanc(folder: Path, overrides: dict[str, object]) -> Iterator[OrthancServer]:
    """Run Orthanc in `folder` until the block ends; another process may take a free port first, so try thrice."""
    for attempt in range(3):
        server = _launch(folder, overrides)
        try:
            if _ready(server):
                yield server
                return
        finally:
            _stop(server)
        if attempt == 2:
            pytest.fail("Orthanc did not start:\n" + (folder / "log").read_text(errors="replace")[-3000:])


def _launch(folder: Path, overrides: dict[str, object]) -> OrthancServer:
    http_port, dicom_port = free_port(), free_port()
    configuration: dict[str, object] = {
        "Name": "ORTH",
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "HttpPort": http_port,
        "DicomPort": dicom_port,
        "DicomAet": "ORTHANC",
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {"tester": "secret-for-tests"},
        "StableAge": 1,
        "OverwriteInstances": False,
        "ExecuteLuaEnabled": False,
        "DicomAlwaysAllowFind": True,
        "Plugins": [DICOMWEB_PLUGIN],
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": True},
    } | overrides
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [ORTHANC, str(folder / "orthanc.json")],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | {"TCP_NODELAY": "1"},
        )
    http_url = f"http://127.0.0.1:{http_port}"
    return OrthancServer(
        http_url=http_url,
        dicomweb_url=f"{http_url}/dicom-web",
        http_port=http_port,
        dicom_port=dicom_port,
        ae_title=str(configuration["DicomAet"]),
        username="tester",
        password="secret-for-tests",
        folder=folder,
        process=process,
    )


def _ready(server: OrthancServer) -> bool:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            server.rest("GET", "/system")
            with socket.create_connection(("127.0.0.1", server.dicom_port), timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)  # a bounded poll: Orthanc has no signal of its own
    return False


def _stop(server: OrthancServer) -> None:
    server.process.terminate()
    try:
        server.process.wait(20)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait(20)
