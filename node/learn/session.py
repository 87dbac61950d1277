"""One training from a data folder to a run folder: which rows, which plan, where it goes on.

A run folder holds `run.json` (everything that decided it), `checkpoint.safetensors`, `best.safetensors` and the curves.
"""

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, asdict, dataclass, replace
from functools import partial
from pathlib import Path

import torch

from node.errors import InputRefused
from node.learn.beginning import beginning, refuse_unfit
from node.learn.catalogue import Decay, Entry, entry
from node.learn.course import Ended
from node.learn.curves import Point, draw_lung_curves
from node.learn.fallen import Sieve, refuse_empty
from node.learn.folds import fold_split
from node.learn.index import Row, read_index, refuse_unfree
from node.learn.lesion_catalogue import ENTRIES as LESION_ENTRIES
from node.learn.losses import p1_loss
from node.learn.planes import shows_tumours
from node.learn.protocol import LEARNING_RATES, SEARCH_EPOCHS, Plan, paper, reduced
from node.learn.rows_told import rows_told
from node.learn.run_folder import write_told
from node.learn.same_run import refuse_other_run
from node.learn.slices import sliced
from node.learn.train import Job, train
from node.learn.truth import has_lung
from node.learn.wishes import n_parameters, read_switch, refuse_odd_wish
from node.learn.without_outlines import without_outlines
from node.segment.contract import LungDefinition
from node.segment.preprocess.recipes import BODY_ONLY, RECIPES
from node.segment.runtime import Precision, Runtime, runtime


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asked for on the command line; None: the protocol's or the paper's."""

    model: str
    data: Path
    out: Path
    _: KW_ONLY
    protocol: str = "reduced"
    width: int | None = None
    size: int | None = None
    lr: float | None = None
    epochs: int | None = None
    optimiser: str | None = None
    definition: LungDefinition | None = None
    recipe: str | None = None
    where: tuple[str, ...] = ()
    folds: int = 0
    fold: int = 0
    seed: int = 0
    budget_min: float | None = None
    device: str = "auto"
    precision: Precision = "auto"
    threads: int = 0
    any_licence: bool = False
    search: bool = False  # try the protocol's learning rates first
    switches: tuple[str, ...] = ()  # further sizes of the network as name=value: the papers' ablations
    decay: Decay | None = None  # of the learning rate
    lesion_weight: float | None = None  # of a tumour's pixel
    lesion_reach_px: int = 0  # and of what is no farther from one
    loss_shares: str | None = None  # P1's focal, SSIM and IoU: its ablation
    init: Path | None = None  # a run's folder, or an installed model's folder or name, whose weights are begun with


def run(wish: Wish, tell: Callable[[Point], None]) -> dict[str, object]:
    """Train, or go on with, what was wished; return the summary that is also written as `run.json`.

    Raises
    ------
    InputRefused
        MODEL-UNKNOWN; SET-UNREAD, SET-LEAK, SET-LICENCE, SET-EMPTY for the data; RUN-OTHER for the folder;
        INIT-UNREAD, INIT-OTHER for the weights to begin with.
    WrongUsage
        USAGE for a rate, a fold or a switch that cannot be.
    """
    if wish.threads:
        torch.set_num_threads(wish.threads)
    if wish.search:
        wish = replace(wish, lr=searched_lr(wish, tell), search=False)
    chosen = with_shares(with_recipe(entry(wish.model), wish.recipe), wish.loss_shares)
    plan = plan_of(wish, chosen)
    definition = wish.definition or chosen.definition
    learn_rows, val_rows = rows_of(wish, definition)
    begun = beginning(wish.init, chosen.name, chosen.kind, plan.sizes)
    refuse_unfit(begun, {row.case for row in val_rows}, any_licence=wish.any_licence)
    place = runtime(wish.device, wish.precision)
    budget_s = None if wish.budget_min is None else wish.budget_min * 60.0
    job = Job(chosen, plan, definition, wish.seed, wish.out, budget_s, begun)
    wish.out.mkdir(parents=True, exist_ok=True)
    summary = _summary(job, learn_rows, val_rows, place, wish)
    refuse_other_run(wish.out, summary)
    write_told(wish.out, summary | {"state": "running", "converged": False})
    ended = train(job, learn_rows, val_rows, place, tell)
    summary |= _outcome(ended)
    write_told(wish.out, summary)
    draw_lung_curves(wish.out, ended.points, title_of(chosen, plan))
    return summary


def searched_lr(wish: Wish, tell: Callable[[Point], None]) -> float:
    """Return the learning rate of the protocol's choice that gives the best validation Dice after two epochs of it.

    Each is tried in a run folder of its own below the run's, so that a search goes on after a kill, too.
    """
    scores = {}
    for lr in LEARNING_RATES:
        trial = replace(
            wish, lr=lr, epochs=SEARCH_EPOCHS, decay="plateau", search=False, budget_min=None,
            out=wish.out / f"lr-{lr:g}",
        )  # fmt: skip
        scores[lr] = float(str(run(trial, tell)["best_val_steering"]))
    return max(scores, key=lambda lr: scores[lr])


def with_recipe(chosen: Entry, name: str | None) -> Entry:
    """Return the system with another preprocessing, artefact removal included where that belongs to it.

    Raises
    ------
    InputRefused
        MODEL-UNKNOWN, with the names that there are.
    """
    if name is None:
        return chosen
    if name not in RECIPES:
        raise InputRefused("MODEL-UNKNOWN", f"preprocessing {name!r} is none of {', '.join(RECIPES)}")
    return replace(chosen, recipe=name, body_only=name in BODY_ONLY)


def with_shares(chosen: Entry, shares: str | None) -> Entry:
    """Return the system with other shares of focal, SSIM and IoU in its loss (P1, equation 10).

    Raises
    ------
    InputRefused
        LOSS-SHARES if they are not three numbers, or the system has another loss.
    """
    if shares is None:
        return chosen
    try:
        focal, ssim, iou = (float(share) for share in shares.split(","))
    except ValueError as error:
        raise InputRefused("LOSS-SHARES", f"{shares!r} are not three numbers such as 0.3,0.4,0.3") from error
    if chosen.loss is not p1_loss:
        raise InputRefused("LOSS-SHARES", f"{chosen.name} has another loss; only fusionlungnet takes shares")
    return replace(chosen, loss=partial(p1_loss, shares=(focal, ssim, iou)))


def plan_of(wish: Wish, chosen: Entry) -> Plan:
    """Return the protocol with what the person changed."""
    refuse_odd_wish(wish.lr, wish.folds, wish.fold)
    plan = paper(chosen) if wish.protocol == "paper" else reduced(chosen)
    sizes = dict(plan.sizes)
    if wish.width is not None and "width" in sizes:
        sizes["width"] = wish.width
    sizes |= dict(read_switch(text) for text in wish.switches)
    schedule = replace(
        plan.schedule,
        lr=wish.lr or plan.schedule.lr,
        epochs=wish.epochs or plan.schedule.epochs,
        optimiser=wish.optimiser or plan.schedule.optimiser,
        decay=wish.decay or plan.schedule.decay,
    )
    weight = wish.lesion_weight or plan.lesion_weight
    return replace(
        plan, sizes=sizes, size=wish.size or plan.size, schedule=schedule, lesion_weight=weight,
        lesion_reach_px=wish.lesion_reach_px,
    )  # fmt: skip


def rows_of(wish: Wish, definition: LungDefinition) -> tuple[tuple[Row, ...], tuple[Row, ...]]:
    """Return the rows to learn from and those to validate on; test rows are never among them."""
    sieves = _sieves(definition)
    all_rows = read_index(wish.data, where=wish.where)
    refuse_empty(all_rows, sieves, dealt=bool(wish.folds), advice=_advice(wish, all_rows))
    rows = [row for row in all_rows if row.split != "test" and all(sieve.keeps(row) for sieve in sieves)]
    if not wish.any_licence:
        refuse_unfree(rows)
    rows = list(sliced(rows))
    if wish.folds:
        return fold_split(rows, wish.folds, wish.fold)
    return tuple(r for r in rows if r.split == "train"), tuple(r for r in rows if r.split == "val")


def _sieves(definition: LungDefinition) -> tuple[Sieve, ...]:
    """Return what a row must be that lungs are learnt from or validated on."""
    with_lesions = definition is LungDefinition.WITH_LESIONS
    return (
        Sieve(has_lung, "have no lung outlined (see label, lung_px, and lung_label of volumes)"),
        Sieve(lambda row: not row["drop"] and not (with_lesions and row["drop_p1"]), "say that they drop out"),
    )


def _advice(wish: Wish, rows: Sequence[Row]) -> str:
    """Return the command for a set that is no use to lung networks, for the text where it has no lungs to learn."""
    if any(has_lung(row) for row in rows) or not any(shows_tumours(row) for row in rows):
        return without_outlines(rows)
    system = f"{wish.model} --task lesions" if wish.model in LESION_ENTRIES else "dual-backbone-unet"
    return f"its tumours are learnt by `lungnode train {system} --data {wish.data} --out {wish.out}`"


def title_of(chosen: Entry, plan: Plan) -> str:
    """Return how a table calls it: "ARU-Net, width 16, depth 5"."""
    sizes = ", ".join(f"{name} {value}" for name, value in plan.sizes.items() if name != "channels")
    return f"{chosen.title}, {sizes}"


def _summary(
    job: Job, learn_rows: tuple[Row, ...], val_rows: tuple[Row, ...], place: Runtime, wish: Wish
) -> dict[str, object]:
    return {
        "model": job.entry.name,
        "data": str(wish.data.resolve()),
        "paper": job.entry.paper,
        "title": title_of(job.entry, job.plan),
        "sizes": dict(job.plan.sizes),
        "size": job.plan.size,
        "recipe": job.entry.recipe,
        "body_only": job.entry.body_only,
        "task": job.entry.task.value,
        "definition": job.definition.value,
        "protocol": job.plan.name,
        "schedule": asdict(job.plan.schedule),
        "lesion_weight": job.plan.lesion_weight,
        "lesion_reach_px": job.plan.lesion_reach_px,
        "is_drawn_into": job.plan.is_drawn_into,
        "loss_shares": wish.loss_shares,
        "seed": job.seed,
        "runtime": place.name,
        "n_parameters": n_parameters(lambda: job.entry.build(job.plan.sizes), wish.switches),
    } | rows_told(learn_rows, val_rows, job.init)


def _outcome(ended: Ended[Point]) -> dict[str, object]:
    best = max(ended.points, key=lambda point: point.val_steering)
    return ended.told(best, best_val_steering=best.val_steering, best_kept_out=best.kept_out)
