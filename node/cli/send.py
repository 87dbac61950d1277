"""`lungnode send`: C-STORE a folder to an application entity, as a modality or a PACS would."""

import re
from pathlib import Path

import typer

from node.cli.terminal import answer, print_json, progress
from node.errors import WrongUsage

app = typer.Typer(add_completion=False)

_ADDRESS = re.compile(r"^(?P<ae>[^@]{1,16})@(?P<host>\[[^\]]+\]|[^:]+):(?P<port>\d{1,5})$")
_TITLE = re.compile(r"^(?=.*[!-~])[ -\[\]-~]{1,16}$")
_LAST_PORT = 65535


@app.command()
def send(
    path: Path = typer.Argument(..., exists=True, help="A DICOM file or a folder, searched recursively."),
    to: str = typer.Option(..., "--to", help="AET@HOST:PORT; an IPv6 address in brackets."),
    calling: str = typer.Option("LUNGNODE-SCU", "--calling", "-aet", help="Our AE title."),
    associations: int = typer.Option(1, min=1, max=32, help="How many associations share the files."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output."),
) -> None:
    """Send files by C-STORE and say what became of each.

    Example: lungnode send study/ --to LUNGNODE@127.0.0.1:11112
    """
    from node.harness.send import send as send_files  # noqa: PLC0415 - pynetdicom is loaded only where it is used

    found = _ADDRESS.match(to)
    if not found or not _TITLE.match(found["ae"]) or not 1 <= int(found["port"]) <= _LAST_PORT:
        text = f"{to!r} is not of the form AET@HOST:PORT, the port 1 to 65535, an IPv6 address in brackets"
        raise typer.BadParameter(text, param_hint="--to")
    if not _TITLE.match(calling):
        text = f"{calling!r} is no AE title: write 1 to 16 ASCII characters, not spaces alone and no backslash"
        raise typer.BadParameter(text, param_hint="--calling")
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    if not files:
        raise WrongUsage("USAGE", f"there is no file in {path}, so nobody was called: name the folder that has them")
    with progress() as bar:
        task = bar.add_task("sending", total=len(files))
        report = send_files(
            files,
            found["ae"],
            found["host"].strip("[]"),
            int(found["port"]),
            calling=calling,
            associations=associations,
            on_progress=lambda: bar.advance(task),
        )
    if as_json:
        print_json(report.as_json())
    else:
        answer.print(report.summary())
    if report.failed:
        raise typer.Exit(4)
