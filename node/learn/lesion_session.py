"""One training of a tumour system from a person's wish to a folder with everything beside it.

Rows under licences that shipped weights may not learn from are left out, and named; with `any_licence` they are learnt
from and the run is marked. Test rows are never among either side.
"""

from collections.abc import Callable
from dataclasses import KW_ONLY, MISSING, asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

import torch

from node.errors import InputRefused
from node.learn import checkpoint
from node.learn.beginning import beginning, refuse_unfit
from node.learn.catalogue import ENTRIES as LUNG_ENTRIES
from node.learn.course import Ended
from node.learn.curves import LesionPoint, draw_lesion_curves
from node.learn.fallen import Sieve, refuse_empty
from node.learn.folds import fold_split
from node.learn.index import Row, narrowed, read_index, refuse_leakage
from node.learn.lesion_catalogue import LOSSES, PRETRAINED_PHASES, LesionEntry, LesionPlan, lesion_entry, reduced
from node.learn.lesion_train import LesionJob, build, train
from node.learn.planes import shows_tumours
from node.learn.rows_told import rows_told
from node.learn.run_folder import BEST, write_told
from node.learn.same_run import refuse_other_run
from node.learn.truth import has_lung
from node.learn.wishes import n_parameters, read_switch, refuse_odd_wish
from node.learn.without_outlines import without_outlines
from node.segment.networks.attention_unet_hybrid import Gate
from node.segment.preprocess.lesion_recipes import N_WINDOWS
from node.segment.runtime import Precision, Runtime, runtime

_GATES = {gate.name.lower(): int(gate) for gate in Gate}


@dataclass(frozen=True, slots=True)
class LesionWish:
    """What a person asked for; None: the protocol's or the paper's.

    Attributes
    ----------
    data : folders of labelled sets; a case must stand in the same part of all.
    init : a run's folder, or an installed model's folder or name, whose weights are begun with.
    fixed_rate : never lower the learning rate: the rows of P4's ablation before its last.
    """

    model: str
    data: tuple[Path, ...]
    out: Path
    _: KW_ONLY
    protocol: str = "reduced"
    width: int | None = None
    size: int | None = None
    crop: int | None = None
    neighbours: int | None = None
    magnify: int = 1
    three_planes: bool = False
    hazy_copies: bool = False
    recipe: str | None = None
    loss: str | None = None
    lr: float | None = None
    epochs: int | None = None
    slices_per_epoch: int | None = None
    average: float | None = None
    switches: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    folds: int = 0
    fold: int = 0
    seed: int = 0
    budget_min: float | None = None
    init: Path | None = None
    device: str = "auto"
    precision: Precision = "auto"
    threads: int = 0
    any_licence: bool = False
    fixed_rate: bool = False


def run(wish: LesionWish, tell: Callable[[LesionPoint], None]) -> dict[str, object]:
    """Train, or go on with, what was wished; return the summary that is also written as `run.json`.

    Raises
    ------
    InputRefused
        MODEL-UNKNOWN; SET-UNREAD, SET-LEAK, SET-EMPTY for the data; RUN-OTHER for the folder;
        INIT-UNREAD, INIT-OTHER for the weights to begin with.
    WrongUsage
        USAGE for a rate, a fold or a switch that cannot be.
    """
    if wish.threads:
        torch.set_num_threads(wish.threads)
    chosen = lesion_entry(wish.model)
    plan = plan_of(wish, chosen)
    learn_rows, val_rows, left_out = rows_of(wish)
    if plan.run_length:
        learn_rows, val_rows = _of_runs(learn_rows, plan.crop_px), _of_runs(val_rows, plan.crop_px)
        if not learn_rows or not val_rows:
            text = f"{wish.model} learns runs of slices: a crop is none, and a cube must be as large as --crop"
            raise InputRefused("SET-EMPTY", f"{text} ({plan.crop_px}); give volumes or slices that follow one another")
    if plan.cube_depth:
        learn_rows, val_rows = _of_cubes(learn_rows), _of_cubes(val_rows)
        if not learn_rows or not val_rows:
            raise InputRefused(
                "SET-EMPTY", f"{wish.model} learns whole cubes of nodules: give a set of them (nodule3d)"
            )
    begun = beginning(wish.init, chosen.name, chosen.kind, {"channels": plan.channels, **plan.sizes})
    refuse_unfit(begun, {row.case for row in val_rows}, any_licence=wish.any_licence)
    place = runtime(wish.device, wish.precision)
    budget_s = None if wish.budget_min is None else wish.budget_min * 60.0
    job = LesionJob(chosen, plan, wish.seed, wish.out, budget_s, begun)
    wish.out.mkdir(parents=True, exist_ok=True)
    summary = _summary(job, wish, learn_rows, val_rows, place) | {"left_out_for_licence": left_out}
    refuse_other_run(wish.out, summary, _defaults(plan))
    write_told(wish.out, summary | {"state": "running", "converged": False})
    ended = train(job, learn_rows, val_rows, place, tell)
    summary |= _outcome(ended, checkpoint.notes_of(wish.out / BEST)["moments_hu"])
    write_told(wish.out, summary)
    draw_lesion_curves(wish.out, ended.points, str(summary["title"]))
    return summary


def _defaults(plan: LesionPlan) -> dict[str, object]:
    """Return what a plan does where it says nothing, as `run.json` would say it."""
    usual: dict[str, Any] = {one.name: one.default for one in fields(plan) if one.default is not MISSING}
    told = asdict(replace(plan, **usual))
    return {name: told[name] for name in usual}


