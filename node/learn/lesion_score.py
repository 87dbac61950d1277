"""What a tumour network reaches on whole slices: slice Dice and Dice pooled per case, by domain, and false marks.

Slices without a reference are left out of Dice and counted apart. Domains are never pooled in what is reported; the
score that steers a training weighs them as they are drawn.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from node.learn.lesion_catalogue import LesionPlan
from node.learn.lesion_feed import Given, of_run
from node.learn.lesion_set import LesionSet, share_of
from node.learn.runs import pieces, runs, whole
from node.segment.lesions.cube_net import cube_probabilities
from node.segment.preprocess.lesion_recipes import Prepare
from node.segment.preprocess.magnify import brought_back, magnified
from node.segment.runtime import Runtime
from node.segment.tiles import whole_and_tiled

_BATCH_PX = 8 * 256 * 256

Found = tuple[int, NDArray[np.float32]]  # number of the slice, probabilities (rows, columns)


@dataclass(frozen=True, slots=True)
class DomainScore:
    """One domain.

    Attributes
    ----------
    slice_dice : mean over slices with tumour, then over cases.
    pooled_dice : over all pixels of a case, then mean over cases.
    n_cases : cases with tumour.
    n_empty, n_empty_marked : slices without tumour, and those of them with a mark.
    pooled_median, n_missed : of the cases' pooled Dice, and how many of them are 0.
    """

    slice_dice: float
    pooled_dice: float
    n_cases: int
    n_empty: int
    n_empty_marked: int
    pooled_median: float = 0.0
    n_missed: int = 0


@dataclass(frozen=True, slots=True)
class CaseScore:
    """One case; None where it has no tumour."""

    case: str
    domain: str
    slice_dice: float | None
    pooled_dice: float | None
    n_empty: int
    n_empty_marked: int


def predict(
    model: nn.Module, data: LesionSet, plan: LesionPlan, prepare: Prepare, runtime: Runtime, *, flips: bool = False
) -> Iterator[Found]:
    """Yield (number of the slice, probabilities (rows, columns)); runs in overlapping sequences, their logits averaged.

    With `flips` the answer is the mean of the picture's and its mirror image's.
    """
    model.eval()
    answer = _of_cubes if plan.cube_depth else _of_runs if plan.run_length else _of_slices
    with torch.inference_mode():
        yield from answer(model, data, plan, prepare, runtime, flips)


def by_case(data: LesionSet, found: Iterable[Found], threshold: float = 0.5) -> list[CaseScore]:
    """Score every case of a set."""
    slices: dict[tuple[str, str], list[float]] = defaultdict(list)  # by case and domain
    sums: dict[tuple[str, str], NDArray[np.int64]] = defaultdict(lambda: np.zeros(4, np.int64))
    for at, p in found:
        plane = data.planes[at]
        key = (plane.case, plane.domain)
        mask, truth = p >= threshold, plane.tumour_yx.astype(bool)
        both, either = int((mask & truth).sum()), int(mask.sum() + truth.sum())
        if truth.any():
            slices[key].append(2.0 * both / either)
        is_empty = not truth.any()
        sums[key] += np.array([both, either, is_empty, is_empty and mask.any()], np.int64)
    return [
        CaseScore(
            *key,
            float(np.mean(slices[key])) if slices[key] else None,
            2.0 * int(total[0]) / int(total[1]) if slices[key] else None,
            int(total[2]), int(total[3]),
        )
        for key, total in sorted(sums.items())
    ]  # fmt: skip


def by_domain(cases: list[CaseScore]) -> dict[str, DomainScore]:
    """Average over cases, domain by domain."""
    answer = {}
    for domain in sorted({case.domain for case in cases}):
        of_domain = [case for case in cases if case.domain == domain]
        per_slice = [case.slice_dice for case in of_domain if case.slice_dice is not None]
        pooled = [case.pooled_dice for case in of_domain if case.pooled_dice is not None]
        answer[domain] = DomainScore(
            float(np.mean(per_slice)) if per_slice else 0.0, float(np.mean(pooled)) if pooled else 0.0, len(pooled),
            sum(case.n_empty for case in of_domain), sum(case.n_empty_marked for case in of_domain),
            float(np.median(pooled)) if pooled else 0.0, pooled.count(0.0),
        )  # fmt: skip
    return answer


def steering(domains: Mapping[str, DomainScore], shares: Mapping[str, float]) -> float:
    """Return half slice Dice, half Dice pooled per case, of the domains that have a tumour, weighed by their shares.

    Slice Dice alone is blind to false marks on empty slices: it once chose an epoch that marked most of them. 0 where
    no domain has a tumour.
    """
    told = {name: (score.slice_dice + score.pooled_dice) / 2.0 for name, score in domains.items() if score.n_cases}
    weights = [share_of(shares, name) for name in told]
    return float(np.average(list(told.values()), weights=weights)) if told else 0.0


def _of_slices(
    model: nn.Module, data: LesionSet, plan: LesionPlan, prepare: Prepare, runtime: Runtime, flips: bool
) -> Iterator[Found]:
    def network(hu: Tensor) -> Tensor:
        x = prepare(magnified(hu, plan.magnify)).to(runtime.device).contiguous(memory_format=torch.channels_last)
        with runtime.autocast():
            logits: Tensor = model(x).main
        return brought_back(logits.float(), plan.magnify)

    for index in _batches(data):
        hu = torch.from_numpy(np.stack([data.channels(at, plan.neighbours) for at in index]).astype(np.float32))
        p = torch.sigmoid(whole_and_tiled(network, hu).float())
        if flips:
            p = (p + torch.sigmoid(whole_and_tiled(network, hu.flip(-1)).float()).flip(-1)) / 2.0
        yield from zip(index, p[:, 0].cpu().numpy(), strict=True)


def _of_cubes(
    model: nn.Module, data: LesionSet, _: LesionPlan, prepare: Prepare, runtime: Runtime, flips: bool
) -> Iterator[Found]:
    for run in runs(data):
        hu = torch.from_numpy(np.stack([data.planes[int(at)].hu_yx for at in run]).astype(np.float32))
        p_zyx = cube_probabilities(model, prepare(hu[None, None]), runtime, flips=flips)
        yield from zip((int(at) for at in run), p_zyx, strict=True)


def _batches(data: LesionSet) -> Iterator[list[int]]:
    """Yield the numbers of slices of one shape that follow one another, so many as eight of 256 x 256 have pixels."""
    for (h, w), alike in groupby(range(len(data)), lambda at: data.planes[at].hu_yx.shape):
        index = list(alike)
        n = max(_BATCH_PX // (h * w), 1)
        yield from (index[first : first + n] for first in range(0, len(index), n))


def _of_runs(
    model: nn.Module, data: LesionSet, plan: LesionPlan, prepare: Prepare, runtime: Runtime, flips: bool
) -> Iterator[Found]:
    for run in runs(data):
        total = {int(at): np.zeros(data.planes[at].hu_yx.shape, np.float32) for at in run}
        n = dict.fromkeys(total, 0)
        for sequence in pieces(data, run, plan.run_length):
            logits = _of_sequence(model, of_run(whole(data, sequence), prepare), runtime, flips)
            for number, at in enumerate(sequence.index):
                total[at] += logits[number]
                n[at] += 1
        yield from ((at, torch.sigmoid(torch.from_numpy(total[at] / n[at])).numpy()) for at in total)


def _of_sequence(model: nn.Module, given: Given, runtime: Runtime, flips: bool) -> NDArray[np.float32]:
    """Return the logits of one sequence, (T, rows, columns), as a whole scan is answered, too (see `lesions.net`)."""
    x, valid = given.x.to(runtime.device), torch.ones(given.x.shape[:2], dtype=torch.bool, device=runtime.device)
    with runtime.autocast():
        logits = model(x, valid).main.float()
        if flips:
            p = (torch.sigmoid(logits) + torch.sigmoid(model(x.flip(-1), valid).main.float()).flip(-1)) / 2.0
            logits = torch.logit(p, eps=1e-6)
    answer: NDArray[np.float32] = logits[0, :, 0].cpu().numpy()
    return answer
