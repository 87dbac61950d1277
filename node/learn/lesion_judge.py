"""One run judged on whole slices, with what may come after the network switched on or off.

`flips` (mean with the mirror image), `crf` (P2) and `smoothing_px` (P3) are rows of the ablations; several runs
together are the mean of their probabilities (an ensemble of folds, or of systems). A case that a run learnt from is
refused.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from node.errors import InputRefused
from node.learn.index import Row
from node.learn.kept_pieces import kept_pieces
from node.learn.lesion_outline import Outline, outlines, told_outlines
from node.learn.lesion_overlaps import CaseOverlaps, overlaps_by_case, told_overlaps
from node.learn.lesion_score import CaseScore, Found, by_case, by_domain, predict
from node.learn.lesion_set import LesionSet, load
from node.learn.lesion_strain import Strain, strain, told
from node.learn.lesion_trained import Trained
from node.learn.planes import Plane
from node.learn.shifted import shifted
from node.learn.three_planes import mean_of_planes
from node.learn.without_outlines import without_outlines
from node.segment.postprocess.dense_crf import Crf, mean_field
from node.segment.postprocess.edge_keeping import edge_keeping
from node.segment.preprocess.window import HIGH_HU, LOW_HU
from node.segment.runtime import Runtime


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """What comes before and after the network. `shift_seed` and `crf` None, `smoothing_px` 0: nothing."""

    threshold: float = 0.5
    flips: bool = False
    crf: Crf | None = None
    smoothing_px: int = 0
    shift_seed: int | None = None  # cubes and crops through a window at random
    least_px: int = 0  # smaller pieces, in three dimensions, are taken off
    peak: float = 0.0  # as are pieces without a pixel of this probability
    strained: bool = False  # also under changed intensities, and small lesions apart
    single: bool = False  # of a run or a cube the surest piece alone
    three_planes: bool = False  # of a cube the mean of the answers along its three axes
    middle: bool = False  # of a crop or a cube the piece nearest to its middle alone


@dataclass(frozen=True, slots=True)
class Scores:
    """What some patients come to; those of folds are put together."""

    cases: list[CaseScore]
    overlaps: list[CaseOverlaps]
    outlines: list[Outline]
    strains: list[Strain]
    seconds: float = 0.0
    n_slices: int = 0

    def __add__(self, other: "Scores") -> "Scores":
        return Scores(
            self.cases + other.cases,
            self.overlaps + other.overlaps,
            self.outlines + other.outlines,
            self.strains + other.strains,
            self.seconds + other.seconds,
            self.n_slices + other.n_slices,
        )


Keep = Callable[[Sequence[Trained], LesionSet, list[Found]], None]  # who was asked about what, and the answers


def judge(
    runs: Sequence[Trained], rows: Sequence[Row], finish: Finish, runtime: Runtime, keep: Keep | None = None
) -> dict[str, Any]:
    """Return scores by domain and by case.

    Parameters
    ----------
    keep : is handed who was asked, the slices and the answers, for pictures.

    Raises
    ------
    InputRefused
        EVAL-TRAINED if a run learnt from one of the cases; EVAL-EMPTY if no row has a reference.
    """
    seen = sorted({row.case for row in rows} & frozenset[str]().union(*(run.train_cases for run in runs)))
    if seen:
        raise InputRefused("EVAL-TRAINED", f"learnt from {len(seen)} of these cases: {', '.join(seen[:5])}")
    data = load(rows, runs[0].plan.size)
    if not len(data):
        raise InputRefused("EVAL-EMPTY", f"no row has a reference for tumours; {_advice(rows)}")
    return _told(runs, scores(runs, data, finish, runtime, keep), finish)


def judge_held_out(
    folds: Sequence[Sequence[Trained]],
    rows: Sequence[Row],
    finish: Finish,
    runtime: Runtime,
    keep: Keep | None = None,
) -> dict[str, Any]:
    """Return scores where each fold's runs together answer for the patients that all of them held out, and no others.

    Raises
    ------
    InputRefused
        EVAL-TRAINED if two of the runs held out the same patient; EVAL-EMPTY if no row is of a patient held out.
    """
    owners: dict[str, Sequence[Trained]] = {}
    for runs in folds:
        held = frozenset[str].intersection(*(run.val_cases for run in runs))
        if twice := sorted(held & owners.keys()):
            raise InputRefused("EVAL-TRAINED", f"{runs[0].name} and another run both held out {', '.join(twice[:5])}")
        owners |= dict.fromkeys(held, runs)
    scored = Scores([], [], [], [])
    for runs in folds:
        data = load([row for row in rows if owners.get(row.case) is runs], runs[0].plan.size)
        if len(data):
            scored += scores(runs, data, finish, runtime, keep)
    if not scored.cases:
        text = "no row with a reference for tumours is of a patient that a run held out"
        raise InputRefused("EVAL-EMPTY", f"{text}; {_advice(rows)}")
    return _told([run for runs in folds for run in runs], scored, finish)


def _advice(rows: Sequence[Row]) -> str:
    """Return what to do where no row can be judged by."""
    return without_outlines(rows) or "see --split and --where, and the cases in each run's run.json"


def _told(runs: Sequence[Trained], scored: Scores, finish: Finish) -> dict[str, Any]:
    return {
        "runs": [run.name for run in runs],
        "finish": asdict(finish),
        "domains": {name: asdict(score) for name, score in by_domain(scored.cases).items()},
        "cases": [asdict(case) for case in scored.cases],
        "seconds_per_slice": scored.seconds / scored.n_slices,
        "overlaps": told_overlaps(scored.overlaps, scored.cases),
        "outlines": told_outlines(scored.outlines),
        "outlines_by_case": [asdict(one) for one in scored.outlines],
    } | ({"strain": told(scored.strains)} if scored.strains else {})


def scores(
    runs: Sequence[Trained], data: LesionSet, finish: Finish, runtime: Runtime, keep: Keep | None = None
) -> Scores:
    """Return the scores of every case and, where that was asked for, what strains the runs."""
    data = data if finish.shift_seed is None else shifted(data, finish.shift_seed)
    answer = partial(answers, runs, finish=finish, runtime=runtime)
    started = time.perf_counter()
    found = answer(data)
    seconds = time.perf_counter() - started
    if keep is not None:
        keep(runs, data, found)
    strained = [strain(data, found, answer, finish.threshold)] if finish.strained else []
    return Scores(
        by_case(data, found, finish.threshold),
        overlaps_by_case(data, found, finish.threshold),
        outlines(data, found, finish.threshold),
        strained,
        seconds,
        len(data),
    )


def answers(runs: Sequence[Trained], data: LesionSet, finish: Finish, runtime: Runtime) -> list[Found]:
    """Return the mean of the runs' probabilities of every slice, with all that comes after the network."""
    found = [(at, finished(p, data.planes[at].hu_yx, finish)) for at, p in together(runs, data, finish, runtime)]
    if not (finish.least_px or finish.peak or finish.single or finish.middle):
        return found
    kept = kept_pieces(
        data, found, finish.threshold,
        least=finish.least_px, peak=finish.peak, single=finish.single, middle=finish.middle,
    )  # fmt: skip
    return list(kept)


