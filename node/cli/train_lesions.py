"""`lungnode train-lesions`: train one of the tumour networks, or go on with a training that was interrupted."""

from pathlib import Path

import typer

from node.cli.terminal import to_person
from node.cli.train import PrecisionName, ProtocolName, print_summary
from node.learn.curves import LesionPoint
from node.learn.lesion_session import LesionWish, run

app = typer.Typer(add_completion=False)


@app.command()
def train_lesions(
    model: str = typer.Argument(
        ..., help="attention-unet-hybrid (P2), dual-backbone-unet (P3), raemd-net (P4), unet, other baselines."
    ),
    data: list[Path] = typer.Option(..., "--data", help="Folder of a labelled set; may be given several times."),
    out: Path = typer.Option(..., "--out", help="Folder of this run; one that holds a checkpoint is gone on with."),
    protocol: ProtocolName = typer.Option(
        ProtocolName.PAPER, help="The paper's schedule, or what two cores can train."
    ),
    width: int | None = typer.Option(None, min=2, help="Channels of the first level."),
    size: int | None = typer.Option(None, min=32, help="Larger slices are reduced to this."),
    crop: int | None = typer.Option(None, min=16, help="Side of what is learnt from."),
    neighbours: int | None = typer.Option(None, min=0, max=5, help="Slices on either side as channels."),
    magnify: int = typer.Option(1, min=1, max=4, help="How many times as large it is shown; not for P4's runs."),
    three_planes: bool = typer.Option(False, "--three-planes", help="Learn cubes along all three axes."),
    hazy: bool = typer.Option(False, "--hazy", help="Learn half of the solid nodules of cubes as ground glass, too."),
    recipe: str | None = typer.Option(None, help="zscore, scan, windows or unit."),
    loss: str | None = typer.Option(None, help="dice-focal, bce-iou, bce-dice, ce-dice and others."),
    lr: float | None = typer.Option(None, min=0.0, help="First learning rate."),
    epochs: int | None = typer.Option(None, min=1, help="At most so many epochs."),
    slices: int | None = typer.Option(None, min=8, help="Slices in an epoch."),
    average: float | None = typer.Option(None, min=0.0, max=0.9999, help="Decay of the moving average; 0: none."),
    switch: list[str] = typer.Option([], help="A size or switch as name=value, e.g. gate=oktay, lstm=false."),
    where: list[str] = typer.Option([], help="Only rows with column=value (or column!=value)."),
    folds: int = typer.Option(0, min=0, help="k folds over train and val; 0: the sets' own split."),
    fold: int = typer.Option(0, min=0, help="Which fold is held out, from 0."),
    seed: int = typer.Option(0, help="Of weights, order and augmentation."),
    budget: float | None = typer.Option(None, min=0.0, help="Minutes; ends earlier, marked as not converged."),
    init: Path | None = typer.Option(None, help="A run's folder, or a model's folder or name: weights to begin with."),
    device: str = typer.Option("auto", help="auto, cpu or cuda."),
    precision: PrecisionName = typer.Option(PrecisionName.AUTO, help="auto takes bf16 where the device has it."),
    threads: int = typer.Option(0, min=0, help="CPU threads; 0: torch's choice."),
    any_licence: bool = typer.Option(False, "--any-licence", help="Learn from every row; the weights are marked."),
    fixed_rate: bool = typer.Option(False, "--fixed-rate", help="Never lower the learning rate."),
    as_json: bool = typer.Option(False, "--json", help="Print the summary as one JSON object."),
) -> None:
    """Train a tumour network by patient and keep the best epoch of its moving average.

    Example: lungnode train-lesions raemd-net --data sets/tumours --out runs/p4 --protocol reduced --budget 60
    """
    wish = LesionWish(
        model,
        tuple(data),
        out,
        protocol=protocol.value,
        width=width,
        size=size,
        crop=crop,
        neighbours=neighbours,
        magnify=magnify,
        three_planes=three_planes,
        hazy_copies=hazy,
        recipe=recipe,
        loss=loss,
        lr=lr,
        epochs=epochs,
        slices_per_epoch=slices,
        average=average,
        switches=tuple(switch),
        where=tuple(where),
        folds=folds,
        fold=fold,
        seed=seed,
        budget_min=budget,
        init=init,
        device=device,
        precision=precision.value,
        threads=threads,
        any_licence=any_licence,
        fixed_rate=fixed_rate,
    )
    print_summary(run(wish, _tell), as_json=as_json)


def _tell(point: LesionPoint) -> None:
    """Show one epoch."""
    domains = "  ".join(
        f"{name} {scores['slice_dice']:.3f}/{scores['pooled_dice']:.3f}" for name, scores in point.domains.items()
    )
    to_person.print(
        f"epoch {point.epoch:3d}  {point.phase}  loss {point.train_loss:.4f}  Dice {point.val_dice:.4f}  pooled "
        f"{point.val_pooled_dice:.4f}  ({domains})  marked empty {point.n_empty_marked}  lr {point.lr:.1e}  "
        f"{point.seconds:.0f} s",
        markup=False,
    )
