"""The plugin inside a real Orthanc, with a listener in the node's place."""

import json
import os
import signal
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, generate_uid
from pynetdicom import AE

from node.harness.orthanc import OrthancSite, running_orthanc

pytestmark = pytest.mark.orthanc

FAST = {"StableAge": 1}


@pytest.fixture
def site(tmp_path: Path) -> OrthancSite:
    return OrthancSite(tmp_path / "orthanc")


@pytest.fixture
def told() -> Iterator[tuple[str, list[dict[str, object]]]]:
    """A status page that keeps what it was told: its address and the list."""
    heard: list[dict[str, object]] = []

    class Page(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            heard.append({"path": self.path, **json.loads(body)})
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", heard
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def upload(site: OrthancSite, files: list[bytes]) -> str:
    """Store files and return Orthanc's id of their series."""
    answers = [site.rest("POST", "/instances", data) for data in files]
    return answers[0]["ParentSeries"]


def status(site: OrthancSite) -> dict:
    return site.rest("GET", "/lungnode/status")


def test_a_stable_series_arrives_whole_and_its_count_was_told_first(site, listener, make_series, told):
    url, heard = told
    series_uid, files = make_series(5)
    with running_orthanc(site, listener.port, status_url=url, overrides=FAST):
        upload(site, files)
        assert len(listener.wait_for(5, series_uid)) == 5
    assert [(h["path"], h["series_instance_uid"], h["n_instances"], h["modality"]) for h in heard] == [
        ("/api/expected", series_uid, 5, "CT")
    ]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"modality": "SEG"}, "modality"),
        ({"manufacturer": "lungnode"}, "made by lungnode"),
        ({"model": "LungNode "}, "made by lungnode"),
    ],
    ids=["another modality", "our manufacturer", "our model"],
)
def test_what_is_not_wanted_is_not_sent_and_the_reason_is_given(site, listener, make_series, eventually, change, why):
    unwanted_uid, unwanted = make_series(2, **change)
    wanted_uid, wanted = make_series(2)
    with running_orthanc(site, listener.port, overrides=FAST):
        series = upload(site, unwanted)
        eventually(lambda: site.rest("GET", f"/series/{series}")["IsStable"])
        upload(site, wanted)  # later in the log: once it is here, the other one has been judged
        assert len(listener.wait_for(2, wanted_uid)) == 2
        answer = site.rest("POST", f"/lungnode/analyse/{series}", b"{}")
    assert listener.of(unwanted_uid) == set()
    assert answer["queued"] == []
    assert why in answer["left"][0]["why"]


def test_a_node_that_was_away_gets_the_series_when_it_is_back(site, listener, make_series, eventually):
    series_uid, files = make_series(3)
    listener.close()
    with running_orthanc(site, listener.port, overrides={**FAST, "LungNode": {"RetrySeconds": 1}}):
        upload(site, files)
        eventually(lambda: any(entry["attempts"] for entry in status(site)["waiting"]))
        listener.open()
        assert len(listener.wait_for(3, series_uid)) == 3
        eventually(lambda: status(site)["sent"] == 1 and not status(site)["waiting"])


def test_a_node_that_is_away_for_long_is_not_given_up(site, listener, make_series, eventually):
    series_uid, files = make_series(3)
    listener.close()
    overrides = {**FAST, "LungNode": {"RetrySeconds": 1, "GiveUpAfter": 2}}
    with running_orthanc(site, listener.port, overrides=overrides):
        upload(site, files)
        eventually(lambda: any(entry["attempts"] > 2 for entry in status(site)["waiting"]))
        listener.open()
        assert len(listener.wait_for(3, series_uid)) == 3
        assert status(site)["failed"] == []


def test_a_node_that_refuses_what_it_is_sent_is_given_up(site, listener, make_series, eventually):
    _, files = make_series(1)
    listener.status = 0xA900
    overrides = {**FAST, "LungNode": {"RetrySeconds": 0.1, "GiveUpAfter": 2}}
    with running_orthanc(site, listener.port, overrides=overrides):
        series = upload(site, files)
        eventually(lambda: [one["series"] for one in status(site)["failed"]] == [series])
    assert len(listener.received) == 2


