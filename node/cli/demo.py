"""`lungnode demo`: Orthanc, plugin and node on this machine; a study is sent, and what comes back is shown."""

import re
import sys
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import typer
from rich.markup import escape
from rich.table import Table

from node.cli.terminal import answer, print_json, progress, to_person
from node.errors import InputRefused
from node.harness.demonstration import Shown, send_study, study_of, wait_and_read, write_phantom
from node.harness.interrupts import stopped_in_order
from node.harness.overlay import write_overlay
from node.harness.site import Site, running_site

app = typer.Typer(add_completion=False)
INTERRUPTED = 130  # the shell's convention for Ctrl-C


@app.command()
def demo(
    source: Path | None = typer.Option(None, "--input", exists=True, help="Folder with a study; else a phantom."),
    keep: bool | None = typer.Option(None, "--keep/--no-keep", help="Stay up until Ctrl-C; default: on a terminal."),
    out: Path = typer.Option(Path("demo-out"), "--out", help="Folder for the picture and the objects."),
    limit_s: float = typer.Option(600.0, "--limit", min=1.0, help="Seconds to wait for the result."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output."),
) -> None:
    """Show the whole line on this machine: a PACS sends to Orthanc, the node answers, the viewer shows it.

    Everything listens on loopback, on free ports, and is gone afterwards.

    Examples: lungnode demo; lungnode demo --input study/ --no-keep --json
    """
    stay = sys.stderr.isatty() and sys.stdin.isatty() and not as_json if keep is None else keep
    refused = False
    try:
        with stopped_in_order(), TemporaryDirectory(prefix="lungnode-demo-") as name:
            images = source or _phantom(Path(name) / "phantom")
            study, files = study_of(images)
            with running_site(Path(name), _say) as site:
                shown = _shown(site, study, files, limit_s)
                picture = _write(shown, images, out)
                _show(shown, picture, as_json=as_json)
                refused = shown.found.report is None
                if stay:
                    _stay(site)
    except KeyboardInterrupt as interrupt:
        _say("stopped")
        raise typer.Exit(INTERRUPTED) from interrupt
    if refused:
        raise typer.Exit(InputRefused.exit_code)


def _phantom(folder: Path) -> Path:
    _say("making a synthetic thorax")
    return write_phantom(folder)


def _shown(site: Site, study: str, files: tuple[Path, ...], limit_s: float) -> Shown:
    with progress() as bar:
        sending = bar.add_task(f"sending {len(files)} images to Orthanc", total=len(files))
        send_study(site, files, lambda: bar.advance(sending))
        waiting = bar.add_task("waiting for SEG and SR in Orthanc", total=None)
        return wait_and_read(site, study, limit_s=limit_s, on_wait=lambda: bar.advance(waiting))


def _show(shown: Shown, picture: Path | None, *, as_json: bool) -> None:
    if as_json:
        print_json(_as_json(shown, picture))
    else:
        _print(shown, picture)


def _write(shown: Shown, images: Path, out: Path) -> Path | None:
    """Write what came back, and the picture where there is a mask."""
    out.mkdir(parents=True, exist_ok=True)
    for name, content in (("SEG", shown.found.seg), ("SR", shown.found.report), ("NOTICE", shown.found.notice)):
        (out / f"{name}.dcm").unlink(missing_ok=True)
        if content is not None:
            (out / f"{name}.dcm").write_bytes(content)
    if shown.found.seg is None:
        return None
    picture = out / "overlay.jpg"
    write_overlay(shown.found.seg, images, picture)
    return picture


def _print(shown: Shown, picture: Path | None) -> None:
    if shown.rows:
        answer.print(_table(shown))
    for line in _lines(shown):
        answer.print(f"  {escape(line)}")
    for comment in shown.comments:
        answer.print(f"  {escape(comment)}")
    if picture is not None:
        answer.print(f"picture: {picture}", markup=False)
    if shown.link is None:
        answer.print("no viewer here: `deploy/viewer` fetches it (needs npm)", markup=False)
    else:
        answer.print(f"look at it in OHIF, for as long as this runs (--keep): {shown.link}", markup=False)


_LUNGS = ("Right lung", "Left lung", "Both lungs")


def _table(shown: Shown) -> Table:
    """One line per measure, one column per lung; zones have no room in a terminal and stand in `--json`."""
    regions = tuple(region for region in _LUNGS if any(row.where == region for row in shown.rows))
    values = {
        (row.what, row.where): _with_unit(row.value, row.unit) + (" (partial)" if row.partial else "")
        for row in shown.rows
    }
    table = Table("as stored in Orthanc", *regions)
    for column in table.columns[1:]:
        column.justify = "right"
    for what in dict.fromkeys(row.what for row in shown.rows if row.where in regions):
        table.add_row(what, *(values.get((what, region), "") for region in regions))
    return table


def _lines(shown: Shown) -> list[str]:
    """One line per lesion, candidate or reference: of those there may be more than a terminal has columns for."""
    told: dict[str, list[str]] = {}
    for row in shown.rows:
        if row.where not in _LUNGS and not row.where.endswith(" zone"):
            told.setdefault(row.where, []).append(f"{row.what} {_with_unit(row.value, row.unit)}")
    return [f"{where}: {', '.join(values)}" for where, values in told.items()]


def _with_unit(value: float, unit: str) -> str:
    """Return a number as a person reads it; UCUM's remarks in braces are for programs."""
    return f"{value:.1f} {re.sub(r'{.*?}', '', unit)}".rstrip()


def _as_json(shown: Shown, picture: Path | None) -> dict[str, object]:
    return {
        "study_instance_uid": shown.study_instance_uid,
        "outcome": "refused" if shown.found.report is None else "processed",
        "measurements": [
            {"what": r.what, "where": r.where, "value": r.value, "unit": r.unit, "partial": r.partial}
            for r in shown.rows
        ],
        "comments": list(shown.comments),
        "picture": str(picture) if picture else None,
        "viewer": shown.link,
    }


def _stay(site: Site) -> None:
    """Keep everything up until somebody says stop, which is the ordinary end here."""
    login = f"{site.orthanc.username} / {site.orthanc.password}"
    to_person.print(f"Orthanc: {site.orthanc.url}/app/explorer.html ({login}); Ctrl-C ends everything", markup=False)
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        _say("stopping")


def _say(text: str) -> None:
    to_person.print(text, markup=False)
