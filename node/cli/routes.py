"""`lungnode routes check|explain`: are the rules valid, and why did each apply or not?"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from node.cli.terminal import answer, print_foreign, print_json
from node.engine.known import known_of
from node.errors import Misconfigured
from node.facts.folder import read_folder
from node.route.explain import Explanation, as_json, explain
from node.route.route import Routes
from node.route.rules import load_routes
from node.settings import Settings, load

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="The rules that choose series, and why each applied or not."
)

_CHECK = """Check a routes file: every fault with its line and what may have been meant.

Without FILE the file of the settings is checked, else the built-in default route is shown.

Examples:
  lungnode routes check /etc/lungnode/routes.toml --config /etc/lungnode/lungnode.toml
  lungnode routes check --json
"""
_EXPLAIN = """Read a folder of DICOM and show what every rule says of every series.

Nothing is analysed and nothing is sent. The called AE title can be given, for nodes with several.

Examples:
  lungnode routes explain /data/study
  lungnode routes explain /data/study --routes routes.toml --called-ae LUNG2 --json
"""


@app.command(help=_CHECK)
def check(
    file: Annotated[Path | None, typer.Argument(help="Routes in TOML.")] = None,
    config: Annotated[Path | None, typer.Option("--config", help="Settings that name destinations and models.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Check the routes and the names of models and destinations in them."""
    settings = load(config)
    routes = load_routes(file or settings.rules.routes)
    _check_names(routes, settings)
    if json:
        print_json({"valid": True, "source": routes.source, "routes": [route.name for route in routes.routes]})
        return
    for route in routes.routes:
        conditions = " and ".join(str(condition) for condition in route.conditions) or "every chest CT"
        answer.print(f"[bold]{escape(route.name)}[/] ({route.priority}): {escape(conditions)}")
    answer.print(f"{escape(routes.source)} is valid")


@app.command("explain", help=_EXPLAIN)
def explain_path(
    path: Annotated[Path, typer.Argument(exists=True, help="A folder of DICOM, or one file.")],
    routes_file: Annotated[
        Path | None, typer.Option("--routes", help="Routes in TOML instead of the settings'.")
    ] = None,
    called_ae: Annotated[str | None, typer.Option(help="The AE title that was called.")] = None,
    calling_ae: Annotated[str | None, typer.Option(help="The AE title that called.")] = None,
    config: Annotated[Path | None, typer.Option("--config", help="Settings that name destinations and models.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Explain the decision for every series of a folder."""
    settings = load(config)
    routes = load_routes(routes_file or settings.rules.routes)
    folder = read_folder(path)
    called = called_ae or settings.receive.ae_title
    known = replace(known_of(settings), called_ae=called, calling_ae=calling_ae)
    found = explain(folder.series, routes, known)
    files = [{"path": str(file.path), "code": file.code, "text": file.text} for file in folder.unread]
    if json:
        print_json(as_json(found) | {"files": files})
        return
    for explanation in found.series:
        _show(explanation)
    for unread in (file for file in folder.unread if not file.foreign):
        answer.print(f"{unread.code} {escape(str(unread.path))}: {escape(unread.text)}")
    print_foreign(file.foreign for file in folder.unread)


def _check_names(routes: Routes, settings: Settings) -> None:
    """Refuse what would stop the node's start: models and destinations that are not there, or not for this."""
    from node.engine.configuration import faults_of_routes  # noqa: PLC0415 - loads peers' and web clients

    faults = list(faults_of_routes(routes, settings))
    if faults:
        raise Misconfigured("CFG-ROUTES", "the node would not start with these routes:\n  " + "\n  ".join(faults))


def _show(explanation: Explanation) -> None:
    """Print one series for a person."""
    first = explanation.series.first
    answer.print(
        f"[bold]{explanation.role}[/] {escape(first.modality or '?')} {escape(first.series_description)} "
        f"({explanation.series.n_instances} instances, {explanation.series.series_instance_uid})"
    )
    for reason in explanation.reasons:
        answer.print(f"  {reason.code} {escape(reason.text)}")
    for why in explanation.case.why if explanation.case else ():
        answer.print(f"  {escape(why)}")
    if explanation.gate is None:
        for judgement in explanation.judgements:
            answer.print(f"  {escape(str(judgement))}")
