"""`lungnode routes` from outside: exit codes, one JSON object, and words for a person."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY


@pytest.fixture
def lungnode(tmp_path):
    """Run the command in an empty folder, with no settings but the defaults."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", "from node.cli.main import run; run()", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path, check=False)

    return run


def test_a_valid_file_is_told_and_exits_with_0(lungnode, tmp_path):
    (tmp_path / "r.toml").write_text('[[route]]\nname = "mine"\n[route.when]\nkernel = "soft"\n')

    done = lungnode("routes", "check", "r.toml", "--json")

    assert done.returncode == 0
    assert json.loads(done.stdout) == {"valid": True, "source": "r.toml", "routes": ["mine"]}


def test_the_example_that_is_shipped_is_valid(lungnode):
    done = lungnode("routes", "check", str(REPOSITORY / "deploy" / "routes.toml"), "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["routes"] == ["emergency", "screening", "chest"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[route]]\nname = "a"\nlunsg = "x"\n', "r.toml:3: 'lunsg' is not known here, did you mean 'lungs'?"),
        ('[[route]]\nname = "a"\nlungs = "no-such"\n', "r.toml:1: route 'a': lungs: model 'no-such' is not installed"),
        ('[[route]]\nname = "a"\nlungs = "lesions-p3"\n', "model 'lesions-p3' finds lesions, not lungs"),
        ('[[route]]\nname = "a"\ndestinations = ["nowhere"]\n', "no destination is called 'nowhere'"),
    ],
)
def test_a_fault_exits_with_5_and_names_the_line(text, words, lungnode, tmp_path):
    (tmp_path / "r.toml").write_text(text)

    done = lungnode("routes", "check", "r.toml")

    assert done.returncode == 5
    assert words in done.stderr
    assert done.stdout == ""


def test_a_folder_is_explained_as_one_json_object(lungnode, data_dir):
    done = lungnode("routes", "explain", str(data_dir / "odd" / "localizer"), "--json")

    explained = json.loads(done.stdout)
    assert done.returncode == 0
    assert [reason["code"] for series in explained["series"] for reason in series["reasons"]] == [
        "RT-LOCALIZER",
        "RT-SOP",
    ]


def test_a_folder_is_explained_to_a_person_with_the_unread_files(lungnode, data_dir):
    done = lungnode("routes", "explain", str(data_dir / "ct" / "lung-dx-a0001-b"))

    assert done.returncode == 0
    assert "analysed CT" in done.stdout
    assert "route 'default' applies" in done.stdout
    assert "FILE-UNREAD" not in done.stdout
    assert done.stdout.splitlines()[-1].endswith(" files are not DICOM")


def test_what_is_no_dicom_is_counted_and_what_is_broken_is_listed(lungnode, tmp_path):
    for name in ("annotations.xml", "index.csv", "notes.txt", "empty.json"):
        (tmp_path / name).write_text("" if name.startswith("empty") else "neither name nor content says DICOM")
    (tmp_path / "scan.dcm").write_text("broken")
    (tmp_path / "broken.txt").write_bytes(bytes(128) + b"DICM" + b"\x02\x00")
    (tmp_path / "IM0001").write_bytes(b"an export without extensions")

    done = lungnode("routes", "explain", str(tmp_path))

    *listed, counted = done.stdout.splitlines()
    assert counted == "4 files are not DICOM"
    assert sorted(Path(line.split(":")[0]).name for line in listed) == ["IM0001", "broken.txt", "scan.dcm"]
    explained = json.loads(lungnode("routes", "explain", str(tmp_path), "--json").stdout)
    assert len(explained["files"]) == 7  # a program is told of each


def test_a_path_that_is_not_there_is_a_mistake_in_usage(lungnode):
    assert lungnode("routes", "explain", "nowhere").returncode == 2


@pytest.mark.parametrize("command", ["check", "explain"])
def test_the_help_has_examples(command, lungnode):
    assert f"lungnode routes {command} " in lungnode("routes", command, "--help").stdout
