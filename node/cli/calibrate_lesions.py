"""`lungnode calibrate-lesions`: fit a lesion model's confidence on training and validation candidates."""

import json
from dataclasses import asdict
from pathlib import Path

import typer

from node.cli.terminal import answer, print_json, to_person
from node.learn.calibrate import calibrate
from node.learn.calibrated_model import keep_calibration
from node.learn.candidate_set import Described, described, described_cubes
from node.learn.lesion_finders import seen_of
from node.learn.reliability_picture import draw_reliability
from node.learn.scans import has_scans, scans
from node.learn.uncertainty import tells_right_from_wrong
from node.segment.registry import load_lungs
from node.segment.runtime import runtime

app = typer.Typer(add_completion=False)

_SPLITS = frozenset({"train", "val"})


@app.command()
def calibrate_lesions(
    model: str = typer.Argument(..., help="Name of the lesion model that gets the calibration."),
    data: list[Path] = typer.Option(..., "--data", help="Folders with known-lesions.json, volumes or nodule cubes."),
    fold: list[str] = typer.Option(
        [], help="Trainings of other folds, for patients that the model learnt from; a+b: their mean."
    ),
    skip_learnt: bool = typer.Option(False, "--skip-learnt", help="Leave out patients that every network learnt from."),
    cubes: int = typer.Option(0, min=0, help="At most so many nodule cubes; 0: all."),
    unsure_below: float = typer.Option(0.5, min=0.0, max=1.0, help="A lesion below this is uncertain."),
    models: Path = typer.Option(Path("models"), "--models", help="Folder of models."),
    lungs: str = typer.Option("lungs-joint", help="Lung model that the lesions are looked for round."),
    picture: Path | None = typer.Option(None, help="Where the reliability diagram goes."),
    keep: Path | None = typer.Option(None, help="Where the candidates go, as JSON."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object."),
) -> None:
    """Fit confidence on candidates of training and validation patients, limits on the former; never on test scans.

    Example: lungnode calibrate-lesions lesions-p2 --data ../shared/data/vol3d --data ../shared/data --fold runs/p2-f1
    """
    place = runtime("auto")
    first = seen_of(model, models, place, uncalibrated=True)
    seen = [first, *(seen_of(run, models, place, first.finder) for run in fold)]
    lung_model = load_lungs(lungs, models)
    found: list[Described] = []
    for folder in data:
        if has_scans(folder):
            for scan in scans(folder, _SPLITS):
                found += described([scan], seen, lung_model, skip_learnt=skip_learnt)
                to_person.print(f"{scan.name}: {len(found)} candidates so far", markup=False)
        else:
            found += described_cubes(folder, _SPLITS, seen, cubes, skip_learnt=skip_learnt)
            to_person.print(f"{folder.name}: {len(found)} candidates so far", markup=False)
    if keep is not None:
        keep.write_text(json.dumps([_plain(one) for one in found]), encoding="utf-8")
    fitted = calibrate([one.labelled for one in found], unsure_below=unsure_below)
    doubt = tells_right_from_wrong(found, fitted.held_out)
    keep_calibration(fitted, models / model)
    if picture is not None:
        draw_reliability(fitted.reliability, model, picture)
    told = fitted.told | {"uncertainty": doubt, "reliability": asdict(fitted.reliability)}
    if as_json:
        print_json(told)
        return
    low, high = fitted.reliability.interval
    whole = fitted.told["whole_scans"]
    if whole["n"]:
        answer.print(
            f"of whole scans {whole['n']}, {whole['n_true']} lesions: mean confidence {whole['predicted']:.2f}, "
            f"share of lesions {whole['observed']:.2f}",
            markup=False,
        )
    answer.print(
        f"{len(found)} candidates{'' if fitted.told['enough'] else ' (fewer than asked for)'}, "
        f"{fitted.told['n_true']} lesions: ECE {fitted.reliability.ece:.3f} ({low:.3f} to "
        f"{high:.3f}), AUC {fitted.told['auc']:.3f}; a wrong mark is the more uncertain one: {doubt}",
        markup=False,
    )


def _plain(one: Described) -> dict[str, object]:
    told = {"features": one.labelled.features.tolist(), "is_lesion": one.labelled.is_lesion}
    return told | {
        "case": one.labelled.case,
        "scan": one.labelled.scan,
        "split": one.labelled.split,
        "of_cube": one.labelled.of_cube,
        "entropy": one.entropy,
        "flip": one.flip_distance,
    }