def test_a_node_that_answers_nothing_is_not_given_up(site, make_series, eventually):
    _, files = make_series(1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        overrides = {**FAST, "LungNode": {"RetrySeconds": 0.1, "GiveUpAfter": 1}}
        with running_orthanc(site, silent.getsockname()[1], overrides=overrides):
            upload(site, files)
            eventually(lambda: any(entry["attempts"] > 1 for entry in status(site)["waiting"]))
            assert status(site)["failed"] == []
            assert status(site)["waiting"][0]["error"] == "the node takes no association"


def test_a_series_that_waited_for_the_node_survives_a_restart_of_orthanc(site, listener, make_series, eventually):
    series_uid, files = make_series(3)
    listener.close()
    with running_orthanc(site, listener.port, overrides=FAST):
        upload(site, files)
        eventually(lambda: any(entry["attempts"] for entry in status(site)["waiting"]))
    listener.open()
    with running_orthanc(site, listener.port, overrides=FAST):
        assert len(listener.wait_for(3, series_uid)) == 3


def test_a_killed_orthanc_forgets_nothing(site, listener, make_series, eventually):
    series_uid, files = make_series(3)
    listener.close()
    with running_orthanc(site, listener.port, overrides=FAST):
        upload(site, files)
        eventually(lambda: any(entry["attempts"] for entry in status(site)["waiting"]))
        os.kill(process_of(site), signal.SIGKILL)
    listener.open()
    with running_orthanc(site, listener.port, overrides=FAST):
        assert len(listener.wait_for(3, series_uid)) == 3


def test_a_series_that_was_still_growing_when_orthanc_went_down_is_caught_up(site, listener, make_series):
    series_uid, files = make_series(3)
    with running_orthanc(site, listener.port, overrides={"StableAge": 3600}):
        status(site)
        upload(site, files)
    assert listener.of(series_uid) == set()
    with running_orthanc(site, listener.port, overrides=FAST):
        assert len(listener.wait_for(3, series_uid)) == 3


def test_what_became_stable_while_the_plugin_was_off_is_caught_up(site, listener, make_series, eventually):
    series_uid, files = make_series(2)
    without = {**FAST, "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"]}
    with running_orthanc(site, listener.port, overrides=FAST):
        status(site)
    with running_orthanc(site, listener.port, overrides=without):
        series = upload(site, files)
        eventually(lambda: site.rest("GET", f"/series/{series}")["IsStable"])
    with running_orthanc(site, listener.port, overrides=FAST):
        assert len(listener.wait_for(2, series_uid)) == 2


def test_an_archive_that_was_there_before_the_plugin_is_not_sent(site, listener, make_series, eventually):
    old_uid, old = make_series(2)
    new_uid, new = make_series(2)
    without = {**FAST, "Plugins": ["/usr/share/orthanc/plugins/libOrthancDicomWeb.so"]}
    with running_orthanc(site, listener.port, overrides=without):
        series = upload(site, old)
        eventually(lambda: site.rest("GET", f"/series/{series}")["IsStable"])
    with running_orthanc(site, listener.port, overrides=FAST):
        status(site)
        upload(site, new)
        assert len(listener.wait_for(2, new_uid)) == 2
    assert listener.of(old_uid) == set()


def test_a_study_is_analysed_by_rest_and_says_what_it_left(site, listener, make_series):
    study_uid = generate_uid()
    ct_uid, ct = make_series(2, study_uid=study_uid)
    other_uid, other = make_series(1, study_uid=study_uid, modality="MR")
    with running_orthanc(site, listener.port, overrides={**FAST, "LungNode": {"Automatic": False}}):
        series, left = upload(site, ct), upload(site, other)
        study = site.rest("GET", f"/series/{series}")["ParentStudy"]
        answer = site.rest("POST", f"/lungnode/analyse/{study}", b"{}")
        assert len(listener.wait_for(2, ct_uid)) == 2
    assert answer["queued"] == [series]
    assert [entry["series"] for entry in answer["left"]] == [left]
    assert listener.of(other_uid) == set()


def test_an_unknown_id_is_answered_404_and_a_wrong_method_405(site, listener):
    with running_orthanc(site, listener.port, overrides=FAST):
        outcomes = [
            call(site, "POST", "/lungnode/analyse/00000000-00000000-00000000-00000000-00000000"),
            call(site, "GET", "/lungnode/analyse/00000000-00000000-00000000-00000000-00000000"),
            call(site, "POST", "/lungnode/status"),
        ]
    assert outcomes == [404, 405, 405]


def test_nobody_may_trigger_an_analysis_without_a_password(site, listener):
    with running_orthanc(site, listener.port, overrides=FAST):
        assert call(site, "GET", "/lungnode/status", login=False) == 401


def test_a_misspelt_key_is_named_in_the_log(site, listener):
    with running_orthanc(site, listener.port, overrides={"LungNode": {"Modalitys": ["CT"]}}):
        pass
    assert "unknown key 'Modalitys'" in site.log.read_text()


def test_a_stranger_may_not_store(site, listener, make_series, tmp_path):
    """The configuration that is shipped turns unknown senders and wrong called titles away."""
    make_series(1)
    image = dcmread(next(tmp_path.glob("*.dcm")))
    ae = AE("STRANGER")
    ae.add_requested_context(CTImageStorage)
    with running_orthanc(site, listener.port, overrides=FAST):
        wrong_called = ae.associate("127.0.0.1", site.dicom_port, ae_title="OTHER")
        stranger = ae.associate("127.0.0.1", site.dicom_port, ae_title="ORTHANC")
        answer = stranger.send_c_store(image) if stranger.is_established else Dataset()
        stranger.abort()
        stored = site.rest("GET", "/instances")
    assert not wrong_called.is_established
    assert answer.get("Status") != 0x0000
    assert stored == []


def process_of(site: OrthancSite) -> int:
    """Return the process that runs this Orthanc."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and str(site.folder / "orthanc.json").encode() in cmdline(process).split(b"\0"):
            return int(process.name)
    pytest.fail("no such process")


def cmdline(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def call(site: OrthancSite, method: str, path: str, *, login: bool = True) -> int:
    """Return the HTTP status."""
    headers = {"Authorization": site.authorization} if login else {}
    body = b"{}" if method == "POST" else None
    request = urllib.request.Request(site.url + path, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
