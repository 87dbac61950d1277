"""What all frames' voxels say together: is this air and soft tissue in Hounsfield units? (standards 4.2)"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from node.errors import Code, Reason, refuse, warn
from node.volume.hounsfield import AIR_FRAC, AIR_HU, SOFT_FRAC, SOFT_HU, FrameCounts
from node.volume.stored import FrameTask


def sum_counts(counts: Iterable[FrameCounts]) -> FrameCounts:
    """Return the counts of all frames together."""
    every = list(counts)
    return FrameCounts(
        n=sum(c.n for c in every),
        n_padding=sum(c.n_padding for c in every),
        n_sampled=sum(c.n_sampled for c in every),
        n_air=sum(c.n_air for c in every),
        n_soft=sum(c.n_soft for c in every),
        n_air_if_signed=sum(c.n_air_if_signed for c in every),
        upper_bits=any(c.upper_bits for c in every),
    )


def check_values(tasks: Sequence[FrameTask], counts: Sequence[FrameCounts]) -> tuple[Reason, ...]:
    """Check the values of a whole series after rescale."""
    total = sum_counts(counts)
    return (*_sign(total), *_range(total), *_vary(tasks, counts), *_handled(total, counts))


def _sign(total: FrameCounts) -> Iterable[Reason]:
    used = max(1, total.n_sampled)
    if not total.has_air and total.n_air_if_signed >= AIR_FRAC * used:
        yield refuse(
            Code.HU_SIGN,
            f"read as unsigned there is no air, read as signed {100 * total.n_air_if_signed / used:.1f} % of the "
            "voxels are: the pixel representation is wrong",
        )


def _range(total: FrameCounts) -> Iterable[Reason]:
    used = max(1, total.n_sampled)
    if not total.has_air:
        yield refuse(
            Code.HU_RANGE,
            f"{100 * total.n_air / used:.2f} % of the voxels lie in {AIR_HU[0]} to {AIR_HU[1]} HU (air or lung), "
            f"at least {100 * AIR_FRAC:g} % were expected",
        )
    elif not total.has_soft:
        yield refuse(
            Code.HU_RANGE,
            f"{100 * total.n_soft / used:.2f} % of the voxels lie in {SOFT_HU[0]} to {SOFT_HU[1]} HU (soft tissue), "
            f"at least {100 * SOFT_FRAC:g} % were expected",
        )


def _vary(tasks: Sequence[FrameTask], counts: Sequence[FrameCounts]) -> Iterable[Reason]:
    """Differing rescale values are believed if every group of slices has air and soft tissue for itself."""
    groups: defaultdict[tuple[float, float], list[FrameCounts]] = defaultdict(list)
    for task, count in zip(tasks, counts, strict=True):
        groups[task.slope, task.intercept].append(count)
    if len(groups) < 2:
        return
    text = f"{len(groups)} pairs of Rescale Slope and Intercept in one series"
    sums = [sum_counts(group) for group in groups.values()]
    if all(s.has_air and s.has_soft for s in sums):
        yield warn(Code.HU_VARY, f"{text}; each gives plausible HU")
    else:
        yield refuse(Code.HU_VARY, f"{text}; not all of them give air and soft tissue")


def _handled(total: FrameCounts, counts: Sequence[FrameCounts]) -> Iterable[Reason]:
    if total.n_padding:
        yield warn(Code.HU_PAD, f"{100 * total.n_padding / total.n:.1f} % of the voxels are padding, set to -1024 HU")
    n = sum(c.upper_bits for c in counts)
    if n:
        yield warn(Code.HU_UPPER, f"bits above High Bit were set in {n} images; they were cleared")
