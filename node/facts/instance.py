"""What the node knows of one DICOM instance from its header: typed, bounded, decoded, never guessed.

Absent, empty and unparsable values all end here as `None` (or an empty tuple); the keywords whose text could not
be parsed are named in `unparsable`. No value is repaired.
"""

from dataclasses import dataclass
from math import inf

from node.errors import Reason
from node.facts.pet import PetFacts


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """Who it is about (Patient module, PS3.3 C.7.1.1). Texts are decoded; names keep their component groups."""

    patient_id: str
    issuer_of_patient_id: str
    patient_name: str
    birth_date: str  # YYYYMMDD or ""
    sex: str  # "M", "F", "O" or ""
    age_years: float | None  # Patient's Age, else from birth date and study date

    @property
    def identity(self) -> tuple[str, str, str, str]:
        """What must be equal for two instances to be of one patient (the name is not part of it)."""
        return (self.patient_id, self.issuer_of_patient_id, self.birth_date, self.sex)


@dataclass(frozen=True, slots=True)
class GeometryFacts:
    """Where the pixels of one frame lie in the patient (PS3.3 C.7.6.2), LPS, mm."""

    rows: int | None
    columns: int | None
    pixel_spacing_yx_mm: tuple[float, float] | None
    image_orientation: tuple[float, float, float, float, float, float] | None  # row direction (x) first
    image_position_lps_mm: tuple[float, float, float] | None
    slice_thickness_mm: float | None
    frame_of_reference_uid: str


def thickness_mm(slice_thickness: float | None) -> float | None:
    """Return Slice Thickness (0018,0050) where a slice can have it, else None: zero or less would pass as very thin."""
    return slice_thickness if slice_thickness is not None and 0.0 < slice_thickness < inf else None


@dataclass(frozen=True, slots=True)
class PixelFacts:
    """How the stored values are to be read (PS3.3 C.7.6.3 and C.11.1)."""

    bits_allocated: int | None
    bits_stored: int | None
    high_bit: int | None
    pixel_representation: int | None
    samples_per_pixel: int | None
    photometric_interpretation: str
    rescale_slope: float | None
    rescale_intercept: float | None
    rescale_type: str
    has_modality_lut: bool
    pixel_padding_value: int | None
    pixel_padding_range_limit: int | None
    lossy: bool  # Lossy Image Compression is "01"
    has_pixel_data: bool


@dataclass(frozen=True, slots=True)
class InstanceFacts:
    """One instance. `reasons` are findings about the header itself (CS-UNKNOWN, ID-NOUID ...)."""

    # identity
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    study_instance_uid: str
    transfer_syntax_uid: str
    patient: PatientFacts
    # study and series
    accession_number: str
    study_date: str
    study_time: str
    study_description: str
    modality: str
    series_number: int | None
    series_description: str
    protocol_name: str
    body_part_examined: str
    manufacturer: str
    manufacturer_model_name: str
    specific_character_set: tuple[str, ...]
    # acquisition
    image_type: tuple[str, ...]
    derivation_codes: tuple[str, ...]  # code values of Derivation Code Sequence
    instance_number: int | None
    acquisition_number: int | None
    acquisition_datetime: str  # YYYYMMDDHHMMSS[.ffffff] from the pair or the DT, "" if unknown
    temporal_position_identifier: int | None
    convolution_kernel: tuple[str, ...]
    contrast_bolus_agent: str  # "" where absent; a non-empty sequence without text gives "(sequence)"
    patient_position: str
    kvp: float | None
    # image
    number_of_frames: int
    geometry: GeometryFacts  # of the first frame in enhanced objects
    pixels: PixelFacts
    reasons: tuple[Reason, ...] = ()
    unparsable: tuple[str, ...] = ()
    pet_units: str = ""  # Units (0054,1001): BQML, GML, CNTS, PROPCNTS ...
    corrected_image: tuple[str, ...] = ()  # an uncorrected series may name ATTN too
    pet: PetFacts | None = None  # of Modality PT only
