"""From the elements of a header to `InstanceFacts`: one field, one attribute, one clause."""

import re
from datetime import date

from node.errors import Code, Reason, refuse, warn
from node.facts.charset import character_set
from node.facts.frames import FirstFrame
from node.facts.instance import GeometryFacts, InstanceFacts, PatientFacts, PixelFacts, thickness_mm
from node.facts.pet_header import pet_facts
from node.facts.values import Values
from node.facts.walk import Header

_UID = re.compile(r"\d+(\.\d+)*")  # PS3.5 section 9.1; a component with a leading zero is tolerated and kept
_LONGEST_UID = 64
_DATE = re.compile(r"\d{8}")
_TIME = re.compile(r"\d{6}(\.\d{1,6})?")
_DATETIME = re.compile(r"(\d{14}(?:\.\d{1,6})?)(?:[+-]\d{4})?")
_AGE = re.compile(r"(\d{3})([DWMY])")
_YEARS = {"D": 1 / 365.25, "W": 7 / 365.25, "M": 1 / 12, "Y": 1.0}
_SEXES = frozenset(("M", "F", "O"))
_MOST_DERIVATIONS = 8


def extract(header: Header, transfer_syntax_uid: str) -> InstanceFacts:
    """Read what the node knows of one instance.

    Parameters
    ----------
    header : the top-level elements
    transfer_syntax_uid : of the file, "" where it says none
    """
    values = Values(header, character_set(()))
    terms = values.codes("SpecificCharacterSet")
    charset = character_set(terms)
    values = Values(header, charset)
    frame = FirstFrame(values)
    acquired = _acquisition_datetime(values, frame)
    facts = InstanceFacts(
        sop_class_uid=values.code("SOPClassUID"),
        sop_instance_uid=values.code("SOPInstanceUID"),
        series_instance_uid=values.code("SeriesInstanceUID"),
        study_instance_uid=values.code("StudyInstanceUID"),
        transfer_syntax_uid=transfer_syntax_uid,
        patient=_patient(values),
        accession_number=values.text("AccessionNumber"),
        study_date=_date(values, "StudyDate"),
        study_time=_time(values, "StudyTime"),
        study_description=values.text("StudyDescription"),
        modality=values.code("Modality"),
        series_number=values.integer("SeriesNumber"),
        series_description=values.text("SeriesDescription"),
        protocol_name=values.text("ProtocolName"),
        body_part_examined=values.code("BodyPartExamined"),
        manufacturer=values.text("Manufacturer"),
        manufacturer_model_name=values.text("ManufacturerModelName"),
        specific_character_set=terms,
        image_type=values.codes("ImageType"),
        derivation_codes=_derivation_codes(values),
        instance_number=values.integer("InstanceNumber"),
        acquisition_number=values.integer("AcquisitionNumber"),
        acquisition_datetime=acquired,
        temporal_position_identifier=values.integer("TemporalPositionIdentifier"),
        convolution_kernel=frame.holding("CTReconstructionSequence", "ConvolutionKernel").texts("ConvolutionKernel"),
        contrast_bolus_agent=_contrast(values),
        patient_position=values.code("PatientPosition"),
        kvp=frame.holding("CTXRayDetailsSequence", "KVP").decimal("KVP"),
        number_of_frames=_number_of_frames(values),
        geometry=_geometry(values, frame),
        pixels=_pixels(values, frame, has_pixel_data=header.has_pixel_data),
        pet_units=values.code("Units"),
        corrected_image=values.codes("CorrectedImage"),
        pet=pet_facts(values, acquired) if values.code("Modality") == "PT" else None,
        unparsable=tuple(dict.fromkeys(values.unparsable)),
    )
    return _with_reasons(facts, (*_uid_reasons(facts), *_charset_reasons(values, terms)))


def is_uid(text: str) -> bool:
    """Say whether a text can be a UID; leading zeros in a component are tolerated (standards 4.4, ID-NOUID)."""
    return len(text) <= _LONGEST_UID and _UID.fullmatch(text) is not None


