"""Asking archives: counts in the background, identities field by field."""

import queue
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydicom import dcmread

from node.archive.answers import StudyIdentity
from node.archive.endpoint import WebEndpoint
from node.engine.counts import AskedArchive, Counts
from node.engine.outside import differing, identity_differs
from node.errors import Misconfigured, OurMistake, WorldUnavailable
from node.facts.read import read_facts
from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.grid import grid_at
from node.phantom.simple import make_asymmetric
from node.settings import Settings

ARCHIVE = AskedArchive("a", WebEndpoint("http://127.0.0.1:1", 1.0), ())
SAME = StudyIdentity("P1", "", "19500101", "A1")


@pytest.fixture
def image(tmp_path: Path) -> Path:
    phantom = make_asymmetric(grid_at((0.0, 0.0, 0.0), (2, 8, 8), (20.0, 40.0, 40.0)))
    options = SeriesOptions(patient_id="P1", birth_date="19500101", accession_number="A1")
    return write_series(phantom, tmp_path / "image", options)[0]


@pytest.mark.parametrize(
    ("identity", "fields"),
    [
        pytest.param(SAME, [], id="the same"),
        pytest.param(StudyIdentity(None, None, None, None), [], id="the archive tells nothing"),
        pytest.param(StudyIdentity("P2", "", "19500101", "A1"), ["Patient ID"], id="another patient"),
        pytest.param(StudyIdentity("P1", "X", "19500101", "A1"), ["Issuer of Patient ID"], id="another issuer"),
        pytest.param(StudyIdentity("P1", "", "19500102", "A1"), ["Patient's Birth Date"], id="another birth date"),
        pytest.param(StudyIdentity("P1", "", "19500101", ""), ["Accession Number"], id="no accession number"),
    ],
)
def test_an_identity_differs_in_named_fields(image: Path, identity: StudyIdentity, fields: list[str]) -> None:
    assert differing(identity, read_facts(image)) == fields


@pytest.fixture
def not_found() -> Iterator[str]:
    """The address of a web server that knows nothing: it answers everything with 404."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Nothing) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/wrong"
        server.shutdown()


class Nothing(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(404)

    def log_message(self, *_):
        """Say nothing."""


def settings(tmp_path: Path, url: str, **rules: object) -> Settings:
    archives = [{"name": "pacs", "dicomweb_url": url, "timeout_s": 1.0}]
    return Settings.model_validate({"data_dir": str(tmp_path), "archives": archives, "rules": rules})


def test_a_silent_archive_lets_a_delivery_go_unless_the_settings_forbid_it(tmp_path: Path, image: Path) -> None:
    nobody = "http://127.0.0.1:1"
    assert identity_differs(settings(tmp_path, nobody), "1.2", image) is None
    with pytest.raises(WorldUnavailable):
        identity_differs(settings(tmp_path, nobody, stop_without_identity_check=True), "1.2", image)


def test_a_wrong_address_of_the_archive_stops_no_delivery(tmp_path: Path, image: Path, not_found: str) -> None:
    assert identity_differs(settings(tmp_path, not_found), "1.2", image) is None


@pytest.mark.orthanc
def test_a_real_archive_is_asked_and_the_patient_is_not_quoted(tmp_path: Path, image: Path, orthanc) -> None:
    orthanc.clear()
    orthanc.upload(image)
    study = str(dcmread(image).StudyInstanceUID)
    known = settings(tmp_path, orthanc.dicomweb_url)
    login = known.archives[0].model_copy(update={"username": orthanc.username, "password": secret(orthanc.password)})
    known = known.model_copy(update={"archives": (login,)})
    assert identity_differs(known, study, image) is None
    other = dcmread(image)
    other.PatientID = "SOMEBODY"
    other.save_as(tmp_path / "other.dcm")
    said = identity_differs(known, study, tmp_path / "other.dcm")
    assert said == "ID-CHANGED: Patient ID of the study in archive 'pacs' differ from the result's"


def secret(text: str):
    return Settings.model_validate({"archives": [{"password": text}]}).archives[0].password


def answers(counts: Counts, n: int) -> tuple:
    deadline_s = time.monotonic() + 10
    while len(found := counts.answers("1.2", "1.2.3", "CT1")) < n:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    return found


def test_counts_come_in_the_background_and_make_news() -> None:
    counts = Counts((ARCHIVE,), count=lambda *_: 64)
    assert answers(counts, 1)[0].n_instances == 64
    assert counts.news.get(timeout=5) == "1.2"
    counts.close()


def test_an_archive_that_hangs_delays_nobody() -> None:
    released = threading.Event()
    counts = Counts((ARCHIVE,), count=lambda *_: released.wait(30) and None)
    began_s = time.monotonic()
    for _ in range(100):
        counts.answers("1.2", "1.2.3", "CT1")
    assert time.monotonic() - began_s < 5
    released.set()
    counts.close()


@pytest.mark.parametrize("error", [WorldUnavailable, Misconfigured, OurMistake, RuntimeError])
def test_a_failing_archive_is_not_asked_again_at_once(error: type[Exception]) -> None:
    asked: list[str] = []

    def fail(_endpoint: object, study: str, _series: str) -> int:
        asked.append(study)
        raise error("ARCHIVE-DOWN", "nobody answers")

    counts = Counts((ARCHIVE,), count=fail)
    counts.answers("1.2", "1.2.3", "CT1")
    assert counts.news.get(timeout=5) == "1.2"
    assert counts.answers("1.2", "1.2.3", "CT1") == ()
    with pytest.raises(queue.Empty):
        counts.news.get(timeout=0.3)
    assert asked == ["1.2"]
    counts.close()


def test_an_archive_is_asked_only_about_the_senders_it_knows() -> None:
    asked: list[str] = []
    known = AskedArchive("a", ARCHIVE.endpoint, ("CT1",))
    counts = Counts((known,), count=lambda _e, study, _s: asked.append(study))
    counts.answers("1.9", "1.9.1", "STRANGER")
    counts.answers("1.2", "1.2.3", "CT1")
    assert counts.news.get(timeout=5) == "1.2"
    assert asked == ["1.2"]
    counts.close()


def test_what_nobody_asks_for_any_more_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = Counts((ARCHIVE,), count=lambda *_: 64)
    answers(counts, 1)
    now_s = time.time()
    monkeypatch.setattr("node.engine.counts.time.time", lambda: now_s + 4000.0)
    counts.answers("1.3", "1.3.1", "CT1")
    assert list(counts._asked) == [("1.3", "1.3.1")]
    counts.close()
