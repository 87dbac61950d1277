"""`lungnode evaluate`: judge models of lungs and of lesions on a labelled set; each says itself what it finds."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer

from node.cli.acceptance import show_acceptance
from node.cli.terminal import answer, print_json, to_person
from node.learn.evaluate import Question
from node.learn.evaluate import evaluate as judge_models
from node.learn.judge import Measured
from node.learn.page import write_page
from node.segment.contract import LungDefinition

app = typer.Typer(add_completion=False)

_SHOWN = (
    ("dice_pooled", "pooled", 4),
    ("iou", "IoU", 4),
    ("precision", "precision", 3),
    ("recall", "recall", 3),
    ("hd95_mm", "HD95 mm", 1),
    ("hd95_px", "HD95 px", 1),
    ("assd_mm", "ASSD mm", 1),
    ("assd_px", "ASSD px", 1),
    ("tumour_kept_out", "tumour kept out", 2),
)  # fmt: skip  measure, how it is called, digits


class Part(StrEnum):
    """Which rows."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"
    ALL = "all"


@app.command()
def evaluate(
    models: list[str] = typer.Argument(None, help="Installed models, folders of runs, or folders of saved masks."),
    data: Path | None = typer.Option(None, "--data", help="Folder of a labelled set: index.csv and what it names."),
    out: Path | None = typer.Option(None, "--out", help="Folder for evaluation.json, cases.csv and the picture page."),
    split: Part = typer.Option(Part.TEST, help="Which part of the set; all: the whole set."),
    held_out: bool = typer.Option(
        False, "--held-out", help="The models are folds of one system: each answers for whom it held out, no --split."
    ),
    where: list[str] = typer.Option([], help="Only rows with column=value (or column!=value)."),
    definition: LungDefinition | None = typer.Option(
        None, help="Of lungs, which is the reference; the model's own by default."
    ),
    baseline: str | None = typer.Option(None, help="Compare with this model, paired by patient."),
    models_dir: Path | None = typer.Option(None, help="Where models are installed."),
    device: str = typer.Option("auto", help="auto, cpu or cuda."),
    robust: bool = typer.Option(False, "--robust", help="Also the deviation of Dice under changed intensity."),
    save: bool = typer.Option(False, "--save", help="Keep the masks; the folder can be judged again."),
    raw: bool = typer.Option(False, "--raw", help="Runs of lungs without gating: the ablation."),
    pictures: bool = typer.Option(True, help="Write the picture page."),
    corrections: bool = typer.Option(
        False, "--corrections", help="This installation's own figures: how readers changed its results."
    ),
    config: Path | None = typer.Option(None, "--config", help="With --corrections: the settings file."),
    as_json: bool = typer.Option(False, "--json", help="Print evaluation.json."),
) -> None:
    """Judge models of lungs and of lesions by patient, each group of labels apart.

    Lesions are judged on whole slices, cubes and volumes, with the model's own threshold. `judge-lesions` has every
    step after the network as an option, `judge-scans` searches whole scans.

    Example: lungnode evaluate lungs-rule runs/p0 --data sets/vol3d --split val --where lung_label=1 --out judged

    Example: lungnode evaluate lesions-p3 runs/p3 --baseline runs/unet --data sets/tumours --split val --out judged

    Example: lungnode evaluate --corrections
    """
    if corrections:
        show_acceptance(config, as_json=as_json)
        return
    if not models or data is None or out is None:
        raise typer.BadParameter("models, --data and --out are needed; or --corrections alone")
    question = Question(
        tuple(models),
        data,
        out,
        split=None if split is Part.ALL else split.value,
        where=tuple(where),
        definition=definition,
        baseline=baseline,
        models_dir=models_dir,
        device=device,
        robust=robust,
        save=save or pictures,
        raw=raw,
        held_out=held_out,
    )
    judged = judge_models(question, _tell)
    if pictures:
        write_page(question, judged)
    if as_json:
        print_json(judged)
        return
    for line in judged["models"]:
        answer.print(f"{line['name']}  {line['group']}  {', '.join(_figures(line))}", markup=False)
    for line in judged["comparison"]:
        answer.print(_of_difference(line), markup=False)
    answer.print(
        f"all figures: {out / 'evaluation.json'}{', pictures: index.html beside it' if pictures else ''}", markup=False
    )


def _figures(line: dict[str, Any]) -> Iterator[str]:
    """Yield what a person reads first of a model on a group; evaluation.json has the rest."""
    outlined = (
        f"{line['dice_n']} of {line['n_cases']} cases"
        if line["dice_n"] < line["n_cases"]
        else f"{line['n_cases']} cases"
    )
    yield f"Dice {_spread(line, 'dice', 4)} over {outlined}"
    for measure, label, digits in _SHOWN:
        if line.get(f"{measure}_mean") is not None:
            yield f"{label} {_spread(line, measure, digits)}"
    if line["n_empty"]:
        yield f"marks on {line['empty_fp_rate']:.0%} of {line['n_empty']} empty slices"
    yield f"{line['seconds_per_slice_mean']:.3f} s a slice"


def _spread(line: dict[str, Any], measure: str, digits: int) -> str:
    """Return mean ± standard deviation over cases."""
    mean, sd = line[f"{measure}_mean"], line[f"{measure}_sd"]
    if mean is None:
        return "none"
    return f"{mean:.{digits}f}" + ("" if sd is None else f" ± {sd:.{digits}f}")


def _of_difference(line: dict[str, Any]) -> str:
    """Return one model beside the baseline, paired by patient."""
    told = f"{line['name']} against {line['baseline']}, {line['group']}: "
    if line["dice_difference"] is None:
        return f"{told}no patient with a Dice of both"
    spread = "" if line["interval"] is None else f" (95 % {line['interval'][0]:+.4f} to {line['interval'][1]:+.4f})"
    p = "" if line["p"] is None else f", p {line['p']:.3f} (Wilcoxon), by Holm {line['p_holm']:.3f}"
    return f"{told}Dice {line['dice_difference']:+.4f}{spread} over {line['n_cases']} patients{p}"


def _tell(model: str, measured: Measured) -> None:
    """Show one item."""
    value = measured.values["dice"]
    text = "nothing outlined there" if value is None else f"Dice {value:.4f}"
    to_person.print(f"{model}  {measured.item_id}  {text}", markup=False)
