"""The same lesion in a prior examination, and under which identity it is tracked over examinations."""

from dataclasses import dataclass
from datetime import date

from node.measure.lesions.growth import Growth, NotCompared


@dataclass(frozen=True, slots=True)
class FirstSeen:
    """The series in which a lesion was first segmented; with `lesion_key` it names the lesion (standards 1.3)."""

    study_uid: str
    series_uid: str


@dataclass(frozen=True, slots=True)
class PriorImage:
    """The slice of the prior that holds most of the lesion."""

    study_uid: str
    series_uid: str
    sop_class_uid: str
    sop_instance_uid: str
    frame_number: int
    is_multiframe: bool


@dataclass(frozen=True, slots=True)
class Before:
    """A lesion's counterpart in the prior, both measured by today's model.

    Attributes
    ----------
    image : where it was measured
    volume_mm3, mean_diameter_mm : its size then, None where refused
    apart_mm : how far the aligned centres lie apart
    growth : the comparison, or why there is none
    acquired : the day of the prior, None where its headers do not say it
    """

    image: PriorImage
    volume_mm3: float | None
    mean_diameter_mm: float | None
    apart_mm: float
    growth: Growth | NotCompared
    acquired: date | None = None


@dataclass(frozen=True, slots=True)
class Unmatched:
    """A prior was compared, and no lesion of it is this one; `acquired` is its day, None where its headers lack it."""

    acquired: date | None
