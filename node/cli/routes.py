"""`lungnode routes check|explain`: are the rules valid, and why did each apply or not?"""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from node.cli.terminal import answer, print_foreign, print_json
from node.errors import Misconfigured
from node.facts.folder import read_folder
from node.route.case import Known
from node.route.explain import Explanation, as_json, explain
from node.route.route import DEFAULT_MODEL, Routes
from node.route.rules import load_routes
from node.segment.registry import installed
from node.settings import Settings, load

app = typer.Typer(no_args_is_help=True, help="The rules that choose series, and why each applied or not.")

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
    found = explain(folder.series, routes, _known(settings, called_ae, calling_ae))
    files = [{"path": str(file.path), "code": file.code, "text": file.text} for file in folder.unread]
    if json:
        print_json(as_json(found) | {"files": files})
        return
    for explanation in found.series:
        _show(explanation)
    for unread in (file for file in folder.unread if not file.foreign):
        answer.print(f"{unread.code} {escape(str(unread.path))}: {escape(unread.text)}")
    print_foreign(file.foreign for file in folder.unread)


def _known(settings: Settings, called_ae: str | None, calling_ae: str | None) -> Known:
    tasks = frozenset(str(task) for card in installed(settings.models_dir) for task in card.tasks)
    return Known(
        called_ae=called_ae or settings.receive.ae_title,
        tasks=tasks,
        calling_ae=calling_ae,
        lungs=settings.compute.lungs,
        lesions=settings.compute.lesions,
        own_equipment=(settings.objects.manufacturer, "lungnode"),
        earl=settings.rules.earl,
    )


def _check_names(routes: Routes, settings: Settings) -> None:
    """Refuse models that are not installed and destinations that are not configured."""
    models = {card.name for card in installed(settings.models_dir)} | {DEFAULT_MODEL}
    destinations = {destination.name for destination in settings.destinations}
    faults: list[str] = []
    for route in routes.routes:
        named = {model for model in (route.lungs, route.lesions) if model}
        faults += [f"{routes.source}:{route.line}: model {name!r} is not installed" for name in sorted(named - models)]
        unknown = sorted(set(route.destinations or ()) - destinations)
        faults += [f"{routes.source}:{route.line}: destination {name!r} is not configured" for name in unknown]
    if faults:
        raise Misconfigured("CFG-ROUTES", "the routes name what is not there:\n  " + "\n  ".join(faults))


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
