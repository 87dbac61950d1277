"""A certificate of ours that expires is told thirty days before: in the log, by the doctor, on the status page."""

import json
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from node.engine.certificates import certificates_loop, expires_at, expiring
from node.settings import Settings
from node.watch.doctor.examine import examine
from node.watch.doctor.finding import Grade
from node.watch.server import status_page
from tests.watch.conftest import Page


def certificate(folder: Path, days: int, key: str = "ec") -> Path:
    kind = ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"] if key == "ec" else ["rsa:2048"]
    made = folder / f"{key}{days}.pem"
    command = ["/usr/bin/openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days", str(days), "-subj", "/CN=node"]
    subprocess.run([*command, "-keyout", folder / "key.pem", "-out", made], check=True, capture_output=True)
    return made


def settings(folder: Path, path: Path) -> Settings:
    return Settings.model_validate(
        {
            "data_dir": str(folder),
            "receive": {"tls_certificate": str(path)},
            "watch": {"port": 0},
            "disk": {"soft_free_gib": 0, "hard_free_gib": 0},
        }
    )


@pytest.mark.parametrize(("days", "key"), [(5, "ec"), (400, "rsa"), (36500, "ec")])  # the last is a GeneralizedTime
def test_the_date_is_that_of_the_certificate(tmp_path: Path, days: int, key: str) -> None:
    expected = datetime.now(UTC) + timedelta(days=days)
    assert abs(expires_at(certificate(tmp_path, days, key)) - expected) < timedelta(minutes=5)


def test_the_warning_begins_thirty_days_before_and_becomes_trouble(tmp_path: Path) -> None:
    ours = settings(tmp_path, certificate(tmp_path, 40))
    now = datetime.now(UTC)
    found = [expiring(ours, now + timedelta(days=days)) for days in (9, 11, 41)]
    assert [[one.has_expired for one in at_a_time] for at_a_time in found] == [[], [False], [True]]


def test_a_file_that_is_no_certificate_is_left_to_those_who_use_it(tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("no certificate")
    for path in (tmp_path / "x.pem", tmp_path / "nowhere.pem"):
        assert expiring(settings(tmp_path, path), datetime.now(UTC)) == ()


def test_log_doctor_and_status_page_tell_it(tmp_path: Path) -> None:
    ours = settings(tmp_path, certificate(tmp_path, 5))
    stopping = threading.Event()
    stopping.set()
    with structlog.testing.capture_logs() as logged:
        certificates_loop(ours, stopping)
    assert [(line["code"], line["setting"]) for line in logged] == [("TLS-EXPIRES", "receive.tls_certificate")]
    (finding,) = [found for found in examine(ours) if found.check == "certificates"]
    assert (finding.grade, finding.todo) == (Grade.WARN, "renew it")
    with status_page(ours) as port:
        page = Page(f"http://127.0.0.1:{port}", ours)
        assert "TLS-EXPIRES" in page.get("/")[1]
        health = json.loads(page.get("/healthz")[1])
    assert [text.partition(":")[0] for text in health["warnings"]] == ["TLS-EXPIRES", "DLV-NOWHERE"]
    assert not any("TLS-EXPIRES" in text for text in health["trouble"])