def _with_reasons(facts: InstanceFacts, reasons: tuple[Reason, ...]) -> InstanceFacts:
    """Return the same facts with their reasons: built once more, because both are derived from the fields."""
    if not reasons:
        return facts
    fields = {name: getattr(facts, name) for name in InstanceFacts.__dataclass_fields__}
    return InstanceFacts(**(fields | {"reasons": reasons}))


def _uid_reasons(facts: InstanceFacts) -> tuple[Reason, ...]:
    """ID-NOUID for each of the three UIDs that is missing or no UID."""
    uids = {
        "SOP Instance UID": facts.sop_instance_uid,
        "Series Instance UID": facts.series_instance_uid,
        "Study Instance UID": facts.study_instance_uid,
    }
    return tuple(
        refuse(Code.ID_NOUID, f"{name} is {'not a valid UID' if uid else 'missing'}")
        for name, uid in uids.items()
        if not is_uid(uid)
    )


def _charset_reasons(values: Values, terms: tuple[str, ...]) -> tuple[Reason, ...]:
    """CS-UNKNOWN where the set is not defined, or where texts do not decode in it."""
    if not values.charset.known:
        return (warn(Code.CS_UNKNOWN, f"Specific Character Set {' / '.join(terms)[:80]} is not a defined term"),)
    if values.undecodable:
        keywords = ", ".join(dict.fromkeys(values.undecodable))
        return (warn(Code.CS_UNKNOWN, f"the bytes of {keywords} do not decode in the declared character set"),)
    return ()


def _patient(values: Values) -> PatientFacts:
    """Patient module, PS3.3 C.7.1.1, and Patient's Age of C.7.2.2."""
    sex = values.code("PatientSex")
    if sex and sex not in _SEXES:
        values.unparsable.append("PatientSex")
    birth_date = _date(values, "PatientBirthDate")
    return PatientFacts(
        patient_id=values.text("PatientID"),
        issuer_of_patient_id=values.text("IssuerOfPatientID"),
        patient_name=values.text("PatientName", is_name=True),
        birth_date=birth_date,
        sex=sex if sex in _SEXES else "",
        age_years=_age_years(values, birth_date),
    )


def _age_years(values: Values, birth_date: str) -> float | None:
    """Patient's Age (AS), else whole and partial years from birth to the study."""
    text = values.code("PatientAge")
    match = _AGE.fullmatch(text)
    if match:
        return int(match[1]) * _YEARS[match[2]]
    if text:
        values.unparsable.append("PatientAge")
    born, studied = _calendar(birth_date), _calendar(_date(values, "StudyDate"))
    if born is None or studied is None or studied < born:
        return None
    return (studied - born).days / 365.25


def _calendar(text: str) -> date | None:
    """Return a DA as a date; None for "" and for days that do not exist."""
    try:
        return date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        return None


def _date(values: Values, keyword: str) -> str:
    """A DA that names an existing day."""
    text = values.code(keyword)
    if text and not (_DATE.fullmatch(text) and _calendar(text)):
        values.unparsable.append(keyword)
        return ""
    return text


def _time(values: Values, keyword: str) -> str:
    """A TM as written; None but digits and a fraction are accepted."""
    text = values.code(keyword)
    if text and not re.fullmatch(r"\d{2}(\d{2}(\d{2}(\.\d{1,6})?)?)?", text):
        values.unparsable.append(keyword)
        return ""
    return text


def _acquisition_datetime(values: Values, frame: FirstFrame) -> str:
    """Acquisition DateTime (of the first frame), else the pair of date and time, PS3.3 C.7.6.16.2.2 and C.7.6.1."""
    holder = frame.holding("FrameContentSequence", "FrameAcquisitionDateTime")
    for keyword in ("FrameAcquisitionDateTime", "AcquisitionDateTime"):
        match = _DATETIME.fullmatch(holder.code(keyword) or values.code(keyword))
        if match:
            return match[1]
    day, time = _date(values, "AcquisitionDate"), _time(values, "AcquisitionTime")
    return day + time if day and _TIME.fullmatch(time) else ""


