"""Page, health, metrics, and the two words that the node is told."""

import errno
import json
import os
import socket
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from dbos import DBOS
from prometheus_client.parser import text_string_to_metric_families

from node.engine.announced import asked, expected
from node.engine.case_file import read_case_file, write_case
from node.engine.delivery_file import Delivery, Stage, write_delivery
from node.engine.files import write_json
from node.engine.pause import pause
from node.engine.runtime import client, exists, launch
from node.engine.stopped import Stopped, mark_stopped
from node.engine.worker import slot_lock
from node.errors import NotYetThere
from node.settings import Settings
from node.store.heartbeat import (
    INTAKE_SILENT_AFTER_S,
    SILENT_AFTER_S,
    WORKER_SILENT_AFTER_S,
    Heartbeat,
    heartbeat_file,
)
from node.store.layout import Layout
from node.watch.server import status_page
from node.watch.state import node_state


@pytest.fixture
def database(page):
    """An engine's database, as a worker leaves it."""

    launch(page.settings)
    DBOS.destroy(destroy_registry=True)
    assert exists(page.settings)
    return page


def test_without_a_worker_the_node_is_in_trouble_and_says_why(page) -> None:
    status, body = page.get("/healthz")
    assert status == 503
    assert json.loads(body)["trouble"][-1] == "no worker runs in slot 'worker-0'"


def test_with_a_worker_it_is_healthy(database) -> None:
    lock = slot_lock(database.settings, "worker-0")
    assert lock is not None
    try:
        assert database.get("/healthz") == (200, '{"status":"ok","trouble":[],"warnings":[],"paused":null}')
    finally:
        lock.release()


def test_a_data_folder_that_is_away_is_named_with_its_code_and_not_made_anew(page) -> None:
    away = page.settings.data_dir.with_name("away")
    page.settings.data_dir.rename(away)
    status, body = page.get("/healthz")
    (told,) = json.loads(body)["trouble"]
    assert (status, told.startswith("ENV-DATA: ")) == (503, True)
    assert {page.get(path)[0] for path in ("/", "/metrics", "/api/jobs")} == {503}
    count = b'{"study_instance_uid": "1.2", "series_instance_uid": "1.2.3", "n_instances": 64}'
    for status, told in (page.post("/api/expected", count), page.post("/api/analyse/1.2.3")):
        assert (status, json.loads(told)["error"]["code"]) == (503, "ENV-DATA")
    assert not page.settings.data_dir.exists()
    away.rename(page.settings.data_dir)
    assert "ENV-DATA" not in page.get("/healthz")[1]


