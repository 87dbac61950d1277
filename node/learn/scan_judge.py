"""An installed lesion model, or trainings, on whole scans: found of known, marks that are no lesion, FROC."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.errors import InputRefused, Refusal
from node.learn.scan_score import RATES, FoundMark, ScanScore, froc
from node.learn.scans import Scan
from node.segment.contract import LungModel, Segmentation
from node.segment.lesions.confidence import Confidence
from node.segment.lesions.finder import Finder, Found
from node.segment.lesions.listing import doubt_of, listed
from node.segment.lesions.mark import Mark
from node.segment.lesions.sureness import AS_THE_MODEL_SAYS, Sureness
from node.segment.working_grid import WorkingGrid, working_grid


def lungs_of(scan: Scan, model: LungModel) -> Segmentation:
    """Return a scan's lungs.

    Raises
    ------
    InputRefused
        SET-UNREAD where the model finds none.
    """
    found = model.segment(scan.volume)
    if isinstance(found, Refusal):
        raise InputRefused("SET-UNREAD", f"{scan.name}: {found.leading.text}")
    return found


def find(scan: Scan, lungs: Segmentation, finder: Finder) -> Found:
    """Return everything a finder marks on a scan."""
    return finder.find(hu_of(scan), lungs, grid_of(scan))


def marks_of(scan: Scan, found: Found, finder: Finder, sureness: Sureness, *, seen: bool = False) -> tuple[Mark, ...]:
    """Return the marks that are written down, as they are drawn.

    Parameters
    ----------
    seen : also where the network for outlines learnt from the patient; else marks stay as they were found there.
    """
    marks = listed(found, finder.confidence, sureness)
    if finder.outliner is None or (scan.is_of(finder.outliner.train_cases) and not seen):
        return marks
    return finder.outlined(marks, hu_of(scan), found.area, grid_of(scan))


def hu_of(scan: Scan) -> NDArray[np.int16]:
    """Return a scan's HU along its working axes."""
    return np.ascontiguousarray(grid_of(scan).turned(scan.volume.hu_zyx))


def grid_of(scan: Scan) -> WorkingGrid:
    """Return a scan's working grid."""
    nz, ny, nx = scan.volume.hu_zyx.shape
    return working_grid((nz, ny, nx), scan.volume.lps_from_zyx)


def as_found(
    marks: Sequence[Mark], scan: Scan, confidence: Confidence | None = None, sureness: Sureness = AS_THE_MODEL_SAYS
) -> tuple[FoundMark, ...]:
    """Bring marks from the working axes to the scan's own grid; without a calibration p is their confidence."""
    grid = grid_of(scan)
    return tuple(
        _as_found(number, mark, scan, grid, doubt_of(mark, confidence, sureness))
        for number, mark in enumerate(marks, start=1)
    )


def _as_found(number: int, mark: Mark, scan: Scan, grid: WorkingGrid, doubt: str | None) -> FoundMark:
    at = _on_scan(np.argwhere(mark.candidate.mask) + [s.start for s in mark.candidate.box], grid)
    low, high = at.min(axis=0), at.max(axis=0) + 1
    mask = np.zeros(high - low, bool)
    mask[tuple((at - low).T)] = True
    z, y, x = (slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
    left, back, head = (scan.volume.lps_from_zyx @ (*at.mean(axis=0), 1.0))[:3].tolist()
    confidence = mark.shape.p_mean if mark.confidence is None else mark.confidence
    volume_mm3 = len(at) * scan.volume.voxel_ml * 1000.0
    return FoundMark(f"nodule-{number}", (left, back, head), confidence, volume_mm3, (z, y, x), mask, doubt)


def _on_scan(at: NDArray[np.intp], grid: WorkingGrid) -> NDArray[np.intp]:
    """Return the scan's own indices of places along the working axes."""
    answer = np.empty_like(at)
    for i, (axis, flip, n) in enumerate(zip(grid.axes, grid.flipped, grid.full_shape, strict=True)):
        answer[:, axis] = n - 1 - at[:, i] if flip else at[:, i]
    return answer


def summary(scores: Sequence[ScanScore], learnt: Collection[str] = ()) -> dict[str, Any]:
    """Return what `judge-scans --json` prints.

    Parameters
    ----------
    learnt : names of the scans that whoever answered has learnt from: their figures say what it remembers.
    """
    curve = froc(scores)
    read = [one for one in scores if one.read_completely]
    return {
        "scans": [_row(one) | {"learnt_from": one.name in learnt} for one in scores],
        "found": sum(one.n_found for one in scores),
        "known": sum(one.n_known for one in scores),
        "false_per_scan_median": float(np.median([one.n_false for one in read])) if read else None,
        "n_completely_read": len(read),
        "n_learnt_from": sum(one.name in learnt for one in scores),
        "froc": None if curve is None else asdict(curve) | {"false_per_scan": list(RATES)},
    }


def _row(one: ScanScore) -> dict[str, Any]:
    return {
        "scan": one.name,
        "split": one.split,
        "read_completely": one.read_completely,
        "known": one.n_known,
        "found": one.n_found,
        "marks": one.n_marks,
        "false": one.n_false,
        "unadjudicated": one.n_unadjudicated,
        "fits": [None if each is None else asdict(each) for each in one.fits],
        "findings": [
            {
                "name": each.mark.name,
                "centre_lps_mm": [round(v, 1) for v in each.mark.centre_lps_mm],
                "volume_mm3": round(each.mark.volume_mm3, 1),
                "confidence": round(each.mark.confidence, 4),
                "uncertain": each.mark.is_uncertain,
                "doubt": each.mark.doubt,
                "verdict": verdict_of(each.hits, is_false=each.is_false, is_spared=each.is_spared),
            }
            for each in one.judged
        ],
    }


def verdict_of(hits: tuple[int, ...], *, is_false: bool, is_spared: bool) -> str:
    """Say what a mark is."""
    if hits:
        return "known lesion"
    if is_spared:
        return "at a reader's mark under 3 mm"
    return "no lesion" if is_false else "unadjudicated"
