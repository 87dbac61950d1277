"""Series made of facts alone: what routing is given, without files."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from node.facts.instance import GeometryFacts, InstanceFacts, PatientFacts, PixelFacts
from node.facts.series import InstanceFile, SeriesFacts

CT = "1.2.840.10008.5.1.4.1.1.2"
PET = "1.2.840.10008.5.1.4.1.1.128"

_PATIENT = PatientFacts("7", "", "A^B", "19600102", "F", 60.0)
_GEOMETRY = GeometryFacts(512, 512, (0.7, 0.7), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (0.0, 0.0, 0.0), 1.0, "1.2.9")
_PIXELS = PixelFacts(16, 12, 11, 0, 1, "MONOCHROME2", 1.0, -1024.0, "HU", False, None, None, False, True)
_INSTANCE = InstanceFacts(
    sop_class_uid=CT,
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
    geometry=_GEOMETRY,
    pixels=_PIXELS,
)


def make_series(
    uid: str = "1.2.3",
    *,
    n: int = 100,
    step_mm: float = 3.0,
    patient: dict | None = None,
    geometry: dict | None = None,
    **changes: object,
) -> SeriesFacts:
    """Return an axial series of `n` slices; further arguments change every instance."""
    base = replace(_INSTANCE, series_instance_uid=uid, patient=replace(_PATIENT, **(patient or {})), **changes)
    place = replace(_GEOMETRY, **(geometry or {}))
    files = [
        InstanceFile(
            replace(
                base,
                sop_instance_uid=f"{uid}.{number}",
                geometry=replace(place, image_position_lps_mm=(0.0, 0.0, number * step_mm)),
            ),
            Path(f"{uid}.{number}.dcm"),
        )
        for number in range(1, n + 1)
    ]
    return SeriesFacts(tuple(sorted(files, key=lambda file: file.facts.sop_instance_uid)))


@pytest.fixture(scope="session")
def series() -> Callable[..., SeriesFacts]:
    """The maker of series."""
    return make_series


@pytest.fixture(scope="session")
def pet() -> Callable[..., SeriesFacts]:
    """The maker of PET series."""

    def make(uid: str = "1.2.8", **changes: object) -> SeriesFacts:
        defaults = {"modality": "PT", "sop_class_uid": PET, "pet_units": "BQML", "corrected_image": ("ATTN", "DECY")}
        return make_series(uid, **(defaults | changes))

    return make
