"""`lungnode doctor`: test the installation and say what to do."""

from pathlib import Path

import typer
from rich.markup import escape

from node.cli.terminal import answer, print_json
from node.errors import Misconfigured
from node.settings import Settings, load
from node.watch.doctor.as_seen_by import SeenAs, seen_as
from node.watch.doctor.examine import examine
from node.watch.doctor.finding import Finding, Grade, fail

app = typer.Typer(add_completion=False)
MARKS = {Grade.OK: "[green]  ok[/]", Grade.WARN: "[yellow]warn[/]", Grade.FAIL: "[bold red]FAIL[/]"}


@app.command()
def doctor(
    config: Path | None = typer.Option(None, "--config", "-c", help="Settings file; else as the node finds it."),
    offline: bool = typer.Option(False, "--offline", help="Judge settings and models; ask nobody, open no port."),
    as_seen_by: bool = typer.Option(False, "--as-seen-by", help="Print what to type into the PACS; test nothing."),
    pacs: str = typer.Option("", "--pacs", help="For --as-seen-by: the AE title, host or address of one PACS."),
    as_json: bool = typer.Option(False, "--json", help="One JSON object on standard output."),
) -> None:
    """Test ports, AE titles, Orthanc, DICOMweb, destinations, disk, devices and clock; say what to do.

    Exit status 0 where nothing failed, 5 where something did.

    Examples: lungnode doctor; lungnode doctor --config lungnode.toml --offline; lungnode doctor --as-seen-by
    """
    try:
        settings = load(config)
    except Misconfigured as error:
        _end((fail("settings", error.message, "correct the settings file"),), as_json)
        return
    if as_seen_by:
        _print_seen_as(seen_as(settings.receive, pacs), as_json)
        return
    _end(_collect(settings, offline=offline, show=not as_json), as_json)


def _collect(settings: Settings, *, offline: bool, show: bool) -> tuple[Finding, ...]:
    findings = []
    for finding in examine(settings, offline=offline):
        findings.append(finding)
        if show:
            _print(finding)
    return tuple(findings)


def _end(findings: tuple[Finding, ...], as_json: bool) -> None:
    failed = [finding for finding in findings if finding.grade is Grade.FAIL]
    if as_json:
        print_json({"ok": not failed, "findings": [finding.as_json() for finding in findings]})
    elif len(findings) == 1:
        _print(findings[0])
    if failed:
        raise typer.Exit(Misconfigured.exit_code)


def _print(finding: Finding) -> None:
    answer.print(f"{MARKS[finding.grade]}  {escape(finding.check)}: {escape(finding.text)}")
    if finding.todo:
        answer.print(f"      -> {escape(finding.todo)}")


def _print_seen_as(seen: SeenAs, as_json: bool) -> None:
    if as_json:
        print_json(seen.as_json())
        return
    answer.print("Type into the PACS, as a DICOM destination (storage):")
    answer.print(f"  AE title  {escape(' or '.join(seen.ae_titles))}")
    answer.print(f"  host      {escape(seen.host)}")
    answer.print(f"  port      {seen.port}" + (f" (TLS: {seen.tls_port})" if seen.tls_port else ""))
    answer.print("The PACS must call itself, from one of these addresses:")
    for title, hosts in seen.callers:
        answer.print(f"  {escape(title)} from {escape(', '.join(hosts))}")
    if seen.hint:
        answer.print(f"[yellow]warn[/]  {escape(seen.hint)}")
