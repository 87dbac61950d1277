"""`lungnode train-classifier`: P3's classifier heads, off by default and never a finding in a report."""

from enum import StrEnum
from functools import partial
from pathlib import Path

import typer

from node.cli.terminal import answer, print_json
from node.learn.classify import ClassifierJob, malignancy_regions, subtype_regions, train_classifier
from node.learn.index import read_index
from node.learn.lesion_judge import marks_of_picture
from node.learn.lesion_trained import answering
from node.segment.runtime import runtime

app = typer.Typer(add_completion=False)


class Head(StrEnum):
    """What is told apart."""

    MALIGNANCY = "malignancy"
    SUBTYPE = "subtype"


@app.command("train-classifier")
def train_head(
    head: Head = typer.Argument(..., help="malignancy (crops with readers' ratings) or subtype (labelled pictures)."),
    data: Path = typer.Option(..., "--data", help="Folder of a labelled set."),
    out: Path = typer.Option(..., "--out", help="Folder of this run."),
    width: int = typer.Option(16, min=2, help="Channels of the first level."),
    epochs: int = typer.Option(60, min=1, help="At most so many epochs."),
    seed: int = typer.Option(0, help="Of weights, order and augmentation."),
    region_of: str | None = typer.Option(
        None, help="Folder of a P3 training, or name of a model, whose mask is the region (subtype alone)."
    ),
    threads: int = typer.Option(0, min=0, help="CPU threads; 0: torch's choice."),
    any_licence: bool = typer.Option(False, "--any-licence", help="Learn from every row; the weights are marked."),
    as_json: bool = typer.Option(False, "--json", help="Print the summary as one JSON object."),
) -> None:
    """Train one head on train, keep the best epoch on val, and write what its figures are worth beside them.

    Example: lungnode train-classifier malignancy --data sets/nodules --out runs/malignancy
    """
    find = None
    if region_of is not None:
        place = runtime("cpu", "fp32")
        find = marks_of_picture(answering(region_of, None, place), place)
    read = malignancy_regions if head is Head.MALIGNANCY else partial(subtype_regions, find=find)
    rows = [row for row in read_index(data) if row.split != "test"]
    job = ClassifierJob(head.value, out, width, epochs=epochs, seed=seed, threads=threads)
    told = train_classifier(job, rows, read, any_licence=any_licence)
    if as_json:
        print_json(told)
    else:
        answer.print(f"{head.value}: {told['val']}; {told['warning']}", markup=False)
