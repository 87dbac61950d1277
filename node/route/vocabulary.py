"""The closed vocabulary of routes: what a rule may ask, and with which words it may answer."""

from enum import StrEnum


class Fact(StrEnum):
    """What a condition may look at."""

    MODALITY = "modality"
    SOP_CLASS = "sop_class"
    IMAGE_TYPE = "image_type"
    BODY_PART = "body_part"
    STUDY_DESCRIPTION = "study_description"
    SERIES_DESCRIPTION = "series_description"
    PROTOCOL = "protocol"
    MANUFACTURER = "manufacturer"
    KERNEL = "kernel"
    THICKNESS_MM = "thickness_mm"
    INSTANCES = "instances"
    CALLED_AE = "called_ae"
    CALLING_AE = "calling_ae"
    PATIENT_AGE_YEARS = "patient_age_years"


TEXTS = frozenset((Fact.STUDY_DESCRIPTION, Fact.SERIES_DESCRIPTION, Fact.PROTOCOL, Fact.MANUFACTURER))
NUMBERS = frozenset((Fact.THICKNESS_MM, Fact.INSTANCES, Fact.PATIENT_AGE_YEARS))


class SopClass(StrEnum):
    """The image classes that a route can select, by the names that rules use."""

    CT = "CT"
    ENHANCED_CT = "ENHANCED-CT"
    LEGACY_ENHANCED_CT = "LEGACY-ENHANCED-CT"
    PET = "PET"
    ENHANCED_PET = "ENHANCED-PET"
    LEGACY_ENHANCED_PET = "LEGACY-ENHANCED-PET"


SOP_CLASSES = {  # PS3.4 table B.5-1
    "1.2.840.10008.5.1.4.1.1.2": SopClass.CT,
    "1.2.840.10008.5.1.4.1.1.2.1": SopClass.ENHANCED_CT,
    "1.2.840.10008.5.1.4.1.1.2.2": SopClass.LEGACY_ENHANCED_CT,
    "1.2.840.10008.5.1.4.1.1.128": SopClass.PET,
    "1.2.840.10008.5.1.4.1.1.130": SopClass.ENHANCED_PET,
    "1.2.840.10008.5.1.4.1.1.128.1": SopClass.LEGACY_ENHANCED_PET,
}

CLOSED: dict[Fact, frozenset[str]] = {  # facts whose values are themselves a closed list
    Fact.MODALITY: frozenset(("CT", "PT")),
    Fact.SOP_CLASS: frozenset(SopClass),
    Fact.KERNEL: frozenset(("soft", "sharp")),
}


class Priority(StrEnum):
    """In which order cases are worked on."""

    URGENT = "urgent"
    NORMAL = "normal"
    OFF_PEAK = "off-peak"


class Preference(StrEnum):
    """One step of the comparison between reconstructions; each is defined in `prefer.py`."""

    LARGE_ENOUGH = "large-enough"
    WHOLE = "whole"
    WIDEST = "widest"
    ORIGINAL = "original"
    DENSITY = "density"
    UNENHANCED = "unenhanced"
    THIN = "thin"
    SOFT = "soft"
    SHARP = "sharp"
    MORE_SLICES = "more-slices"


class Unknown(StrEnum):
    """What a route does with a series where a condition cannot be decided because a tag is missing."""

    LEAVE = "leave"
    TAKE = "take"
