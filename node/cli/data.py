"""`lungnode data`: public originals in the format of the labelled sets, the rule-made set, weights exported."""

from enum import StrEnum
from pathlib import Path

import typer

from node.cli.terminal import answer, print_json
from node.learn.export import Answer
from node.learn.export import export as export_run
from node.learn.export_lesions import export_lesions, join
from node.learn.import_lidc import lidc_cases
from node.learn.import_volumes import luna16_cases, msd_cases
from node.learn.lesion_card import LesionAnswer
from node.learn.pseudo_set import make_pseudo_set
from node.learn.run_folder import task_of
from node.learn.set_writer import write_set
from node.segment.contract import Task
from node.segment.postprocess.sure_dense import SURE
from node.segment.registry import verify

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Labelled sets in, labelled sets and models out.")


class Collection(StrEnum):
    """A public original."""

    LIDC = "lidc"
    LUNA16 = "luna16"
    MSD = "msd"


class Tiles(StrEnum):
    """Where a tumour network looks at native pixels, too."""

    NONE = "none"
    SEEDS = "seeds"
    ALL = "all"


_READERS = {Collection.LIDC: lidc_cases, Collection.LUNA16: luna16_cases, Collection.MSD: msd_cases}


@app.command("import")
def import_original(
    collection: Collection = typer.Argument(..., help="lidc, luna16 or msd."),
    path: Path = typer.Argument(..., help="Where the original was unpacked."),
    out: Path = typer.Option(..., "--out", help="Folder of the new set."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Turn a public original into the format of the labelled sets.

    Example: lungnode data import msd Task06_Lung --out sets/msd
    """
    n_cases = write_set(_READERS[collection](path), out)
    if as_json:
        print_json({"out": str(out), "n_cases": n_cases})
    else:
        answer.print(f"{n_cases} cases in {out}", markup=False)


@app.command()
def pseudo(
    source: Path = typer.Option(..., "--source", help="Folder that holds lung2d, vol3d and tumour2d."),
    out: Path = typer.Option(..., "--out", help="Folder of the new set."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Make the rule-made lungs that the shipped networks learn from.

    Example: lungnode data pseudo --source ../shared/data --out sets/lungs
    """
    kept = make_pseudo_set(source, out)
    if as_json:
        print_json({"out": str(out), "kept": kept})
    else:
        answer.print(f"{kept} slices to learn from in {out}", markup=False)


@app.command()
def export(
    run: Path = typer.Argument(..., help="Folder of a training."),
    name: str = typer.Option(..., "--name", help="Name of the model, e.g. aru-net-w16."),
    models: Path = typer.Option(Path("models"), "--models", help="Folder of models."),
    version: str = typer.Option("1", help="Raise it when the weights change."),
    threshold: float = typer.Option(0.5, min=0.05, max=0.95, help="Probability from which a pixel is lung or tumour."),
    flips: bool = typer.Option(False, "--flips", help="Average with the mirror image: half as fast."),
    size: int | None = typer.Option(
        None, min=32, help="Lungs: rows and columns that it is shown; else those of the run."
    ),
    raw_border: bool = typer.Option(False, "--raw-border", help="Lungs: leave the border where the network drew it."),
    domes: bool = typer.Option(False, "--domes", help="Lungs: leave what looks like an organ under the diaphragm."),
    sure_dense: float = typer.Option(
        SURE, min=0.0, max=1.0, help="Lungs with lesions: what a dense piece needs in its core; 0: nothing."
    ),
    tiles: Tiles = typer.Option(Tiles.NONE, help="Lesions: native tiles nowhere, at seeds or everywhere."),
    step: float = typer.Option(2.0, min=0.0, help="Lesions: thinner slices are averaged to about this, mm; 0: never."),
    peak: float = typer.Option(0.0, min=0.0, max=1.0, help="Lesions: what a mark's surest voxel must have."),
    figure: list[str] = typer.Option([], help="What it reached, for the card, as what=figure."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Write the best epoch of a training as a model that the node can load.

    Example: lungnode data export runs/p0 --name aru-net-w16
    """
    reached = tuple((what, value) for what, _, value in (text.partition("=") for text in figure))
    if task_of(run) is Task.LESIONS:
        how = LesionAnswer(threshold, flips, tiles.value, step, peak=peak)
        folder = export_lesions(run, name, models, version=version, answer=how, figures=reached)
    else:
        lungs = Answer(threshold, flips, size, not raw_border, not domes, sure_dense)
        folder = export_run(run, name, models, version=version, answer=lungs, figures=reached)
    if as_json:
        print_json({"folder": str(folder)})
    else:
        answer.print(f"wrote {folder}", markup=False)


@app.command("join")
def join_models(
    name: str = typer.Argument(..., help="Name of the ensemble."),
    members: list[str] = typer.Argument(..., help="Installed lesion models."),
    models: Path = typer.Option(Path("models"), "--models", help="Folder of models."),
    version: str = typer.Option("1", help="Raise it when a member changes."),
    threshold: float = typer.Option(0.5, min=0.05, max=0.95, help="Mean probability from which a pixel is tumour."),
    peak: float = typer.Option(0.0, min=0.0, max=1.0, help="Mean probability that a mark's surest voxel must have."),
    outlines: str = typer.Option("", help="Installed network for nodules that draws what they found anew."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Join lesion models to an ensemble: the mean of their probabilities, with a calibration of its own.

    Example: lungnode data join lesions-mean attention-unet-w16 raemd-w16
    """
    cards = [verify(member, models) for member in members]
    drawing = verify(outlines, models) if outlines else None
    if drawing is not None and Task.NODULES not in drawing.tasks:
        raise typer.BadParameter(f"{outlines} is no network for nodules", param_hint="--outlines")
    folder = join(name, cards, models, version=version, threshold=threshold, peak=peak, outlines=drawing)
    if as_json:
        print_json({"folder": str(folder)})
    else:
        answer.print(f"wrote {folder}", markup=False)
