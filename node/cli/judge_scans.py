"""`lungnode judge-scans`: lesion models on whole scans, marks against what is known, with pictures."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from node.cli.terminal import answer, print_json
from node.errors import InputRefused
from node.learn.findings_sheet import findings_sheet
from node.learn.lesion_finders import seen_of
from node.learn.scan_judge import as_found, find, lungs_of, marks_of, summary
from node.learn.scan_score import ScanScore, score
from node.learn.scans import scans
from node.learn.seen import finder_for, is_learnt
from node.segment.lesions.sureness import Sureness
from node.segment.registry import load_lungs
from node.segment.runtime import runtime

app = typer.Typer(add_completion=False)


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
        marks = marks_of(one, find(one, lungs_of(one, lung_model), finder), finder, sureness, seen=seen)
        judged = score(one, as_found(marks, one, confidence, sureness))
        if out is not None:
            findings_sheet(one, judged, out)
        if not as_json:
            answer.print(
                f"{one.name}: found {judged.n_found} of {judged.n_known}, {judged.n_marks} marks, {judged.n_false} no "
                f"lesion, {judged.n_unadjudicated} unadjudicated{'; learnt from' if remembers else ''}",
                markup=False,
            )
        scores.append(judged)
    if not scores:
        asked_for = f"the part {', '.join(split)}" + (f" called {', '.join(scan)}" if scan else "")
        raise InputRefused("SET-EMPTY", f"{data} holds no scan of {asked_for}; see --split and --scan")
    told = summary(scores, learnt)
    if as_json:
        print_json({"model": model} | told)
    else:
        answer.print("\n".join(_together(told)), markup=False)


def _together(told: dict[str, Any]) -> Iterator[str]:
    """Yield what a person reads about all scans together."""
    yield f"all: found {told['found']} of {told['known']} on {len(told['scans'])} scans"
    if told["n_completely_read"]:
        yield f"no lesion, of each completely read scan: {told['false_per_scan_median']:.1f} in the median"
    if curve := told["froc"]:
        rates = zip(curve["sensitivity"], curve["false_per_scan"], strict=True)
        points = ", ".join(f"{found:.2f} at {rate:g}" for found, rate in rates)
        yield f"FROC, share found at so many marks that are no lesion a scan: {points}; mean {curve['mean']:.2f}"