def test_a_disk_that_became_read_only_is_named(page, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    told = page.json("/healthz")["trouble"]
    assert any(f"{page.settings.data_dir} cannot be written (Read-only file system)" in text for text in told)


def test_a_receiver_that_hangs_is_trouble_everywhere(page) -> None:
    assert "lungnode_receiver_up 1.0" in page.get("/metrics")[1]
    long_ago_s = time.time() - SILENT_AFTER_S - 1.0
    os.utime(heartbeat_file(page.settings.data_dir, 0, tls=False), (long_ago_s, long_ago_s))
    assert any("receiver accepts no connections" in text for text in page.json("/healthz")["trouble"])
    assert "lungnode_receiver_up 0.0" in page.get("/metrics")[1]


@pytest.mark.parametrize(
    ("file", "after_s", "told"),
    [
        ("work-worker-0", WORKER_SILENT_AFTER_S, "the worker in slot 'worker-0' stands still"),
        ("intake", INTAKE_SILENT_AFTER_S, "the intake, which turns arrivals into cases, stands still"),
    ],
)
def test_a_worker_or_an_intake_that_hangs_and_keeps_its_lock_is_trouble(database, file, after_s, told) -> None:
    lock = slot_lock(database.settings, "worker-0")
    assert lock is not None
    beats = {name: database.settings.data_dir / "spool" / "alive" / name for name in ("work-worker-0", "intake")}
    try:
        for beat in beats.values():
            Heartbeat(beat).beat()
        assert database.get("/healthz")[0] == 200
        assert "lungnode_worker_up 1.0" in database.get("/metrics")[1]
        long_ago_s = time.time() - after_s - 1.0
        os.utime(beats[file], (long_ago_s, long_ago_s))
        (trouble,) = database.json("/healthz")["trouble"]
        assert trouble.startswith(told)
        assert "lungnode_worker_up 0.0" in database.get("/metrics")[1]
    finally:
        lock.release()


def test_the_page_shows_cases_with_reasons_and_escapes_them(database) -> None:
    database.add_case("a" * 64, why="<script>alert(1)</script>")
    status, body = database.get("/")
    assert status == 200
    assert "a" * 12 in body
    assert "&lt;script&gt;" in body
    assert "<script>" not in body
    assert "not for diagnosis" in body


def test_the_page_shows_what_is_waited_for(database) -> None:
    line = {"series_instance_uid": "1.2.9", "n_instances": 7, "why": "7 of 9 instances are here", "until_s": 1.0}
    write_json(database.settings.data_dir / "engine" / "waiting.json", [line])
    assert "7 of 9 instances are here" in database.get("/")[1]
    assert database.json("/api/jobs")["waiting"] == [line]


def test_the_page_shows_local_time_with_its_zone(database, monkeypatch) -> None:
    line = {"series_instance_uid": "1.2.9", "n_instances": 7, "why": "quiet is wanted", "until_s": 1e9}
    write_json(database.settings.data_dir / "engine" / "waiting.json", [line])
    with monkeypatch.context() as patched:
        patched.setenv("TZ", "Europe/Berlin")
        time.tzset()
        body = database.get("/")[1]
    time.tzset()
    assert "<td>2001-09-09 03:46:40 CEST</td>" in body


def test_the_page_needs_no_script_and_links_below_any_prefix(page) -> None:
    body = page.get("/")[1]
    assert "<script" not in body
    assert 'href="/' not in body.replace("'", '"')


def test_metrics_can_be_read_by_prometheus(database) -> None:
    database.add_case("a" * 64)
    pause(database.settings.data_dir, "upgrade")
    families = {f.name: f for f in text_string_to_metric_families(database.get("/metrics")[1])}
    jobs = {s.labels["state"]: s.value for s in families["lungnode_jobs"].samples}
    assert jobs == {"not queued": 1.0}
    assert families["lungnode_paused"].samples[0].value == 1.0
    assert families["lungnode_disk_free_bytes"].samples[0].value > 0


def test_data_that_cannot_be_read_is_named(page, monkeypatch) -> None:
    def denied(_path: object) -> None:
        raise PermissionError(13, "Permission denied", "waiting.json")

    monkeypatch.setattr("node.watch.state.read_json", denied)
    status, body = page.get("/healthz")
    assert (status, json.loads(body)["status"]) == (503, "trouble")
    assert "Permission denied: 'waiting.json'" in json.loads(body)["trouble"][0]
    for path in ("/", "/metrics"):
        assert page.get(path) == (503, json.loads(body)["trouble"][0])


def test_a_pause_switch_that_cannot_be_read_is_told_as_a_pause(database) -> None:
    (database.settings.data_dir / "paused.json").mkdir()
    assert "paused.json cannot be read" in database.json("/healthz")["paused"]
    assert database.get("/")[0] == 200


@pytest.mark.parametrize(("hours", "said"), [(1, []), (5, ["begins nothing: upgrade (since 20"])])
def test_a_pause_that_was_forgotten_is_trouble(database, hours: int, said: list[str]) -> None:
    since = (datetime.now(UTC) - timedelta(hours=hours)).isoformat(timespec="seconds")
    write_json(database.settings.data_dir / "paused.json", {"why": "upgrade", "since": since})
    trouble = [text for text in database.json("/healthz")["trouble"] if "paused" in text]
    assert [text for text, part in zip(trouble, said, strict=True) if part not in text] == []
    assert all("lungnode jobs resume" in text for text in trouble)


def test_an_expected_count_is_kept_for_intake(page) -> None:
    body = {"study_instance_uid": "1.2", "series_instance_uid": "1.2.3", "n_instances": 64}
    assert page.post("/api/expected", json.dumps(body).encode())[0] == 200
    assert [(e.series_instance_uid, e.n_instances) for e in expected(page.settings.data_dir, "1.2")] == [("1.2.3", 64)]


@pytest.mark.parametrize(("modality", "kept"), [("PT", "PT"), ("<b>", ""), ("", ""), (3, ""), (None, "")])
def test_a_modality_beside_the_count_is_kept_where_it_is_one(page, modality: object, kept: str) -> None:
    body = {"study_instance_uid": "1.2", "series_instance_uid": "1.2.3", "n_instances": 64, "modality": modality}
    assert page.post("/api/expected", json.dumps(body).encode())[0] == 200
    assert [e.modality for e in expected(page.settings.data_dir, "1.2")] == [kept]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"[]", id="no object"),
        pytest.param(b"{", id="no JSON"),
        pytest.param(b"\xff", id="no UTF-8"),
        pytest.param(b'{"study_instance_uid": "1.2"}', id="fields are missing"),
        pytest.param(b'{"study_instance_uid": "../..", "series_instance_uid": "1.2", "n_instances": 1}', id="no UID"),
        pytest.param(b'{"study_instance_uid": "1.2", "series_instance_uid": "1.3", "n_instances": 0}', id="none"),
        pytest.param(b'{"x": "' + b"y" * 70000 + b'"}', id="too large"),
    ],
)
def test_a_count_that_cannot_be_meant_is_refused(page, body: bytes) -> None:
    assert page.post("/api/expected", body)[0] == 400
    assert not (page.settings.data_dir / "expected").exists()


