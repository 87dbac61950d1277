"""`lungnode judge-lesions`: trainings of tumour networks judged on a labelled set, with each step after the network."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import typer

from node.cli.judge_scans import Split
from node.cli.terminal import answer, print_json
from node.cli.train import PrecisionName
from node.learn.attention_pictures import write_attention
from node.learn.index import read_index
from node.learn.lesion_compare import MARGIN, Difference, differences
from node.learn.lesion_judge import Finish, judge, judge_held_out
from node.learn.lesion_pictures import write_pictures
from node.learn.lesion_score import Found
from node.learn.lesion_set import LesionSet
from node.learn.lesion_trained import Trained, answering
from node.segment.networks.attention_unet_hybrid import AttentionUNet
from node.segment.postprocess.dense_crf import Crf
from node.segment.runtime import runtime

app = typer.Typer(add_completion=False)

_SPREADS = {
    "slice_dice": "slice Dice", "dice": "pooled Dice", "iou": "IoU", "precision": "precision", "recall": "recall",
    "accuracy": "accuracy", "mcc": "MCC", "fpr": "FPR in the body",
}  # fmt: skip


Kept = list[tuple[Sequence[Trained], LesionSet, list[Found]]]  # of each fold, or of all runs together


@app.command()
def judge_lesions(
    runs: list[str] = typer.Argument(..., help="Folder of a training or name of a model; several are one ensemble."),
    data: Path = typer.Option(..., "--data", help="Folder of a labelled set."),
    split: Split = typer.Option(Split.VAL, help="Which part of the set; test is judged once, at the end."),
    held_out: bool = typer.Option(
        False, "--held-out", help="The runs are folds (a+b: of two systems): each answers for whom it held out."
    ),
    where: list[str] = typer.Option([], help="Only rows with column=value (or column!=value)."),
    threshold: float = typer.Option(0.5, min=0.01, max=0.99, help="Probability from which a pixel is tumour."),
    flips: bool = typer.Option(False, "--flips", help="Mean with the mirror image's answer."),
    crf: bool = typer.Option(False, "--crf", help="P2's conditional random field."),
    w1: float = typer.Option(Crf().w_1, help="Weight of its kernel of places and intensities."),
    w2: float = typer.Option(Crf().w_2, help="Weight of its kernel of places."),
    theta_b: float = typer.Option(Crf().theta_b_hu, min=1.0, help="Width of its kernel in HU."),
    smooth: int = typer.Option(0, min=0, help="P3's smoothing that keeps edges, radius in pixels."),
    least_px: int = typer.Option(0, min=0, help="Smaller pieces are taken off, in three dimensions."),
    peak: float = typer.Option(0.0, min=0.0, max=1.0, help="So are pieces without a pixel of this probability."),
    shift_seed: int | None = typer.Option(
        None, "--shift-seed", min=0, help="Cubes and crops through a window at a place drawn with this seed."
    ),
    strained: bool = typer.Option(
        False, "--strain", help="Also with intensities shifted and bent, and small lesions apart."
    ),
    single: bool = typer.Option(False, "--single", help="Of a run of slices or a cube keep the surest piece alone."),
    three_planes: bool = typer.Option(
        False, "--three-planes", help="Of a cube the mean of the answers along its three axes."
    ),
    middle: bool = typer.Option(False, "--middle", help="Of a crop or a cube keep the piece nearest to its middle."),
    pictures: Path | None = typer.Option(
        None, "--pictures", help="Folder for a picture of each case, and P2's attention maps below it."
    ),
    baseline: list[str] = typer.Option([], "--baseline", help="Trainings to compare with, by patient; as many folds."),
    models: Path | None = typer.Option(None, "--models", help="Folder of models; without it, the shipped ones."),
    device: str = typer.Option("auto", help="auto, cpu or cuda."),
    precision: PrecisionName = typer.Option(PrecisionName.FP32, help="fp32 gives bit-identical masks."),
    as_json: bool = typer.Option(False, "--json", help="Print one JSON object, cases included."),
) -> None:
    """Judge trainings on whole slices, by patient and by domain.

    Example: lungnode judge-lesions runs/p2 --data sets/tumours --split val --crf
    Folds:   lungnode judge-lesions runs/p3-f0 runs/p3-f1 --data sets/tumours --held-out --flips
    """
    if middle and shift_seed is not None:
        raise typer.BadParameter("a shifted cube's nodule is not in its middle", param_hint="--middle")
    place = runtime(device, precision.value)
    field = Crf(w_1=w1, w_2=w2, theta_b_hu=theta_b) if crf else None
    finish = Finish(
        threshold=threshold,
        flips=flips,
        crf=field,
        smoothing_px=smooth,
        shift_seed=shift_seed,
        least_px=least_px,
        peak=peak,
        strained=strained,
        single=single,
        three_planes=three_planes,
        middle=middle,
    )
    rows = read_index(data, split=None if held_out else split.value, where=where)
    rows = tuple(row for row in rows if not held_out or row.split in {"train", "val"})

    def judged(names: list[str]) -> tuple[dict[str, Any], Kept]:
        together = [[one for part in name.split("+") for one in answering(part, models, place)] for name in names]
        kept: Kept = []
        keep = None if pictures is None else lambda *asked: kept.append(asked)
        if held_out:
            return judge_held_out(together, rows, finish, place, keep), kept
        return judge([one for runs in together for one in runs], rows, finish, place, keep), kept

    ours, kept = judged(runs)
    theirs, kept_beside = judged(baseline) if baseline else (None, [])
    beside = [] if theirs is None else differences(ours, theirs)
    if pictures is not None:
        _write_pictures(pictures, kept, kept_beside, threshold)
    if as_json:
        print_json(ours if not baseline else ours | {"differences": [asdict(one) for one in beside]})
        return
    for name in ours["domains"]:
        answer.print("\n".join(_of_domain(ours, name)), markup=False)
    answer.print(f"{ours['seconds_per_slice']:.2f} s a slice", markup=False)
    for one in beside:
        answer.print(_of_difference(one), markup=False)


def _write_pictures(folder: Path, ours: Kept, theirs: Kept, threshold: float) -> None:
    """Draw each case, and the attention of single networks that have gates."""
    beside = {data.planes[at].id: p for _, data, found in theirs for at, p in found}
    for runs, data, found in ours:
        known = [(at, beside[plane.id]) for at, plane in enumerate(data.planes) if plane.id in beside]
        write_pictures(data, found, known, threshold, folder)
        if len(runs) == 1 and isinstance(runs[0].model, AttentionUNet):
            write_attention(runs[0].model, data, runs[0].plan, runs[0].prepare, folder / "attention")


def _of_domain(answer: dict[str, Any], name: str) -> list[str]:
    """Return what a person reads about one domain, in lines."""
    score = answer["domains"][name]
    lines = [
        f"{name}: slice Dice {score['slice_dice']:.3f}, pooled {score['pooled_dice']:.3f} over {score['n_cases']} "
        f"cases (median {score['pooled_median']:.3f}, {score['n_missed']} missed); "
        f"marks on {score['n_empty_marked']} of {score['n_empty']} empty slices"
    ]
    if overlaps := answer["overlaps"].get(name):
        lines.append(f"{name}: " + ", ".join(_spread(overlaps, measure, label) for measure, label in _SPREADS.items()))
    if outline := answer["outlines"].get(name):
        low, middle, high = outline["volume_ratio_quartiles"]
        lines += [f"{name}: {_distances(one)}" for one in outline["distances"]]
        lines.append(
            f"{name}: size found / outlined {middle:.2f} ({low:.2f} to {high:.2f}); pieces per tumour found "
            f"{_or_dash(outline['pieces'])}; from slice to slice {_or_dash(outline['continuity'])} against the "
            f"outlines, {outline['gaps']} gaps"
        )
    if found := answer.get("strain", {}).get(name):
        dice_sd, p_sd, recall, small_dice = (
            "-" if found[key] is None else f"{found[key]:.3f}"
            for key in ("dice_sd", "probability_sd", "small_recall", "small_dice")
        )
        lines.append(
            f"{name}: under +-50 HU and gamma 0.8 and 1.25 Dice changes by {dice_sd}, a pixel's probability by {p_sd} "
            f"(SD); {found['n_small']} small lesions, recall {recall}, Dice {small_dice}"
        )
    return lines


def _distances(one: dict[str, Any]) -> str:
    taken = ", ".join(
        f"{label} {_or_dash(one[key])} {one['unit']}"
        for key, label in (("hd", "HD"), ("hd95", "HD95"), ("assd", "ASSD"))
    )
    return f"{taken} over {one['n']} cases"


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _spread(overlaps: dict[str, Any], measure: str, label: str) -> str:
    """Return a mean with its standard deviation, and for Dice its interval."""
    one = overlaps[measure]
    if one["mean"] is None:
        return f"{label} -"
    text = f"{label} {one['mean']:.3f}" + ("" if one["sd"] is None else f" ± {one['sd']:.3f}")
    is_dice = measure in {"slice_dice", "dice"}
    return text + (f" ({one['interval'][0]:.3f} to {one['interval'][1]:.3f})" if is_dice and one["interval"] else "")


def _of_difference(one: Difference) -> str:
    spread = "no interval" if one.interval is None else f"95 % {one.interval[0]:+.3f} to {one.interval[1]:+.3f}"
    p = "" if one.p_holm is None else f", p {one.p:.3f}, by Holm {one.p_holm:.3f}"
    verdict = "not inferior" if one.not_inferior else "inferiority not excluded"
    return (
        f"{one.domain}: {one.measure.replace('_dice', ' Dice')} {one.mean:+.3f} against the baseline "
        f"({spread}, {one.n_cases} patients{p}): {verdict} at {MARGIN}"
    )
