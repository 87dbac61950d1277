"""Every command that a page shows: it exists, and so does each of its options."""

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer

from node.cli.main import COMMANDS
from tests.conftest import REPOSITORY

_NAMES_ALONE = "conformance.md"  # its "lungnode measurements" are descriptions of series
PAGES = sorted(
    page for page in (REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md")) if page.name != _NAMES_ALONE
)
_CODE = re.compile(r"```[a-z]*\n(.*?)```|`([^`]+)`", re.DOTALL)
_END = re.compile(r"[|&;#>]|\s--\s|\n(?!\s)")


def shown(page: Path) -> Iterator[list[str]]:
    """Yield the words of each command on a page; a page says lungnode once and then the command's name alone."""
    for block, span in _CODE.findall(page.read_text(encoding="utf-8")):
        text = (block or span).replace("\\\n", " ")
        lines = text.splitlines() if block else [text.replace("\n", " ")]
        for line in lines:
            found = re.search(r"\blungnode (?=[a-z])(.*)", line)
            words = (found.group(1) if found else line).strip()
            words = _END.split(words)[0].split()
            if words and (found or (len(words) > 1 and words[0] in COMMANDS and words[0].count("-"))):
                yield words


def command_of(words: list[str]) -> tuple[typer.core.TyperCommand, list[str]]:
    module, inner, _ = COMMANDS[words[0]]
    command = typer.main.get_command(importlib.import_module(f"node.cli.{module}").app)
    rest = words[1:]
    inner = inner or next((word for word in rest if not word.startswith("-")), "")
    commands = getattr(command, "commands", {})
    if commands and inner in commands:
        command = commands[inner]
    return command, rest


def options_of(command: typer.core.TyperCommand) -> set[str]:
    return {"--help"} | {name for one in command.params for name in (*one.opts, *one.secondary_opts)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(REPOSITORY).as_posix())
def test_every_command_on_a_page_exists_with_its_options(page):
    wrong = []
    for words in shown(page):
        if words[0] not in COMMANDS:
            wrong.append(f"lungnode {words[0]}: no such command")
            continue
        command, rest = command_of(words)
        known = options_of(command)
        asked = {word.split("=")[0].rstrip(".,:") for word in rest if re.match(r"--[a-z]", word)}
        wrong += [f"{' '.join(words[:2])} {option}" for option in sorted(asked - known)]

    assert wrong == []


@pytest.mark.parametrize("module", sorted({module for module, *_ in COMMANDS.values()}))
def test_no_command_offers_to_complete_itself(module):
    """The program as a whole doesn't either: two lines of noise in each help."""
    offered = {one.name for one in typer.main.get_command(importlib.import_module(f"node.cli.{module}").app).params}

    assert not offered & {"install_completion", "show_completion"}


def test_the_pages_show_the_commands_that_figures_come_from():
    seen = {words[0] for page in PAGES for words in shown(page)}

    assert {"evaluate", "judge-lesions", "judge-scans", "calibrate-lesions", "train", "train-lesions"} <= seen
