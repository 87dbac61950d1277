"""`lungnode evaluate`: judge models on a labelled set."""

from enum import StrEnum
from pathlib import Path

import typer

from node.cli.acceptance import show_acceptance
from node.cli.terminal import answer, print_json, to_person
from node.learn.evaluate import Question
from node.learn.evaluate import evaluate as judge_models
from node.learn.judge import Measured
from node.learn.page import write_page
from node.segment.contract import LungDefinition

app = typer.Typer(add_completion=False)


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
    where: list[str] = typer.Option([], help="Only rows with column=value (or column!=value)."),
    definition: LungDefinition | None = typer.Option(
        None, help="Which lung is the reference; the model's own by default."
    ),
    baseline: str | None = typer.Option(None, help="Compare with this model, paired by patient."),
    models_dir: Path | None = typer.Option(None, help="Where models are installed."),
    device: str = typer.Option("auto", help="auto, cpu or cuda."),
    robust: bool = typer.Option(False, "--robust", help="Also the deviation of Dice under changed intensity."),
    save: bool = typer.Option(False, "--save", help="Keep the masks; the folder can be judged again."),
    raw: bool = typer.Option(False, "--raw", help="Runs without gating: the ablation of it."),
    pictures: bool = typer.Option(True, help="Write the picture page."),
    corrections: bool = typer.Option(
        False, "--corrections", help="This installation's own figures: how readers changed its results."
    ),
    config: Path | None = typer.Option(None, "--config", help="With --corrections: the settings file."),
    as_json: bool = typer.Option(False, "--json", help="Print evaluation.json."),
) -> None:
    """Judge models by patient, each group of labels apart.

    Example: lungnode evaluate lungs-rule runs/p0 --data sets/vol3d --split val --where lung_label=1 --out judged

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
    )
    judged = judge_models(question, _tell)
    if pictures:
        write_page(question, judged)
    if as_json:
        print_json(judged)
        return
    for line in judged["models"]:
        mean = "none" if line["dice_mean"] is None else f"{line['dice_mean']:.4f}"
        answer.print(f"{line['name']}  {line['group']}  Dice {mean} over {line['n_cases']} cases", markup=False)


def _tell(model: str, measured: Measured) -> None:
    """Show one item."""
    value = measured.values["dice"]
    text = "empty reference" if value is None else f"Dice {value:.4f}"
    to_person.print(f"{model}  {measured.item_id}  {text}", markup=False)
