"""Scans whose lesions are known solids: volume and segmentation without files."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from node.facts.instance import GeometryFacts, InstanceFacts, PatientFacts, PixelFacts
from node.facts.series import InstanceFile, SeriesFacts
from node.phantom.grid import Grid, grid_at
from node.phantom.phantom import LEFT_LUNG, RIGHT_LUNG
from node.phantom.render import mask_of
from node.phantom.shapes import Box, Shape
from node.segment.contract import LungDefinition, Segment, Segmentation, SegmentKind
from node.volume.volume import Volume

FIRST_LESION = 3
LUNG_HU, TISSUE_HU, SOLID_HU = -850, 40, 30
RIGHT_BOX = Box((-90.0, -60.0, -75.0), (-10.0, 60.0, 75.0))
LEFT_BOX = Box((10.0, -60.0, -75.0), (90.0, 60.0, 75.0))

_PATIENT = PatientFacts("7", "", "A^B", "19600102", "F", 60.0)
_INSTANCE = InstanceFacts(
    sop_class_uid="1.2.840.10008.5.1.4.1.1.2",
    sop_instance_uid="1.2.3.4",
    series_instance_uid="1.2.3",
    study_instance_uid="1.2",
    transfer_syntax_uid="1.2.840.10008.1.2.1",
    patient=_PATIENT,
    accession_number="",
    study_date="20200102",
    study_time="101500",
    study_description="",
    modality="CT",
    series_number=3,
    series_description="",
    protocol_name="",
    body_part_examined="CHEST",
    manufacturer="SIEMENS",
    manufacturer_model_name="Sensation",
    specific_character_set=(),
    image_type=("ORIGINAL", "PRIMARY", "AXIAL"),
    derivation_codes=(),
    instance_number=1,
    acquisition_number=2,
    acquisition_datetime="",
    temporal_position_identifier=None,
    convolution_kernel=("B40f",),
    contrast_bolus_agent="",
    patient_position="HFS",
    kvp=120.0,
    number_of_frames=1,
    geometry=GeometryFacts(512, 512, (0.7, 0.7), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0), 1.0, "1.2.9"),
    pixels=PixelFacts(16, 12, 11, 0, 1, "MONOCHROME2", 1.0, -1024.0, "HU", False, None, None, False, True),
)


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
    facts = replace(_INSTANCE, patient=replace(_PATIENT, age_years=age_years))
    return SeriesFacts((InstanceFile(facts, Path("1.dcm")),))
