"""Every command of the README and the guides is run, and every file that they name is there."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PAGES = [
    REPOSITORY / "README.md",
    *sorted((REPOSITORY / "docs").glob("*.md")),
    *sorted((REPOSITORY / "docs").glob("adr/*.md")),
]
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")
RUN_ELSEWHERE = {
    "lungnode bench receive": "tests of the bench: it runs for minutes",
    "lungnode bench read": "as above",
    "lungnode bench encode": "as above",
    "lungnode bench pipeline": "as above",
    "lungnode bench idle": "as above",
}


def commands(page: Path) -> list[str]:
    return [line for block in BLOCK.findall(page.read_text()) for line in block.splitlines() if line.strip()]


@pytest.mark.orthanc
@pytest.mark.parametrize("page", [p for p in PAGES if commands(p)], ids=lambda page: page.name)
def test_the_commands_of_a_page_run_in_its_order(page, tmp_path):
    (tmp_path / "deploy").symlink_to(REPOSITORY / "deploy")
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    for command in commands(page):
        if command in RUN_ELSEWHERE:
            continue
        words = shlex.split(command)
        if words[0] == "make":  # `make test` is what runs this, `make demo` is `lungnode demo`: see that they exist
            words = ["make", "-n", "-C", str(REPOSITORY), *words[1:]]
        ended = subprocess.run(
            words, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=280, check=False
        )
        assert ended.returncode == 0, f"{command}: {ended.stderr[-2000:]}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page):
    links = [link for link in LINK.findall(page.read_text()) if not link.startswith("mailto:")]
    missing = [link for link in links if not (page.parent / link).exists()]
    assert missing == []


def test_the_readme_names_the_commands_that_it_shows():
    shown = {" ".join(shlex.split(command)[:2]) for command in commands(REPOSITORY / "README.md")}
    assert {"make demo", "make test", "lungnode analyse", "lungnode demo"} <= shown


def test_every_room_is_on_the_map():
    readme = (REPOSITORY / "README.md").read_text()
    rooms = {room.parent.name for room in (REPOSITORY / "node").glob("*/__init__.py")}
    assert {room for room in rooms if f"`{room}`" not in readme} == set()


def test_every_decision_is_in_the_index():
    folder = REPOSITORY / "docs" / "adr"
    index = (folder / "README.md").read_text()
    decisions = [file.name for file in folder.glob("[0-9]*.md") if not file.name.startswith("0000")]
    assert [name for name in decisions if f"({name})" not in index] == []