def together(runs: Sequence[Trained], data: LesionSet, finish: Finish, runtime: Runtime) -> Iterator[Found]:
    """Yield the mean of the runs' probabilities, slice by slice."""

    def mean(part: LesionSet) -> Iterator[Found]:
        total = [np.zeros(plane.hu_yx.shape, np.float32) for plane in part.planes]
        for run in runs:
            for at, p in predict(run.model, part, run.plan, run.prepare, runtime, flips=finish.flips):
                total[at] += p
        for at, p in enumerate(total):
            yield at, (p / len(runs)).astype(np.float32)

    yield from mean_of_planes(data, mean) if finish.three_planes else mean(data)


def finished(p_yx: NDArray[np.float32], hu_yx: NDArray[np.int16], finish: Finish) -> NDArray[np.float32]:
    """Return a slice's probabilities after field and smoothing; what this takes away or fills becomes 0 or 1."""
    if finish.crf is not None:
        p, hu = (torch.from_numpy(a.astype(np.float32))[None, None] for a in (p_yx, hu_yx))
        p_yx = mean_field(p, hu, finish.crf)[0, 0].numpy()
    if finish.smoothing_px:
        mask = p_yx >= finish.threshold
        kept = edge_keeping(mask[None], finish.smoothing_px)[0]
        p_yx = np.where(kept == mask, p_yx, kept.astype(np.float32)).astype(np.float32)
    return p_yx


def marks_of_picture(runs: Sequence[Trained], runtime: Runtime) -> Callable[[NDArray[np.float32]], NDArray[np.bool_]]:
    """Return the mean of runs as a function from a grey picture (0 ... 1, unknown window) to a mask.

    The picture is taken to show -1000 to 400 HU, and to be its own neighbour: for P3's classifier alone.
    """

    def find(grey_yx: NDArray[np.float32]) -> NDArray[np.bool_]:
        hu = np.rint(LOW_HU + grey_yx * (HIGH_HU - LOW_HU)).astype(np.int16)
        lone = Plane("", "", "windowed8", hu, np.zeros(hu.shape, np.uint8), "", 0, None)
        alone = np.zeros(1, np.intp)
        data = LesionSet((lone,), alone, alone)
        ((_, p),) = together(runs, data, Finish(), runtime)
        mask: NDArray[np.bool_] = p >= 0.5
        return mask

    return find
