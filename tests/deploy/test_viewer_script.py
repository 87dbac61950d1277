"""`deploy/viewer`: says when it cannot, and takes nothing but the archive it knows."""

import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "viewer"
TOOLS = ("bash", "dirname", "cat", "cp", "mktemp", "rm", "sha256sum", "env")


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    """A machine without npm."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(str(shutil.which(tool)))
    return {"PATH": str(folder)}


def run(*words: object, environment: dict[str, str] | None = None) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([SCRIPT, *words], capture_output=True, text=True, env=environment, timeout=60, check=False)


def test_without_npm_it_says_so_and_ends_with_three(tmp_path, bare):
    answer = run(tmp_path / "viewer", environment=bare)
    assert answer.returncode == 3
    assert "npm is not installed" in answer.stderr
    assert not (tmp_path / "viewer").exists()


def test_an_archive_with_another_digest_is_not_unpacked(tmp_path):
    (tmp_path / "index.html").write_text("something else")
    with tarfile.open(tmp_path / "other.tgz", "w:gz") as archive:
        archive.add(tmp_path / "index.html", "package/dist/index.html")
    answer = run(tmp_path / "viewer", tmp_path / "other.tgz")
    assert answer.returncode != 0
    assert not (tmp_path / "viewer").exists()


def test_what_is_there_already_gets_our_configuration_and_nothing_else(tmp_path, bare):
    (tmp_path / "viewer").mkdir()
    version = next(line for line in SCRIPT.read_text().splitlines() if line.startswith("version=")).split("=")[1]
    (tmp_path / "viewer" / ".version").write_text(version)
    (tmp_path / "viewer" / "app-config.js").write_text("of last year")
    assert run(tmp_path / "viewer", environment=bare).returncode == 0
    assert {file.name for file in (tmp_path / "viewer").iterdir()} == {".version", "app-config.js"}
    ours = SCRIPT.with_name("ohif-config.js").read_text()
    assert (tmp_path / "viewer" / "app-config.js").read_text() == ours