def plan_of(wish: LesionWish, chosen: LesionEntry) -> LesionPlan:
    """Return the protocol with what the person changed."""
    refuse_odd_wish(wish.lr, wish.folds, wish.fold)
    if wish.recipe is not None and wish.recipe not in N_WINDOWS:
        raise InputRefused("MODEL-UNKNOWN", f"preprocessing {wish.recipe!r} is none of {', '.join(N_WINDOWS)}")
    plan = chosen.plan if wish.protocol == "paper" else reduced(chosen)
    if wish.loss is not None and wish.loss not in LOSSES:
        raise InputRefused("MODEL-UNKNOWN", f"loss {wish.loss!r} is none of {', '.join(LOSSES)}")
    sizes = dict(plan.sizes) | {"width": wish.width or plan.sizes["width"]}
    sizes |= dict(read_switch(text, _GATES) for text in wish.switches)
    pretrained = chosen.paper == "P3" and wish.init is not None and wish.protocol == "paper"
    schedule = replace(
        plan.schedule,
        lr=wish.lr or plan.schedule.lr,
        epochs=wish.epochs or plan.schedule.epochs,
        slices_per_epoch=wish.slices_per_epoch or plan.schedule.slices_per_epoch,
        factor=1.0 if wish.fixed_rate else plan.schedule.factor,
        decay="plateau" if wish.fixed_rate else plan.schedule.decay,
    )
    return replace(
        plan,
        sizes=sizes,
        size=wish.size or plan.size,
        crop_px=wish.crop or plan.crop_px,
        neighbours=plan.neighbours if wish.neighbours is None or plan.run_length else wish.neighbours,
        magnify=1 if plan.run_length else wish.magnify,
        three_planes=wish.three_planes,
        hazy_copies=wish.hazy_copies,
        recipe=wish.recipe or plan.recipe,
        loss=wish.loss or plan.loss,
        average=plan.average if wish.average is None else wish.average,
        schedule=schedule,
        phases=PRETRAINED_PHASES if pretrained else plan.phases,
    )


def rows_of(wish: LesionWish) -> tuple[tuple[Row, ...], tuple[Row, ...], list[str]]:
    """Return the rows to learn from, those to validate on, and the cases left out for their licence."""
    rows = tuple(row for folder in wish.data for row in read_index(folder))
    refuse_leakage(rows)
    rows = narrowed(rows, wish.where)
    sieves = _sieves(any_licence=wish.any_licence)
    refuse_empty(rows, sieves, dealt=bool(wish.folds), advice=_advice(wish, rows))
    rows = tuple(row for row in rows if row.split != "test")
    left_out = [] if wish.any_licence else sorted({row.case for row in rows if not row.is_free})
    if not wish.any_licence:
        rows = tuple(row for row in rows if row.is_free)
    if wish.folds:
        return *fold_split(rows, wish.folds, wish.fold), left_out
    return tuple(r for r in rows if r.split == "train"), tuple(r for r in rows if r.split == "val"), left_out


def _advice(wish: LesionWish, rows: tuple[Row, ...]) -> str:
    """Return the command for a set that is no use to tumour networks, for the text where it has none to learn."""
    if any(shows_tumours(row) for row in rows) or not any(has_lung(row) for row in rows):
        return without_outlines(rows)
    system = wish.model if wish.model in LUNG_ENTRIES else "aru-net"
    return f"its lungs are learnt by `lungnode train {system} --data {wish.data[0]} --out {wish.out}`"


def _sieves(*, any_licence: bool) -> tuple[Sieve, ...]:
    """Return what a row must be that tumours are learnt from or validated on."""
    of_others = "have a licence that shipped weights may not learn from (say --any-licence for an experiment)"
    free = Sieve(lambda row: any_licence or row.is_free, of_others)
    return free, Sieve(shows_tumours, "have no tumour outlined (see label)")


def _of_runs(rows: tuple[Row, ...], crop_px: int) -> tuple[Row, ...]:
    """Return the rows without crops, which are single slices, and without cubes that do not fill the square of a run.

    They are left out after patients were dealt to folds, so that P4's folds hold out whom the others' do.
    """
    return tuple(row for row in rows if not row["tile"] and (not row["depth"] or int(row["width"]) >= crop_px))


def _of_cubes(rows: tuple[Row, ...]) -> tuple[Row, ...]:
    """Return the cubes among rows."""
    return tuple(row for row in rows if row["depth"])


def _summary(
    job: LesionJob, wish: LesionWish, learn_rows: tuple[Row, ...], val_rows: tuple[Row, ...], place: Runtime
) -> dict[str, object]:
    sizes = ", ".join(f"{name} {value}" for name, value in job.plan.sizes.items())
    return {
        "model": job.entry.name,
        "paper": job.entry.paper,
        "title": f"{job.entry.title}, {sizes}",
        "task": "lesions",
        "data": [str(folder.resolve()) for folder in wish.data],
        "plan": asdict(job.plan),
        "channels": job.plan.channels,
        "pretrained": "none" if job.init is None else "here, by what init names",
        "seed": job.seed,
        "fold": f"{wish.fold} of {wish.folds}" if wish.folds else "the set's own split",
        "runtime": place.name,
        "n_parameters": n_parameters(lambda: build(job.entry, job.plan), wish.switches),
    } | rows_told(learn_rows, val_rows, job.init)


def _outcome(ended: Ended[LesionPoint], moments_hu: list[float]) -> dict[str, object]:
    best = max(ended.points, key=lambda point: point.val_dice)
    of_best = {"best_val_pooled_dice": best.val_pooled_dice, "best_domains": best.domains, "moments_hu": moments_hu}
    return ended.told(best, **of_best)