def _derivation_codes(values: Values) -> tuple[str, ...]:
    """Code values of Derivation Code Sequence, PS3.3 C.7.6.1.1.3."""
    items = values.header.items("DerivationCodeSequence", _MOST_DERIVATIONS)
    return tuple(code for item in items if (code := values.within(item).text("CodeValue")))


def _contrast(values: Values) -> str:
    """Contrast/Bolus Agent, or "(sequence)" where only its sequence has an item, PS3.3 C.7.6.4."""
    agent = values.text("ContrastBolusAgent")
    return agent or ("(sequence)" if values.header.items("ContrastBolusAgentSequence", 1) else "")


def _number_of_frames(values: Values) -> int:
    """Number of Frames; 1 where it is absent, empty or unusable (then noted)."""
    n_frames = values.integer("NumberOfFrames")
    if n_frames is not None and n_frames < 1:
        values.unparsable.append("NumberOfFrames")
        return 1
    return n_frames or 1


def _geometry(values: Values, frame: FirstFrame) -> GeometryFacts:
    """Image Plane and Image Pixel modules, or the macros of the first frame, PS3.3 C.7.6.2 and C.7.6.16.2."""
    spacing = _exactly(frame.holding("PixelMeasuresSequence", "PixelSpacing"), "PixelSpacing", 2)
    orientation = _exactly(
        frame.holding("PlaneOrientationSequence", "ImageOrientationPatient"), "ImageOrientationPatient", 6
    )
    position = _exactly(frame.holding("PlanePositionSequence", "ImagePositionPatient"), "ImagePositionPatient", 3)
    thickness = frame.holding("PixelMeasuresSequence", "SliceThickness").decimal("SliceThickness")
    return GeometryFacts(
        rows=values.short("Rows"),
        columns=values.short("Columns"),
        pixel_spacing_yx_mm=(spacing[0], spacing[1]) if spacing else None,
        image_orientation=(
            (orientation[0], orientation[1], orientation[2], orientation[3], orientation[4], orientation[5])
            if orientation
            else None
        ),
        image_position_lps_mm=(position[0], position[1], position[2]) if position else None,
        slice_thickness_mm=thickness_mm(thickness),
        frame_of_reference_uid=values.code("FrameOfReferenceUID"),
    )


def _exactly(values: Values, keyword: str, n_values: int) -> tuple[float, ...] | None:
    """Return a DS of a fixed multiplicity; another number of values counts as missing."""
    numbers = values.decimals(keyword)
    if numbers is not None and len(numbers) != n_values:
        values.unparsable.append(keyword)
        return None
    return numbers


def _pixels(values: Values, frame: FirstFrame, *, has_pixel_data: bool) -> PixelFacts:
    """Image Pixel and Modality LUT modules, PS3.3 C.7.6.3, C.11.1 and C.7.6.16.2.9.

    Pixel Padding Value is read in the sign of the pixels whatever VR it was written with: 63536 in a signed image is
    -2000 (seen in LIDC-IDRI), PS3.3 C.7.5.1.1.2.
    """
    signed = values.short("PixelRepresentation") == 1
    rescale = frame.holding("PixelValueTransformationSequence", "RescaleSlope")
    return PixelFacts(
        bits_allocated=values.short("BitsAllocated"),
        bits_stored=values.short("BitsStored"),
        high_bit=values.short("HighBit"),
        pixel_representation=values.short("PixelRepresentation"),
        samples_per_pixel=values.short("SamplesPerPixel"),
        photometric_interpretation=values.code("PhotometricInterpretation"),
        rescale_slope=rescale.decimal("RescaleSlope"),
        rescale_intercept=rescale.decimal("RescaleIntercept"),
        rescale_type=rescale.code("RescaleType"),
        has_modality_lut=bool(values.header.items("ModalityLUTSequence", 1)),
        pixel_padding_value=values.short("PixelPaddingValue", signed=signed),
        pixel_padding_range_limit=values.short("PixelPaddingRangeLimit", signed=signed),
        lossy=values.code("LossyImageCompression") == "01",
        has_pixel_data=has_pixel_data,
    )
