"""A case with three measured nodules: solid and large, part-solid, ground glass; a chest large enough to draw."""

from dataclasses import replace

import numpy as np

from node.measure.lesions.lesions import measure_lesions
from node.report.encode import ReportInput
from node.segment.contract import LungDefinition, Segment, Segmentation, SegmentKind
from tests.report.conftest import LESIONS, LUNGS, CaseMaker, Grid, numbers

GRID = Grid(shape=(24, 64, 72), spacing_yx_mm=(4.0, 4.0), step_mm=5.0, origin_lps_mm=(-142.0, -126.0, -60.0))
# label: (slice, row, column) of the centre, radius in mm
NODULES = {3: ((12, 30, 16), 13.0), 4: ((8, 24, 54), 17.0), 5: ((16, 34, 20), 10.0)}


def chest(grid: Grid = GRID) -> tuple[np.ndarray, np.ndarray]:
    """Return labels (1 right, 2 left, 3 to 5 nodules) and Hounsfield values of an ellipse with two lungs in it."""
    n, rows, columns = grid.shape
    z, y, x = np.ogrid[:n, :rows, :columns]
    labels = np.zeros(grid.shape, np.uint8)
    for label, (cx, rx) in {1: (0.28, 0.17), 2: (0.72, 0.15)}.items():
        inside = ((z / n - 0.5) / 0.42) ** 2 + ((y / rows - 0.5) / 0.33) ** 2 + ((x / columns - cx) / rx) ** 2 < 1
        labels[inside] = label
    body = ((y / rows - 0.5) / 0.45) ** 2 + ((x / columns - 0.5) / 0.48) ** 2 < 1
    hu = np.where(np.broadcast_to(body, grid.shape), 40, -1000).astype(np.int16)
    rng = np.random.default_rng(5)
    hu[labels > 0] = rng.integers(-950, -800, int((labels > 0).sum()))
    for label, ((cz, cy, cx), radius_mm) in NODULES.items():
        dz, dy, dx = grid.step_mm, *grid.spacing_yx_mm
        distance = np.sqrt(((z - cz) * dz) ** 2 + ((y - cy) * dy * 0.9) ** 2 + ((x - cx) * dx * 1.1) ** 2)
        ball = distance < radius_mm
        labels[ball] = label
        hu[ball] = 30 if label == 3 else -550
        if label == 4:
            hu[distance < radius_mm * 0.6] = 20
    return labels, hu


def segmentation(labels: np.ndarray, *, with_lungs: bool = True) -> Segmentation:
    """Return the segmentation of a chest's labels."""
    lungs = (Segment(1, SegmentKind.RIGHT_LUNG, "Right lung"), Segment(2, SegmentKind.LEFT_LUNG, "Left lung"))
    if not with_lungs:
        labels = np.where(labels <= 2, 0, labels).astype(np.uint8)
    present = sorted(set(np.unique(labels).tolist()) - {0, 1, 2})
    nodules = tuple(Segment(label, SegmentKind.LESION, f"nodule-{label - 2}") for label in present)
    segments = (*lungs, *nodules) if with_lungs else nodules
    models = (LUNGS, LESIONS) if with_lungs else (LESIONS,)
    return Segmentation(labels, segments, LungDefinition.WITHOUT_LESIONS, models)


def lesion_case(
    maker: CaseMaker,
    grid: Grid = GRID,
    *,
    with_lungs: bool = True,
    labels: np.ndarray | None = None,
    carina_lps_mm: tuple[float, float, float] | None = (0.0, 0.0, 0.0),
    **changes: object,
) -> ReportInput:
    """Return the case, its lesions measured by the room that does it."""
    made, hu = chest(grid)
    labels = made if labels is None else labels
    case = maker.case(grid, made, models=(LUNGS, LESIONS))
    volume = replace(case.volume, hu_zyx=hu)
    found = segmentation(labels, with_lungs=with_lungs)
    reasons = changes.get("reasons", ())
    lesions = measure_lesions(volume, found, reasons, carina_lps_mm)
    quantities = numbers(volume, labels) if with_lungs else ()
    case = replace(case, volume=volume, segmentation=found, quantities=quantities, lesions=lesions)
    return replace(case, **changes)
