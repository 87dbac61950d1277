"""`lungnode phantom`: write a synthetic thorax as DICOM."""

from pathlib import Path

import typer

from node.cli.terminal import answer, print_json
from node.phantom.study import StudyPlan, write_study

app = typer.Typer(add_completion=False)


@app.command()
def phantom(  # noqa: PLR0913, PLR0917 - one parameter per option of the command
    directory: Path = typer.Argument(..., help="Folder to write to; made if needed."),
    slices: int = typer.Option(64, min=1, max=5000, help="Slices over 320 mm."),
    size: int = typer.Option(512, min=16, max=2048, help="Rows and columns over 400 mm."),
    nodules: int = typer.Option(0, min=0, max=6, help="How many nodules of known size."),
    emphysema: float = typer.Option(0.0, min=0.0, max=0.9, help="Share of the lungs that is nearly air."),
    contrast: bool = typer.Option(False, "--contrast", help="Bright blood, and a contrast agent in the header."),
    pet: bool = typer.Option(False, "--pet", help="A PET of the same patient; nodules may be hot."),
    seed: int = typer.Option(0, help="Another seed is another patient."),
    as_json: bool = typer.Option(False, "--json", help="Print the truth as one JSON object."),
) -> None:
    """Write an anthropomorphic thorax as a CT series, with truth.json and truth.nrrd beside it.

    Example: lungnode phantom /tmp/patient --slices 64 --size 256 --nodules 3 --json
    """
    plan = StudyPlan(slices, size, nodules, seed, emphysema, contrast, pet=pet)
    truth = write_study(directory, plan)
    if as_json:
        print_json(truth)
    else:
        beside = "a PET and the truth" if pet else "the truth"
        answer.print(f"{slices} slices in {directory / 'CT'}, {beside} beside them", markup=False)
