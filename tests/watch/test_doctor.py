"""Every finding of the doctor, made to appear by its cause."""

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.sop_class import (
    Comprehensive3DSRStorage,
    ComprehensiveSRStorage,
    LabelMapSegmentationStorage,
    SegmentationStorage,
    StudyRootQueryRetrieveInformationModelFind,
    Verification,
)

from node.harness.orthanc import OrthancSite, running_orthanc
from node.harness.ports import free_port
from node.segment import torch_here
from node.settings import (
    Archive,
    Compute,
    Destination,
    Disk,
    Engine,
    Objects,
    Peer,
    Receive,
    Rules,
    Rung,
    Settings,
    Watch,
)
from node.shipped import shipped
from node.watch.doctor import machine
from node.watch.doctor.archives import check_archive
from node.watch.doctor.as_seen_by import seen_as
from node.watch.doctor.clock import check_clock, judge_clock, read_date, read_orthanc
from node.watch.doctor.destinations import check_destination
from node.watch.doctor.examine import examine
from node.watch.doctor.finding import Grade
from node.watch.doctor.machine import check_device, check_disk
from node.watch.doctor.models import check_models
from node.watch.doctor.orthanc import check_orthanc, judge_caller, judge_modalities, judge_plugin
from node.watch.doctor.ports import check_receiver, check_status_port
from node.watch.doctor.searching import check_asking_back


@contextmanager
def dicom_peer(*classes: str, ae_title: str = "PACS", syntax: str | None = None) -> Iterator[int]:
    """Listen as a PACS that takes some classes; its port."""
    entity = AE(ae_title)
    entity.require_called_aet = True
    for sop_class in (Verification, *classes):
        entity.add_supported_context(sop_class, syntax)
    handlers = [(evt.EVT_C_FIND, lambda _event: iter(()))]
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    try:
        yield server.socket.getsockname()[1]
    finally:
        server.shutdown()


