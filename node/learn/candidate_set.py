"""Candidates with their labels: what a confidence is fitted on and test-time uncertainty is judged by.

Each scan is answered by a network that has not learnt from its patient; test scans are never among them. A candidate
is a lesion where it hits one that counts, none where a completely read scan has nothing there; all others are left out.
Nodule cubes stand in the middle of an empty slice of 512 x 512, so that they go the way of a whole scan.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from node.errors import InputRefused
from node.learn.calibrate import Labelled
from node.learn.index import is_free, read_index
from node.learn.nodule_cube import read_cube
from node.learn.scan_judge import as_found, grid_of, hu_of, lungs_of
from node.learn.scan_score import score
from node.learn.scans import Known, Scan, without_headers
from node.learn.seen import Seen, finder_for, is_learnt
from node.segment.closing import closed
from node.segment.contract import LungModel
from node.segment.lesions.finder import Finder
from node.segment.lesions.search_region import CLOSING_MM, SearchRegion, search_region

_SIDE_PX = 512
_EMPTY_HU = -850
_AIRY_HU = -400
_EPS = 1e-6

_Any = TypeVar("_Any", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Described:
    """One labelled candidate with its test-time uncertainty.

    Attributes
    ----------
    entropy : mean binary entropy of the averaged probabilities inside, nats.
    flip_distance : mean distance of the picture's and its mirror image's probabilities inside.
    """

    labelled: Labelled
    entropy: float
    flip_distance: float


def described(
    all_scans: Iterable[Scan], seen: Sequence[Seen], lungs: LungModel, *, skip_learnt: bool = False
) -> Iterator[Described]:
    """Yield the labelled candidates of whole scans that a shipped confidence may learn from.

    Parameters
    ----------
    skip_learnt : pass over scans of patients that every network learnt from, instead of a refusal.
    """
    for scan in all_scans:
        _refuse_test(scan)
        if not is_free(scan.licence) or (skip_learnt and is_learnt(scan, seen)):
            continue
        area = search_region(lungs_of(scan, lungs), hu_of(scan), grid_of(scan))
        yield from _of_scan(scan, area, finder_for(scan, seen))


def described_cubes(
    data: Path, splits: frozenset[str], seen: Sequence[Seen], most: int = 0, *, skip_learnt: bool = False
) -> Iterator[Described]:
    """Yield the labelled candidates of nodule cubes, of at most `most` patients (0: all), spread over the index."""
    rows = [row for row in read_index(data) if row.split in splits and row["depth"] and row.is_free]
    if most:
        rows = rows[:: max(len(rows) // most, 1)][:most]
    for row in rows:
        cube = read_cube(row)
        scan, area = _in_the_middle(row.id, row.case, row.split, cube.hu_zyx, cube.nodule_zyx, cube.spacing_mm)
        _refuse_test(scan)
        if not (skip_learnt and is_learnt(scan, seen)):
            yield from _of_scan(scan, area, finder_for(scan, seen), of_cube=True)


def _refuse_test(scan: Scan) -> None:
    if scan.split == "test":
        raise InputRefused("SET-LEAK", f"{scan.name} is a test scan: nothing is measured on it but the final figures")


def _of_scan(scan: Scan, area: SearchRegion, finder: Finder, *, of_cube: bool = False) -> Iterator[Described]:
    hu, spacing_mm = hu_of(scan), grid_of(scan).full_spacing_mm
    plain = finder.probabilities(hu, area, spacing_mm)
    turned = _flipped(finder.probabilities(_flipped(hu), _flipped_area(area), spacing_mm))
    found = Finder(finder.nets, finder.plan).judged(hu, plain, area, spacing_mm)  # without an earlier one's limits
    judged = score(scan, as_found(found.marks, scan)).judged
    for mark, each in zip(found.marks, judged, strict=True):
        counts = any(scan.known[number].counts for number in each.hits)
        if not counts and not each.is_false:
            continue
        labelled = Labelled(mark.shape.vector(), counts, scan.case, scan.name, scan.split, of_cube)
        inside = mark.candidate.mask
        one, other = (p[mark.candidate.box][inside].astype(np.float64) / 255.0 for p in (plain, turned))
        mean = np.clip((one + other) / 2.0, _EPS, 1.0 - _EPS)
        entropy = -(mean * np.log(mean) + (1.0 - mean) * np.log(1.0 - mean))
        yield Described(labelled, float(entropy.mean()), float(np.abs(one - other).mean()))


def _flipped(array: NDArray[_Any]) -> NDArray[_Any]:
    return np.ascontiguousarray(array[:, :, ::-1])


def _flipped_area(area: SearchRegion) -> SearchRegion:
    aorta = None if area.aorta is None else _flipped(area.aorta)
    return SearchRegion(_flipped(area.inside), _flipped(area.region), aorta)


def _in_the_middle(
    name: str, case: str, split: str, hu_zyx: NDArray[np.int16], nodule_zyx: NDArray[np.bool_], spacing_mm: float
) -> tuple[Scan, SearchRegion]:
    """Put a cube into the middle of empty slices; only what the readers outlined and the cube's inside are judged."""
    depth, rows, columns = hu_zyx.shape
    top, left = (_SIDE_PX - rows) // 2, (_SIDE_PX - columns) // 2
    here = (slice(None), slice(top, top + rows), slice(left, left + columns))
    hu = np.full((depth, _SIDE_PX, _SIDE_PX), _EMPTY_HU, np.int16)
    hu[here] = hu_zyx
    nodule, inside, region = (np.zeros(hu.shape, bool) for _ in range(3))
    nodule[here] = nodule_zyx > 0
    inside[here] = closed(hu_zyx < _AIRY_HU, CLOSING_MM, (spacing_mm, spacing_mm, spacing_mm))
    region[here] = True
    volume = without_headers(hu, (spacing_mm, spacing_mm, spacing_mm))
    known = (Known(mask_zyx=nodule, volume_mm3=float(nodule.sum()) * spacing_mm**3),) if nodule.any() else ()
    return Scan(name, case, split, volume, known, read_completely=True), SearchRegion(inside, region)
