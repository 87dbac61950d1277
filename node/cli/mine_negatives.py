"""`lungnode mine-negatives`: a labelled set of what a model marks wrongly on training scans."""

from dataclasses import asdict
from pathlib import Path

import typer

from node.cli.terminal import answer, print_json
from node.learn.hard_negatives import mine
from node.learn.lesion_finders import seen_of
from node.learn.scans import scans
from node.segment.registry import load_lungs
from node.segment.runtime import runtime

app = typer.Typer(add_completion=False)


@app.command()
def mine_negatives(
    model: str = typer.Argument(..., help="Name of a lesion model, or folder of a training."),
    data: list[Path] = typer.Option(..., "--data", help="Folders with known-lesions.json or volumes."),
    out: Path = typer.Option(..., "--out", help="Folder of the new set; given to train-lesions beside the others."),
    models: Path | None = typer.Option(None, "--models", help="Folder of models; none: the shipped ones."),
    lungs: str = typer.Option("lungs-joint", help="Lung model that the lesions are looked for round."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Write the slices of a model's wrong marks on training scans as rows of a labelled set.

    Example: lungnode mine-negatives runs/p2 --data ../shared/data --data ../shared/data/vol3d --out sets/hard
    """
    found = seen_of(model, models, runtime("auto"))
    training = (scan for folder in data for scan in scans(folder, frozenset({"train"})))
    mined = mine(training, found.finder, load_lungs(lungs, models), out)
    if as_json:
        print_json(asdict(mined))
    else:
        text = f"{mined.n_slices} slices of {mined.n_marks} wrong marks on {mined.n_scans} training scans in {out}"
        answer.print(text, markup=False)
