"""Scans whose lesions are known solids: volume and segmentation without files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from node.facts.series import SeriesFacts
from node.phantom.grid import Grid, grid_at
from node.phantom.phantom import LEFT_LUNG, RIGHT_LUNG
from node.phantom.render import mask_of
from node.phantom.shapes import Box, Shape
from node.segment.contract import LungDefinition, Segment, Segmentation, SegmentKind
from node.volume.volume import Volume
from tests.route.conftest import make_series

FIRST_LESION = 3
LUNG_HU, TISSUE_HU, SOLID_HU = -850, 40, 30
RIGHT_BOX = Box((-90.0, -60.0, -75.0), (-10.0, 60.0, 75.0))
LEFT_BOX = Box((10.0, -60.0, -75.0), (90.0, 60.0, 75.0))


@dataclass(frozen=True)
class Scan:
    """What `measure_lesions` is given."""

    volume: Volume
    segmentation: Segmentation


@pytest.fixture(scope="session")
def chest_grid() -> Grid:
    """A small chest of 2 mm voxels; lesions are put onto it in mm."""
    return grid_at((0.0, 0.0, 0.0), (80, 65, 100), (2.0, 2.0, 2.0))


@pytest.fixture(scope="session")
def make_scan(chest_grid: Grid) -> Callable[..., Scan]:
    """Paint two box-shaped lungs and lesions into tissue; `lesions` are (solid, HU) in order of labels."""

    def make(
        lesions: Sequence[tuple[Shape, float]],
        *,
        grid: Grid | None = None,
        lungs: Sequence[tuple[Shape, int]] = ((RIGHT_BOX, RIGHT_LUNG), (LEFT_BOX, LEFT_LUNG)),
        inside: Sequence[tuple[Shape, float]] = (),
        age_years: float | None = 60.0,
        thickness_mm: float | None = None,
        unsure: tuple[str, ...] = (),
        padded_frac: float = 0.0,
    ) -> Scan:
        where = grid or chest_grid
        hu_zyx = np.full(where.shape_zyx, TISSUE_HU, np.int16)
        labels_zyx = np.zeros(where.shape_zyx, np.uint8)
        for shape, label in lungs:
            mask = mask_of(where, shape)
            hu_zyx[mask], labels_zyx[mask] = LUNG_HU, label
        for i, (shape, hu) in enumerate(lesions):
            mask = mask_of(where, shape)
            hu_zyx[mask], labels_zyx[mask] = hu, FIRST_LESION + i
        for shape, hu in inside:
            hu_zyx[mask_of(where, shape)] = hu
        volume = Volume(hu_zyx, where.lps_from_zyx, (), thickness_mm, padded_frac, (), _series(age_years))
        return Scan(volume, segmentation_of(labels_zyx, len(lesions), unsure))

    return make


@pytest.fixture(scope="session")
def scan_of() -> Callable[..., Scan]:
    """Return a scan of given labels (lungs 1 and 2, lesions from 3) in which lesions are solid and the rest is
    lung, unless the values are given."""

    def make(
        labels_zyx: NDArray[np.uint8], lps_from_zyx: NDArray[np.float64], hu_zyx: NDArray[np.int16] | None = None
    ) -> Scan:
        if hu_zyx is None:
            hu_zyx = np.where(labels_zyx >= FIRST_LESION, SOLID_HU, LUNG_HU).astype(np.int16)
        volume = Volume(hu_zyx, lps_from_zyx, (), None, 0.0, (), _series(60.0))
        n_lesions = max(int(labels_zyx.max()) - FIRST_LESION + 1, 0)
        return Scan(volume, segmentation_of(labels_zyx, n_lesions))

    return make


def segmentation_of(labels_zyx: NDArray[np.uint8], n_lesions: int, unsure: tuple[str, ...] = ()) -> Segmentation:
    present = set(np.unique(labels_zyx).tolist())
    lungs = [
        Segment(RIGHT_LUNG, SegmentKind.RIGHT_LUNG, "Right lung"),
        Segment(LEFT_LUNG, SegmentKind.LEFT_LUNG, "Left lung"),
    ]
    lesions = [Segment(FIRST_LESION + i, SegmentKind.LESION, f"nodule-{i + 1}") for i in range(n_lesions)]
    segments = (*(s for s in lungs if s.label in present), *lesions)
    return Segmentation(labels_zyx, segments, LungDefinition.WITHOUT_LESIONS, (), unsure=unsure)


def _series(age_years: float | None) -> SeriesFacts:
    return make_series(n=1, patient={"age_years": age_years})
