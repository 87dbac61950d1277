"""What all frames' voxels say together: is this air and soft tissue in Hounsfield units? (standards 4.2)"""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from node.errors import Code, Reason, refuse, warn
from node.volume.hounsfield import AIR_FRAC, AIR_HU, SOFT_FRAC, SOFT_HU, ValueCounts
from node.volume.padding import reads_as_tissue
from node.volume.stored import FrameTask


def sum_counts(counts: Iterable[ValueCounts]) -> ValueCounts:
    """Return the counts of all frames together."""
    every = list(counts)
    return ValueCounts(
        n=sum(c.n for c in every),
        n_padding=sum(c.n_padding for c in every),
        n_sampled=sum(c.n_sampled for c in every),
        n_air=sum(c.n_air for c in every),
        n_soft=sum(c.n_soft for c in every),
        n_air_if_signed=sum(c.n_air_if_signed for c in every),
        n_upper=sum(c.n_upper for c in every),
    )


def check_values(counted: Sequence[tuple[FrameTask, ValueCounts]]) -> tuple[Reason, ...]:
    """Check the values of a whole series after rescale, given counts of frames that are read alike."""
    total = sum_counts(counts for _, counts in counted)
    return (*_sign(total), *_range(total), *_vary(counted), *_handled(total, counted))


def _sign(total: ValueCounts) -> Iterable[Reason]:
    used = max(1, total.n_sampled)
    if not total.has_air and total.n_air_if_signed >= AIR_FRAC * used:
        yield refuse(
            Code.HU_SIGN,
            f"read as unsigned there is no air, read as signed {100 * total.n_air_if_signed / used:.1f} % of the "
            "voxels are: the pixel representation is wrong",
        )


def _range(total: ValueCounts) -> Iterable[Reason]:
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


def _vary(counted: Sequence[tuple[FrameTask, ValueCounts]]) -> Iterable[Reason]:
    """Differing rescale values are believed if every group of slices has air and soft tissue for itself."""
    groups: defaultdict[tuple[float, float], list[ValueCounts]] = defaultdict(list)
    for task, counts in counted:
        groups[task.slope, task.intercept].append(counts)
    if len(groups) < 2:
        return
    text = f"{len(groups)} pairs of Rescale Slope and Intercept in one series"
    sums = [sum_counts(group) for group in groups.values()]
    if all(s.has_air and s.has_soft for s in sums):
        yield warn(Code.HU_VARY, f"{text}; each gives plausible HU")
    else:
        yield refuse(Code.HU_VARY, f"{text}; not all of them give air and soft tissue")


def _handled(total: ValueCounts, counted: Sequence[tuple[FrameTask, ValueCounts]]) -> Iterable[Reason]:
    if total.n_padding:
        text = f"{100 * total.n_padding / total.n:.1f} % of the voxels are padding, set to -1024 HU"
        if any(reads_as_tissue(task) for task, _ in counted):
            text += "; the padding value is one of tissue, too: only what hangs together with the border was taken"
        yield warn(Code.HU_PAD, text)
    if total.n_upper:
        yield warn(Code.HU_UPPER, f"bits above High Bit were set in {total.n_upper} voxels; they were cleared")
