"""`lungnode judge-scans`: lesion models on whole scans, marks against what is known, with pictures."""

from enum import StrEnum
from pathlib import Path

import typer

from node.cli.terminal import print_json, to_person
from node.learn.findings_sheet import findings_sheet
from node.learn.lesion_finders import seen_of
from node.learn.scan_judge import as_found, find, lungs_of, summary
from node.learn.scan_score import ScanScore, score
from node.learn.scans import scans
from node.learn.seen import finder_for, is_learnt
from node.segment.lesions.listing import listed
from node.segment.lesions.sureness import Sureness
from node.segment.registry import load_lungs
from node.segment.runtime import runtime

app = typer.Typer()


class Split(StrEnum):
    """Which scans."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


@app.command()
def judge_scans(
    model: str = typer.Argument(..., help="Name of a lesion model, or folder of a training."),
    data: Path = typer.Option(..., "--data", help="Folder with known-lesions.json, or a set of volumes."),
    split: list[Split] = typer.Option([Split.VAL], help="Parts; test is judged once, at the end."),
    scan: list[str] = typer.Option([], help="Only these scans."),
    fold: list[str] = typer.Option(
        [],
        help="Trainings of folds (a+b: their mean): the first that held a patient out answers where the model can't.",
    ),
    out: Path | None = typer.Option(None, "--out", help="Folder of contact sheets, one a scan."),
    models: Path | None = typer.Option(None, "--models", help="Folder of models; none: the shipped ones."),
    lungs: str = typer.Option("lungs-joint", help="Lung model that the lesions are looked for round."),
    unsure_below: float | None = typer.Option(None, min=0.0, max=1.0, help="Instead of the model's own."),
    drop: bool = typer.Option(False, "--drop", help="Leave uncertain lesions out."),
    seen: bool = typer.Option(False, "--seen", help="Also scans that all learnt from: what they remember."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Judge a lesion model on whole scans: found and known, marks that are no lesion, FROC.

    Example: lungnode judge-scans lesions-p2 --data ../shared/data/vol3d --split val --out docs/review/lesions-p2
    """
    place = runtime("auto")
    found = seen_of(model, models, place)
    asked = [found, *(seen_of(run, models, place, found.finder) for run in fold)]
    lung_model = load_lungs(lungs, models)
    sureness = Sureness(unsure_below, drop=drop)
    confidence = found.finder.confidence
    scores: list[ScanScore] = []
    learnt: set[str] = set()
    for one in scans(data, frozenset(part.value for part in split), frozenset(scan)):
        remembers = seen and is_learnt(one, asked)
        if remembers:
            learnt.add(one.name)
        finder = found.finder if remembers else finder_for(one, asked)
        marks = listed(find(one, lungs_of(one, lung_model), finder), confidence, sureness)
        judged = score(one, as_found(marks, one, confidence, sureness))
        if out is not None:
            findings_sheet(one, judged, out)
        if not as_json:
            to_person.print(
                f"{one.name}: found {judged.n_found} of {judged.n_known}, {judged.n_marks} marks, {judged.n_false} no "
                f"lesion, {judged.n_unadjudicated} unadjudicated{'; learnt from' if remembers else ''}",
                markup=False,
            )
        scores.append(judged)
    if as_json:
        print_json({"model": model} | summary(scores, learnt))
