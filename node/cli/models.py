"""`lungnode models`: what is installed, what it is, and whether it is unchanged."""

from pathlib import Path
from typing import Any

import typer

from node.cli.terminal import answer, print_json
from node.segment.model_card import ModelCard
from node.segment.registry import find, installed, verify
from node.settings import load

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Installed models, their cards and digests.")

_JSON = typer.Option(False, "--json", help="One JSON object on standard output.")
_CONFIG = typer.Option(None, "--config", help="The settings file.")


@app.command("list")
def list_models(as_json: bool = _JSON, config: Path | None = _CONFIG) -> None:
    """List the installed models.

    Example: lungnode models list --json
    """
    settings = load(config)
    default = {settings.compute.lungs, settings.compute.lesions}
    rows = [_row(card, is_default=card.name in default) for card in installed(settings.models_dir)]
    if as_json:
        print_json({"models": rows})
        return
    for row in rows:
        marks = ("default " if row["default"] else "") + ("" if row["verified"] else "CHANGED")
        answer.print(f"{row['name']:24} {','.join(row['tasks']):16} {row['digest'][:12]}  {marks}", markup=False)


@app.command("show")
def show(name: str, as_json: bool = _JSON, config: Path | None = _CONFIG) -> None:
    """Show a model and its card.

    Example: lungnode models show lungs-rule
    """
    settings = load(config)
    card = find(name, settings.models_dir)
    text = card.text()
    if as_json:
        default = name in {settings.compute.lungs, settings.compute.lesions}
        more = {"version": card.version, "title": card.title, "licence": card.licence, "kind": card.kind, "card": text}
        print_json(_row(card, is_default=default) | more)
        return
    answer.print(text, markup=False)


@app.command("verify")
def verify_models(
    name: str | None = typer.Argument(None, help="Without it, all of them."),
    as_json: bool = _JSON,
    config: Path | None = _CONFIG,
) -> None:
    """Compare every file of the models with its digest; exit 5 where one is missing or changed.

    Example: lungnode models verify
    """
    folder = load(config).models_dir
    names = [name] if name else [card.name for card in installed(folder)]
    cards = [verify(each, folder) for each in names]
    if as_json:
        print_json({"models": [_row(card, is_default=False) for card in cards]})
        return
    for card in cards:
        answer.print(f"{card.name}: unchanged, {card.digest}", markup=False)


def _row(card: ModelCard, *, is_default: bool) -> dict[str, Any]:
    return {
        "name": card.name,
        "paper": card.paper,
        "tasks": [task.value for task in card.tasks],
        "digest": card.digest,
        "verified": card.verified,
        "default": is_default,
    }