def test_a_wish_to_analyse_is_kept_for_intake(page) -> None:
    assert page.post("/api/analyse/1.2.3")[0] == 202
    assert [a.uid for a in asked(page.settings.data_dir)] == ["1.2.3"]


@pytest.mark.parametrize("path", ["/api/analyse/1.2.3", "/api/expected"])
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_foreign_web_page_can_send_is_refused(page, path: str, content_type: str) -> None:
    body = json.dumps({"study_instance_uid": "1.2", "series_instance_uid": "1.2.3", "n_instances": 64}).encode()
    assert page.post(path, body, content_type) == (415, "Content-Type: application/json is wanted")
    assert asked(page.settings.data_dir) == expected(page.settings.data_dir, "1.2") == ()


@pytest.mark.parametrize("uid", ["..%2f..", "nonsense", "1.2.3%00"])
def test_a_wish_for_no_uid_is_refused(page, uid: str) -> None:
    assert page.post(f"/api/analyse/{uid}")[0] in (400, 404)
    assert asked(page.settings.data_dir) == ()


def test_one_job_is_shown_with_everything_and_an_unknown_one_is_not_found(database) -> None:
    database.add_case("a" * 64)
    assert database.json("/api/jobs/aaaa")["case"]["study_instance_uid"] == "1.2"
    assert database.get("/api/jobs/beef")[0] == 404


def test_a_port_that_is_taken_is_named(page) -> None:
    taken = int(page.url.rsplit(":", 1)[1])
    settings = Settings.model_validate({"data_dir": str(page.settings.data_dir), "watch": {"port": taken}})
    with pytest.raises(NotYetThere) as refused, status_page(settings):
        pass
    assert refused.value.code == "CFG-PORT"
    assert str(taken) in refused.value.message


def test_only_loopback_is_listened_on_by_default() -> None:
    assert Settings().watch.host == "127.0.0.1"


