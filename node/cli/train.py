"""`lungnode train`: train one of the networks, or go on with a training that was interrupted."""

from enum import StrEnum
from pathlib import Path

import typer

from node.cli.by_system import BySystem
from node.cli.terminal import answer, print_json, to_person
from node.learn.curves import Point
from node.learn.session import Wish, run
from node.segment.contract import LungDefinition

app = typer.Typer(add_completion=False)


class ProtocolName(StrEnum):
    """Which sizes and schedule."""

    PAPER = "paper"
    REDUCED = "reduced"


class OptimiserName(StrEnum):
    """What moves the weights; P1's ablation has all four."""

    ADAM = "adam"
    SGD = "sgd"
    ADAMAX = "adamax"
    RMSPROP = "rmsprop"


class PrecisionName(StrEnum):
    """How the network computes."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"


class Learnt(StrEnum):
    """What a baseline learns."""

    LUNGS = "lungs"
    LESIONS = "lesions"


@app.command(cls=BySystem)
def train(
    model: str = typer.Argument(
        ...,
        help="Lungs: aru-net (P0), fusionlungnet (P1), unet and other baselines. Tumours: attention-unet-hybrid (P2), "
        "dual-backbone-unet (P3), raemd-net (P4), and with --task lesions the baselines.",
    ),
    data: Path = typer.Option(..., "--data", help="Folder of a labelled set: index.csv, images, masks."),
    out: Path = typer.Option(..., "--out", help="Folder of this run; one that holds a checkpoint is gone on with."),
    task: Learnt = typer.Option(  # noqa: ARG001  read by `BySystem`
        Learnt.LUNGS, help="What a baseline learns; all other systems find one thing alone."
    ),
    protocol: ProtocolName = typer.Option(
        ProtocolName.PAPER, help="The paper's schedule, or what two cores can train."
    ),
    width: int | None = typer.Option(None, min=2, help="Channels of the first level."),
    size: int | None = typer.Option(None, min=32, help="Rows and columns of the input."),
    lr: float | None = typer.Option(None, min=0.0, help="First learning rate."),
    epochs: int | None = typer.Option(None, min=1, help="At most so many epochs."),
    optimiser: OptimiserName | None = typer.Option(None, help="Instead of the schedule's."),
    definition: LungDefinition | None = typer.Option(None, help="Which lung; the system's own by default."),
    recipe: str | None = typer.Option(None, help="Preprocessing: window or p1; the system's own by default."),
    lesion_weight: float | None = typer.Option(None, min=1.0, help="What a tumour's pixel counts; the protocol's."),
    lesion_reach: int = typer.Option(0, min=0, help="Pixels round a tumour that count as much as it does."),
    loss_shares: str | None = typer.Option(None, help="P1's focal, SSIM and IoU in its loss, e.g. 0.3,0.4,0.3."),
    switch: list[str] = typer.Option([], help="A size or switch of the network as name=value, e.g. mff=false."),
    where: list[str] = typer.Option([], help="Only rows with column=value (or column!=value)."),
    folds: int = typer.Option(0, min=0, help="k folds over train and val; 0: the set's own split."),
    fold: int = typer.Option(0, min=0, help="Which fold is held out, from 0."),
    seed: int = typer.Option(0, help="Of weights, order and augmentation."),
    budget: float | None = typer.Option(None, min=0.0, help="Minutes; ends earlier, marked as not converged."),
    init: Path | None = typer.Option(None, help="A run's folder, or a model's folder or name: weights to begin with."),
    device: str = typer.Option("auto", help="auto, cpu or cuda."),
    precision: PrecisionName = typer.Option(PrecisionName.AUTO, help="auto takes bf16 where the device has it."),
    threads: int = typer.Option(0, min=0, help="CPU threads; 0: torch's choice."),
    any_licence: bool = typer.Option(False, "--any-licence", help="Learn from every row; the weights are marked."),
    search: bool = typer.Option(False, "--search", help="Try the protocol's learning rates for two epochs each."),
    as_json: bool = typer.Option(False, "--json", help="Print the summary as one JSON object."),
) -> None:
    """Train a network by its paper's schedule, by patient, and keep the best epoch.

    These are the options of lung systems. Those of tumour systems are the options of `train-lesions`, which this
    command becomes for them: `lungnode train raemd-net --help`, `lungnode train unet --task lesions --help`.

    Example: lungnode train aru-net --data sets/lungs --out runs/p0 --protocol reduced --budget 60

    Example: lungnode train raemd-net --data sets/tumours --out runs/p4 --protocol reduced --budget 60
    """
    wish = Wish(
        model,
        data,
        out,
        protocol=protocol.value,
        width=width,
        size=size,
        lr=lr,
        epochs=epochs,
        optimiser=None if optimiser is None else optimiser.value,
        definition=definition,
        recipe=recipe,
        where=tuple(where),
        folds=folds,
        fold=fold,
        seed=seed,
        budget_min=budget,
        device=device,
        precision=precision.value,
        threads=threads,
        any_licence=any_licence,
        search=search,
        switches=tuple(switch),
        init=init,
        lesion_weight=lesion_weight,
        lesion_reach_px=lesion_reach,
        loss_shares=loss_shares,
    )
    print_summary(run(wish, _tell), as_json=as_json)


def print_summary(summary: dict[str, object], *, as_json: bool) -> None:
    """Print how a training ended."""
    if as_json:
        print_json(summary)
    else:
        answer.print(
            f"{summary['title']}: ended after {summary['epochs']} epochs ({summary['state']}), best validation Dice "
            f"{summary['best_val_dice']:.4f} in epoch {summary['best_epoch']}",
            markup=False,
        )


def _tell(point: Point) -> None:
    """Show one epoch."""
    to_person.print(
        f"epoch {point.epoch:3d}  {point.phase}  loss {point.train_loss:.4f} / {point.val_loss:.4f}  "
        f"Dice {point.val_dice:.4f}  weighted {point.val_steering:.4f}  kept out {point.kept_out:.3f}  "
        f"lr {point.lr:.1e}  {point.seconds:.0f} s",
        markup=False,
    )
