"""`lungnode doctor` as a person and a program see it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

TEMPLATE = Path(__file__).resolve().parents[2] / "deploy" / "lungnode.toml"


def doctor(*words: object, cwd: Path) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "node", "doctor", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, cwd=cwd)


def test_the_site_template_is_accepted(tmp_path):
    answer = doctor("--config", TEMPLATE, "--offline", "--json", cwd=tmp_path)
    assert answer.returncode == 0
    told = json.loads(answer.stdout)
    assert told["ok"] is True
    assert "CFG-PLACEHOLDER: hosts of peer 'PACS' is 192.0.2.10, an address that exists in examples only" in {
        finding["text"] for finding in told["findings"] if finding["grade"] == "warn"
    }


def test_what_was_left_unchanged_in_the_template_is_a_warning_with_a_next_step(tmp_path):
    answer = doctor("--config", TEMPLATE, "--offline", cwd=tmp_path)
    assert answer.returncode == 0
    assert "warn  placeholder: CFG-PLACEHOLDER: password of destination 'orthanc' is still CHANGE-ME" in answer.stdout
    assert "-> write the real one into password of destination 'orthanc'" in answer.stdout


def test_a_misspelt_setting_is_named_and_costs_the_status(tmp_path):
    (tmp_path / "lungnode.toml").write_text("[recieve]\nport = 104\n")
    answer = doctor("--json", cwd=tmp_path)
    (finding,) = json.loads(answer.stdout)["findings"]
    assert answer.returncode == 5
    assert "recieve" in finding["text"]


def test_a_person_reads_what_to_do(tmp_path, monkeypatch):
    monkeypatch.delenv("LUNGNODE_COMPUTE__LUNGS")
    (tmp_path / "lungnode.toml").write_text('[compute]\nlungs = "lungs-unknown"\n')
    answer = doctor("--offline", cwd=tmp_path)
    assert answer.returncode == 5
    assert "FAIL  models: the settings name lungs-unknown" in answer.stdout
    assert "-> set compute.lungs" in answer.stdout


@pytest.mark.parametrize("words", [[], ["--pacs", "PACS"]], ids=["anybody", "one PACS"])
def test_what_to_type_into_the_pacs_is_printed(tmp_path, words):
    answer = doctor("--as-seen-by", *words, "--config", TEMPLATE, cwd=tmp_path)
    assert answer.returncode == 0
    assert "AE title  LUNGNODE" in answer.stdout
    assert "port      11112" in answer.stdout
    assert "PACS from 192.0.2.10" in answer.stdout