def test_a_client_that_hangs_up_early_does_no_harm(page) -> None:
    port = int(page.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(b"POST /api/expected HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\n{")
    assert page.get("/")[0] == 200


def test_the_database_can_be_opened_beside_a_worker(database) -> None:
    engine = client(database.settings)
    assert engine.list_workflows() == []
    engine.destroy()


@pytest.mark.parametrize(("stage", "code"), [(Stage.DEAD, "DLV-DEAD"), (Stage.HELD, "ID-CHANGED")])
def test_a_delivery_that_needs_a_person_is_trouble_everywhere(database, stage: Stage, code: str) -> None:
    folder = database.add_case("a" * 64)
    write_delivery(folder, Delivery("pacs", stage=stage, why="because"))
    lock = slot_lock(database.settings, "worker-0")
    assert lock is not None
    try:
        status, body = database.get("/healthz")
        assert status == 503
        assert f"{code}: pacs: because" in body
        assert "lungnode jobs replay aaaaaaaaaaaa --to pacs" in body
        assert f"<p class='trouble'>job aaaaaaaaaaaa: {code}" in database.get("/")[1]
        assert "lungnode_healthy 0.0" in database.get("/metrics")[1]
        mark_stopped(folder, Stopped.SUPERSEDED, "a newer run")
        assert database.get("/healthz")[0] == 200
    finally:
        lock.release()


def test_a_case_that_failed_is_trouble_with_its_next_step(database, monkeypatch) -> None:
    database.add_case("a" * 64)
    monkeypatch.setattr("node.engine.job_state._state", lambda *_: ("failed", "STEP-CRASH: the process ended"))
    status, body = database.get("/healthz")
    assert status == 503
    said = "job aaaaaaaaaaaa: failed: STEP-CRASH: the process ended; next: lungnode jobs show aaaaaaaaaaaa, then "
    assert said + "lungnode jobs retry aaaaaaaaaaaa or cancel" in body


@pytest.mark.parametrize("file", ["case.json", "delivery/pacs.json", "result.json"])
def test_a_damaged_file_of_one_case_is_named_and_hides_no_other(database, file: str) -> None:
    for letter in "ab":
        folder = database.add_case(letter * 64)
        write_delivery(folder, Delivery("pacs"))
        write_json(folder / "result.json", {"outcome": "processed"})
    whole = (folder / file).read_bytes()
    (folder / file).write_bytes(whole[: len(whole) // 2])
    status, body = database.get("/healthz")
    assert status == 503
    (said,) = [text for text in json.loads(body)["trouble"] if "ENG-FILE" in text]
    assert f"ENG-FILE: the file {folder / file} is damaged; next: put it back from a backup" in said
    shown = {job["workflow_id"][0]: job["state"] for job in database.json("/api/jobs")["jobs"]}
    assert shown == {"a": "not queued"} | ({} if file == "case.json" else {"b": "damaged"})
    assert (database.get("/")[0], database.get("/metrics")[0]) == (200, 200)
    assert database.get(f"/api/jobs/{'b' * 64}")[0] == (200 if "delivery" in file else 503)


def test_a_damaged_list_of_what_is_waited_for_is_told_with_its_name(page) -> None:
    write_json(page.settings.data_dir / "engine" / "waiting.json", [])
    (page.settings.data_dir / "engine" / "waiting.json").write_text("[{")
    status, body = page.get("/healthz")
    assert status == 503
    assert "waiting.json is damaged" in json.loads(body)["trouble"][0]


def test_a_held_delivery_is_told_what_to_do_whoever_is_right(database) -> None:
    write_delivery(database.add_case("a" * 64), Delivery("pacs", stage=Stage.HELD, why="Patient ID differs"))
    (said,) = [text for text in database.json("/healthz")["trouble"] if "Patient ID differs" in text]
    assert "where the archive is right, send the study again from it: its new run takes the place of this one" in said
    assert "where the result is right, correct the archive, then lungnode jobs replay aaaaaaaaaaaa --to pacs" in said


def test_a_held_case_is_told_what_to_do_until_a_newer_run_takes_its_place(database) -> None:
    folder = database.add_case("a" * 64)
    mark_stopped(folder, Stopped.HELD, "ID-CHANGED: the source corrected the identity")
    (said,) = [text for text in database.json("/healthz")["trouble"] if "ID-CHANGED" in text]
    assert "see that the whole study came again" in said
    assert said.endswith("where it is not, lungnode jobs retry aaaaaaaaaaaa")
    write_delivery(folder, Delivery("pacs", stage=Stage.SAFE))
    assert "lungnode jobs replay aaaaaaaaaaaa" in database.get("/healthz")[1]
    database.add_case("b" * 64)
    first = read_case_file(database.settings.data_dir, "b" * 64)
    write_case(database.settings.data_dir, replace(first, predecessor="a" * 64))
    assert [text for text in database.json("/healthz")["trouble"] if "ID-CHANGED" in text] == []


def test_without_a_destination_the_health_check_warns_for_as_long(database) -> None:
    assert database.json("/healthz")["warnings"] == []
    (said,) = node_state(database.settings.model_copy(update={"destinations": ()})).warnings
    assert said.startswith("DLV-NOWHERE: no destination is configured: results stay in the node")


def test_a_destination_that_takes_nothing_for_long_is_a_warning_before_anything_is_given_up(database) -> None:
    waits = Delivery("pacs", attempts=4, due_s=time.time() - 7200, why="no answer")
    write_delivery(database.add_case("a" * 64), waits)
    write_delivery(database.add_case("b" * 64), replace(waits, due_s=time.time() - 3600))
    write_delivery(database.add_case("c" * 64), replace(waits, destination="other", due_s=time.time() - 60))
    (said,) = database.json("/healthz")["warnings"]
    assert said == "destination pacs: 2 deliveries wait, the oldest for 120 minutes: no answer; next: lungnode doctor"
    assert database.get("/")[1].count("destination pacs: 2 deliveries wait") == 1


def test_an_instance_that_came_again_with_other_pixels_is_told_even_after_the_case(database) -> None:
    database.add_case("a" * 64)
    other = Layout(database.settings.data_dir).quarantine / "1.2" / "1.2.3" / "1.2.3.4~1.dcm"
    other.parent.mkdir(parents=True)
    other.touch()
    assert "<p class='trouble'>ID-DUPDIFF: 1 instances" in database.get("/")[1]
    job = database.json("/api/jobs")["jobs"][0]
    assert (job["codes"], job["arrived_twice"]) == (["ID-DUPDIFF"], ["1.2.3.4"])
    metrics = database.get("/metrics")[1]
    assert "# TYPE lungnode_instances_quarantined gauge" in metrics  # retention removes them: no counter
    assert "lungnode_instances_quarantined 1.0" in metrics