@contextmanager
def web_peer(status: int) -> Iterator[str]:
    """Answer every GET with a status; the address."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def pacs(port: int, *objects: Rung, ae_title: str = "PACS") -> Destination:
    return Destination(
        name="pacs", kind="cstore", ae_title=ae_title, host="127.0.0.1", port=port, objects=objects, timeout_s=5
    )


def test_a_free_port_is_well():
    assert check_receiver(Receive(port=free_port()), "LUNGNODE").grade is Grade.OK


def test_our_running_receiver_is_recognised():
    with dicom_peer(ae_title="LUNGNODE") as port:
        finding = check_receiver(Receive(port=port), "LUNGNODE")
    assert (finding.grade, "answers" in finding.text) == (Grade.OK, True)


def test_a_foreign_program_on_the_dicom_port_is_found():
    with web_peer(200) as url:
        finding = check_receiver(Receive(port=int(url.rpartition(":")[2])), "LUNGNODE")
    assert finding.grade is Grade.FAIL
    assert "ss -ltnp" in finding.todo


def test_an_address_that_is_not_ours_is_found():
    finding = check_receiver(Receive(host="192.0.2.1", port=free_port()), "LUNGNODE")
    assert finding.grade is Grade.FAIL
    assert "ip address" in finding.todo


def test_a_taken_status_port_is_named():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        finding = check_status_port(Watch(port=other.getsockname()[1]))
    assert finding.grade is Grade.WARN


@pytest.mark.parametrize(
    ("disk", "grade"),
    [
        (Disk(soft_free_gib=0, hard_free_gib=0), Grade.OK),
        (Disk(soft_free_gib=1e9, hard_free_gib=0), Grade.WARN),
        (Disk(soft_free_gib=1e9, hard_free_gib=1e9), Grade.FAIL),
    ],
    ids=["enough", "below the soft mark", "below the hard mark"],
)
def test_the_marks_of_the_disk_are_judged(tmp_path, disk, grade):
    assert check_disk(tmp_path, disk).grade is grade


def test_a_folder_that_cannot_be_written_is_found():
    finding = check_disk(Path("/proc/lungnode"), Disk(soft_free_gib=0, hard_free_gib=0))
    assert finding.grade is Grade.FAIL
    assert "cannot be written" in finding.text


@pytest.mark.parametrize(
    ("answer", "device", "grade", "text"),
    [
        ('["2.13.0", []]', "auto", Grade.OK, "threads of the CPU"),
        ('["2.13.0", ["H100"]]', "auto", Grade.OK, "H100"),
        ('["2.13.0", ["H100"]]', "cpu", Grade.WARN, "though there is H100"),
        ('["2.13.0+cpu", []]', "cuda", Grade.FAIL, "sees no GPU"),
    ],
    ids=["no GPU", "GPU", "GPU unused", "GPU wanted and absent"],
)
def test_the_device_in_use_is_named(monkeypatch, answer, device, grade, text):
    """What torch sees is the one thing that this machine cannot provoke."""
    monkeypatch.setattr(torch_here, "ASK_TORCH", f"print({answer!r})")
    monkeypatch.setattr(machine.shutil, "which", lambda _: None)
    finding = check_device(Compute(device=device))
    assert finding.grade is grade
    assert text in finding.text


def test_a_driver_that_torch_does_not_see_is_noticed(monkeypatch):
    monkeypatch.setattr(torch_here, "ASK_TORCH", "print('[\"2.13.0+cpu\", []]')")
    monkeypatch.setattr(machine.shutil, "which", lambda _: "/usr/bin/nvidia-smi")
    assert check_device(Compute()).grade is Grade.WARN


def test_a_torch_that_does_not_load_is_found(monkeypatch):
    monkeypatch.setattr(torch_here, "ASK_TORCH", "raise ImportError('broken')")
    finding = check_device(Compute())
    assert (finding.grade, "broken" in finding.text) == (Grade.FAIL, True)


def test_what_torch_says_is_read():
    assert "torch 2." in check_device(Compute()).text


def test_the_shipped_models_are_well():
    assert [f.grade for f in check_models(None, Compute())] == [Grade.OK]


def test_a_model_that_is_not_installed_is_named():
    (finding,) = check_models(None, Compute(lungs="lungs-unknown"))
    assert (finding.grade, "lungs-unknown" in finding.text) == (Grade.FAIL, True)


def test_a_model_without_one_that_it_needs_is_found(tmp_path):
    for name in ("lungs-joint", "lungs-rule", "fusionlungnet-w16"):
        shutil.copytree(shipped("models") / name, tmp_path / name)

    (finding,) = check_models(tmp_path, Compute())

    assert finding.grade is Grade.FAIL
    assert "model 'lungs-joint' needs 'lesions-p3': model 'lesions-p3' is not installed" in finding.text


def test_a_missing_folder_of_models_is_found(tmp_path):
    (finding,) = check_models(tmp_path / "none", Compute())
    assert finding.grade is Grade.FAIL


def test_a_pacs_that_takes_everything_it_is_to_get_is_well():
    with dicom_peer(SegmentationStorage, Comprehensive3DSRStorage) as port:
        finding = check_destination(pacs(port, Rung.SEG, Rung.SR), "LUNGNODE")
    assert finding.grade is Grade.OK
    assert "takes SEG, Comprehensive 3D SR" in finding.text


def test_a_pacs_that_refuses_seg_gets_another_ladder_proposed():
    with dicom_peer(Comprehensive3DSRStorage) as port:
        finding = check_destination(pacs(port, Rung.SEG, Rung.SR), "LUNGNODE")
    assert finding.grade is Grade.WARN
    assert "refuses SEG" in finding.text
    assert "'SR'" in finding.todo
    assert "'SEG'" not in finding.todo


def test_a_pacs_that_takes_reports_and_no_notice_is_noticed():
    with dicom_peer(SegmentationStorage, Comprehensive3DSRStorage) as port:
        finding = check_destination(pacs(port, Rung.SEG, Rung.SR, Rung.NOTICE), "LUNGNODE")
    assert finding.grade is Grade.WARN
    assert "refuses NOTICE (Basic Text SR)" in finding.text


def test_a_pacs_that_takes_the_simpler_report_gets_the_setting_named_and_is_well_with_it():
    with dicom_peer(SegmentationStorage, ComprehensiveSRStorage) as port:
        finding = check_destination(pacs(port, Rung.SEG, Rung.SR), "LUNGNODE")
        simpler = check_destination(pacs(port, Rung.SEG, Rung.SR), "LUNGNODE", Objects(sr_class="comprehensive"))
    assert finding.grade is Grade.WARN
    assert 'objects.sr_class = "comprehensive"' in finding.todo
    assert simpler.grade is Grade.OK


def test_a_pacs_that_takes_no_label_map_is_noticed_where_they_are_made():
    labelmap = Objects(seg_type="labelmap")
    with dicom_peer(SegmentationStorage) as port:
        assert check_destination(pacs(port, Rung.SEG), "LUNGNODE", labelmap).grade is Grade.WARN
    with dicom_peer(LabelMapSegmentationStorage) as port:
        assert check_destination(pacs(port, Rung.SEG), "LUNGNODE", labelmap).grade is Grade.OK


def test_a_pacs_that_takes_the_default_syntax_alone_is_well():
    with dicom_peer(SegmentationStorage, syntax=ImplicitVRLittleEndian) as port:
        assert check_destination(pacs(port, Rung.SEG), "LUNGNODE").grade is Grade.OK


def test_a_pacs_that_takes_none_of_our_classes_is_told_which_to_enable():
    with dicom_peer() as port:
        finding = check_destination(pacs(port, Rung.SEG, Rung.SR), "LUNGNODE")
    assert finding.grade is Grade.FAIL
    assert "enable at least one of SEG, Comprehensive 3D SR" in finding.todo


@pytest.mark.parametrize("cause", ["nobody", "another title"])
def test_a_pacs_that_does_not_let_us_in_is_found(cause):
    with dicom_peer(SegmentationStorage) as port:
        asked = pacs(free_port(), Rung.SEG) if cause == "nobody" else pacs(port, Rung.SEG, ae_title="OTHER")
        finding = check_destination(asked, "LUNGNODE")
    assert finding.grade is Grade.FAIL
    assert "LUNGNODE" in finding.todo


@pytest.mark.parametrize(
    ("status", "todo"), [(401, "password"), (404, "root"), (500, "root")], ids=["login", "wrong root", "broken"]
)
@pytest.mark.parametrize("kind", ["stow", "orthanc"])
def test_a_web_destination_that_does_not_take_us_is_found(kind, status, todo):
    with web_peer(status) as url:
        finding = check_destination(Destination(name="web", kind=kind, url=url), "LUNGNODE")
    assert finding.grade is Grade.FAIL
    assert todo in finding.todo


def test_a_web_destination_that_is_not_there_is_found():
    url = f"http://127.0.0.1:{free_port()}"
    assert check_destination(Destination(name="web", kind="stow", url=url), "LUNGNODE").grade is Grade.FAIL


def test_a_folder_is_tested(tmp_path):
    good = Destination(name="here", kind="folder", path=tmp_path)
    bad = Destination(name="gone", kind="folder", path=tmp_path / "gone")
    assert [check_destination(d, "LUNGNODE").grade for d in (good, bad)] == [Grade.OK, Grade.FAIL]


def test_unreadable_certificates_are_a_finding(tmp_path):
    broken = pacs(free_port(), Rung.SEG).model_copy(update={"tls": True, "tls_ca": tmp_path / "none.pem"})
    finding = check_destination(broken, "LUNGNODE")
    assert (finding.grade, "TLS" in finding.text) == (Grade.FAIL, True)


def test_an_archive_is_asked_both_ways():
    with web_peer(200) as url, dicom_peer(StudyRootQueryRetrieveInformationModelFind) as port:
        archive = Archive(dicomweb_url=url, dimse_ae_title="PACS", dimse_host="127.0.0.1", dimse_port=port)
        assert [f.grade for f in check_archive(archive, "LUNGNODE")] == [Grade.OK, Grade.OK]


def test_an_archive_that_answers_and_does_not_let_us_search_is_found():
    with dicom_peer() as port:
        archive = Archive(dimse_ae_title="PACS", dimse_host="127.0.0.1", dimse_port=port)
        (finding,) = check_archive(archive, "LUNGNODE")
    assert finding.grade is Grade.FAIL
    assert "answers C-ECHO, but cannot be searched" in finding.text


def test_a_pacs_that_takes_everything_and_does_not_let_us_search_is_found():
    with dicom_peer(SegmentationStorage) as port:
        finding = check_asking_back(pacs(port, Rung.SEG), "LUNGNODE")
    assert finding is not None
    assert finding.grade is Grade.FAIL
    assert '"none"' in finding.todo


def test_a_pacs_is_searched_only_where_deliveries_are_confirmed_by_that():
    with dicom_peer(SegmentationStorage, StudyRootQueryRetrieveInformationModelFind) as port:
        asked = pacs(port, Rung.SEG)
        finding = check_asking_back(asked, "LUNGNODE")
        assert finding is not None
        assert finding.grade is Grade.OK
    for instead in ({"confirm": "none"}, {"commitment": "ask"}):
        assert check_asking_back(asked.model_copy(update=instead), "LUNGNODE") is None


@pytest.mark.parametrize("status", [401, 404])
def test_an_archive_that_refuses_is_found(status):
    with web_peer(status) as url:
        assert [f.grade for f in check_archive(Archive(dicomweb_url=url), "LUNGNODE")] == [Grade.FAIL]


def test_an_archive_that_is_not_there_is_found():
    port = free_port()
    archive = Archive(
        dicomweb_url=f"http://127.0.0.1:{port}", dimse_ae_title="PACS", dimse_host="127.0.0.1", dimse_port=port
    )
    assert [f.grade for f in check_archive(archive, "LUNGNODE")] == [Grade.FAIL, Grade.FAIL]


def test_an_archive_without_an_address_is_noticed():
    assert [f.grade for f in check_archive(Archive(), "LUNGNODE")] == [Grade.WARN]


@pytest.mark.parametrize(
    ("theirs_ahead_s", "grade"),
    [(2, Grade.OK), (-3600, Grade.WARN), (3600, Grade.WARN)],
    ids=["same", "behind", "ahead"],
)
def test_the_clock_is_compared(theirs_ahead_s, grade):
    now = datetime(2026, 1, 1, tzinfo=UTC)
    finding = judge_clock("orthanc", now + timedelta(seconds=theirs_ahead_s), now)
    assert finding is not None
    assert finding.grade is grade


@pytest.mark.parametrize("grade", [Grade.OK, Grade.WARN], ids=["in step", "an hour off"])
def test_a_dated_answer_is_compared(grade):
    now = datetime.now(UTC) + timedelta(hours=0 if grade is Grade.OK else 1)
    with web_peer(200) as url:
        finding = check_clock(Archive(dicomweb_url=url), now)
    assert finding is not None
    assert finding.grade is grade


def test_a_destination_is_asked_for_the_time(tmp_path):
    with web_peer(200) as url:
        asked = Destination(name="o", kind="stow", url=url)
        assert check_clock(asked, datetime.now(UTC)).grade is Grade.OK


def test_a_certificate_file_that_is_missing_ends_no_examination(tmp_path):
    stow = Destination(name="o", kind="stow", url="https://127.0.0.1:9", tls_ca=tmp_path / "none.pem")
    assert check_clock(stow, datetime.now(UTC)) is None
    assert check_destination(stow, "LUNGNODE").grade is Grade.FAIL


def test_a_time_that_cannot_be_read_is_no_finding():
    assert (read_date("yesterday"), read_orthanc("<html>")) == (None, None)
    assert judge_clock("orthanc", None, datetime(2026, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("modalities", "grade"),
    [
        ({"x": {"AET": "LUNGNODE", "Port": 11112}}, Grade.OK),
        ({"x": {"AET": "LUNGNODE", "Port": 104}}, Grade.WARN),
        ({}, Grade.WARN),
    ],
    ids=["known", "with another port", "unknown"],
)
def test_whether_orthanc_knows_us_is_judged(modalities, grade):
    assert judge_modalities("orthanc", modalities, Receive()).grade is grade


@pytest.mark.parametrize(("title", "grade"), [("ORTHANC", Grade.OK), ("OTHER", Grade.WARN)])
def test_whether_orthanc_may_send_is_judged(title, grade):
    assert judge_caller("orthanc", title, Receive()).grade is grade


@pytest.mark.parametrize(
    ("status", "grade"),
    [
        (None, Grade.WARN),
        ({"failed": [{"series": "a", "error": "x"}]}, Grade.WARN),
        ({"failed": [], "waiting": [{"error": "no connection"}]}, Grade.WARN),
        ({"failed": [], "waiting": [], "sent": 3}, Grade.OK),
    ],
    ids=["absent", "gave up", "waits", "well"],
)
def test_the_plugin_is_judged(status, grade):
    assert judge_plugin("orthanc", status).grade is grade


@pytest.mark.orthanc
def test_a_real_orthanc_is_well(tmp_path):
    receive = Receive(port=free_port())
    with running_orthanc(OrthancSite(tmp_path / "orthanc"), receive.port) as site:
        archive = Archive(dicomweb_url=site.dicomweb_url, username=site.username, password=site.password)
        settings = Settings(
            data_dir=tmp_path,
            receive=receive,
            watch=Watch(port=free_port()),
            disk=Disk(soft_free_gib=0, hard_free_gib=0),
            archives=(archive,),
            destinations=(
                Destination(
                    name="o", kind="stow", url=site.dicomweb_url, username=site.username, password=site.password
                ),
            ),
        )
        findings = list(examine(settings))
    assert [f for f in findings if f.grade is not Grade.OK] == []
    checks = {f.check for f in findings}
    assert {"orthanc archive", "orthanc archive: plugin", "destination o", "clock", "disk", "device"} <= checks


def test_no_orthanc_is_no_finding():
    with web_peer(200) as url:
        assert check_orthanc(Archive(dicomweb_url=f"{url}/dicom-web"), Receive()) == ()


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"engine": Engine(database_url="mysql://db/x")}, "the driver is"),
        ({"destinations": (pacs(104, Rung.SEG).model_copy(update={"tls": True}),)}, "cannot be asked what it holds"),
        ({"archives": (Archive(),)}, "has neither dicomweb_url"),
        ({"rules": Rules(routes=Path("/none/routes.toml"))}, "routes.toml"),
    ],
    ids=["database", "confirmation", "archive", "routes"],
)
def test_what_would_stop_the_start_is_found_before_it(wrong, text):
    findings = [f for f in examine(Settings(**wrong), offline=True) if f.check == "settings"]
    assert [f.grade for f in findings] == [Grade.FAIL]
    assert text in findings[0].text


def test_a_node_that_gives_nothing_to_anybody_is_noticed():
    findings = list(examine(Settings(receive=Receive(peers=())), offline=True))
    assert [f.check for f in findings if f.grade is Grade.WARN] == ["destinations", "archives", "peers"]


def test_what_to_type_into_the_pacs():
    receive = Receive(host="0.0.0.0", port=104, peers=(Peer(ae_title="PACS"), Peer(ae_title="CT1")), tls_port=2762)
    seen = seen_as(receive, "PACS")
    assert (seen.ae_titles, seen.port, seen.tls_port, seen.hint) == (("LUNGNODE",), 104, 2762, "")
    assert [title for title, _ in seen.callers] == ["PACS"]
    assert seen.host not in ("", "0.0.0.0")


def test_without_a_pacs_named_the_address_is_the_one_of_the_default_route(monkeypatch):
    asked = []

    class Probe:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            return None

        def connect(self, target):
            asked.append(target[0])

        def getsockname(self):
            return ("192.0.2.77", 0)

    monkeypatch.setattr("node.watch.doctor.as_seen_by.socket.socket", lambda *_: Probe())
    assert seen_as(Receive(host="0.0.0.0"), "").host == "192.0.2.77"
    assert asked == ["192.0.2.1"]


def test_a_node_on_loopback_says_that_no_pacs_can_reach_it():
    assert "receive.host" in seen_as(Receive(), "").hint
