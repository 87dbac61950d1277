"""How far a reader's segmentation differs from ours: Dice and volume of the lungs, lesions added and removed."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.measure.quantity import Side
from node.review.drawn import FIRST_LESION, LEFT, RIGHT, UNSIDED, Drawn
from node.review.meaning import Meaning
from node.segment.contract import Segmentation, SegmentKind

_OURS = {Side.RIGHT: (SegmentKind.RIGHT_LUNG,), Side.LEFT: (SegmentKind.LEFT_LUNG,)}
_READERS = {Side.RIGHT: (RIGHT,), Side.LEFT: (LEFT,)}

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class LungAgreement:
    """One lung, or both together, as we and as the reader have it."""

    side: Side
    dice: float
    ours_ml: float
    readers_ml: float


@dataclass(frozen=True, slots=True)
class LesionAgreement:
    """One lesion: `ours` None where the reader added it, `readers` None where the reader removed it."""

    ours: str | None
    readers: str | None
    dice: float
    ours_mm3: float
    readers_mm3: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """A reader's segmentation against ours. A part that the reader's does not describe is not judged."""

    lungs: tuple[LungAgreement, ...]
    lesions: tuple[LesionAgreement, ...]
    lungs_judged: bool
    lesions_judged: bool

    @property
    def n_added(self) -> int:
        """How many lesions the reader added."""
        return sum(lesion.ours is None for lesion in self.lesions)

    @property
    def n_removed(self) -> int:
        """How many of our lesions the reader removed."""
        return sum(lesion.readers is None for lesion in self.lesions)

    @property
    def is_unchanged(self) -> bool:
        """Whether the reader saved what we had found."""
        return all(lung.dice == 1.0 for lung in self.lungs) and all(lesion.dice == 1.0 for lesion in self.lesions)


def compare(ours: Segmentation, readers: Drawn, voxel_ml: float, *, keeps_our_tracking: bool) -> Comparison:
    """Compare two segmentations of one grid.

    Parameters
    ----------
    voxel_ml : volume of one voxel, ml
    keeps_our_tracking : whether the reader's object was made from ours, so that a lesion that is not described in it
        was removed; in an object of its own, no lesion described means that the reader spoke of lungs alone

    Notes
    -----
    The borders of lungs are compared outside all lesions of either side: a lesion that was added in a lung is
    counted once, as that.
    """
    meanings = {s.meaning for s in readers.segments}
    lungs_judged = bool(meanings & {Meaning.RIGHT_LUNG, Meaning.LEFT_LUNG, Meaning.LUNGS})
    lesions_judged = Meaning.LESION in meanings or keeps_our_tracking
    return Comparison(
        _lungs(ours, readers, meanings, voxel_ml) if lungs_judged else (),
        _lesions(ours, readers, voxel_ml * 1000.0) if lesions_judged else (),
        lungs_judged,
        lesions_judged,
    )


def dice(one: Mask, other: Mask) -> float:
    """Return 2 |A and B| / (|A| + |B|); 1 where both are empty."""
    total = int(np.count_nonzero(one)) + int(np.count_nonzero(other))
    return 2.0 * int(np.count_nonzero(one & other)) / total if total else 1.0


def _lungs(
    ours: Segmentation, readers: Drawn, meanings: Iterable[Meaning], voxel_ml: float
) -> tuple[LungAgreement, ...]:
    our_lesions = _of(ours, (SegmentKind.LESION,))
    compared = ~(our_lesions | (readers.labels_zyx >= FIRST_LESION))
    found = []
    if Meaning.LUNGS not in set(meanings):
        sides = [s for s, m in ((Side.RIGHT, Meaning.RIGHT_LUNG), (Side.LEFT, Meaning.LEFT_LUNG)) if m in set(meanings)]
        found = [_lung(side, _of(ours, _OURS[side]), np.isin(readers.labels_zyx, _READERS[side]), compared, voxel_ml)
                 for side in sides]  # fmt: skip
        if len(sides) < 2:
            return tuple(found)
    both = np.isin(readers.labels_zyx, (RIGHT, LEFT, UNSIDED))
    our_lungs = _of(ours, (SegmentKind.RIGHT_LUNG, SegmentKind.LEFT_LUNG))
    return (*found, _lung(Side.BOTH, our_lungs, both, compared, voxel_ml))


def _lung(side: Side, ours: Mask, readers: Mask, compared: Mask, voxel_ml: float) -> LungAgreement:
    volumes_ml = [int(np.count_nonzero(mask)) * voxel_ml for mask in (ours, readers)]
    return LungAgreement(side, dice(ours & compared, readers & compared), volumes_ml[0], volumes_ml[1])


def _of(ours: Segmentation, kinds: tuple[SegmentKind, ...]) -> Mask:
    labels = [s.label for s in ours.segments if s.kind in kinds]
    found: Mask = np.isin(ours.labels_zyx, labels)
    return found


def _lesions(ours: Segmentation, readers: Drawn, voxel_mm3: float) -> tuple[LesionAgreement, ...]:
    """Pair each lesion with the one it shares most voxels with; what shares none was added or removed."""
    mine = {s.label: s.name for s in ours.segments if s.kind is SegmentKind.LESION}
    theirs = {s.label: s.name for s in readers.segments if s.meaning is Meaning.LESION and s.n_voxels}
    joint = np.zeros((256, 256), np.int64)
    marked = (readers.labels_zyx >= FIRST_LESION) | np.isin(ours.labels_zyx, list(mine))
    np.add.at(joint, (ours.labels_zyx[marked], readers.labels_zyx[marked]), 1)
    n_mine = {label: int(np.count_nonzero(ours.labels_zyx == label)) for label in mine}
    n_theirs = {label: int(np.count_nonzero(readers.labels_zyx == label)) for label in theirs}
    shared = sorted(((int(joint[a, b]), a, b) for a in mine for b in theirs if joint[a, b]), reverse=True)
    found: list[LesionAgreement] = []
    met_mine: set[int] = set()
    met_theirs: set[int] = set()
    for n, a, b in shared:  # of two of ours that the reader made one, the smaller is paired with it as well
        if a in met_mine and b in met_theirs:
            continue
        met_mine.add(a)
        met_theirs.add(b)
        overlap = 2.0 * n / (n_mine[a] + n_theirs[b])
        found.append(LesionAgreement(mine[a], theirs[b], overlap, n_mine[a] * voxel_mm3, n_theirs[b] * voxel_mm3))
    removed = [LesionAgreement(mine[a], None, 0.0, n_mine[a] * voxel_mm3, 0.0) for a in mine if a not in met_mine]
    added = [LesionAgreement(None, theirs[b], 0.0, 0.0, n_theirs[b] * voxel_mm3) for b in theirs if b not in met_theirs]
    return (*found, *removed, *added)
