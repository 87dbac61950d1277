"""What a rule can see of a series: one value per fact, None where the headers do not say."""

from collections.abc import Callable

from node.facts.kernel import KernelClass, kernel_class
from node.facts.series import SeriesFacts
from node.route.case import Known
from node.route.vocabulary import SOP_CLASSES, Fact

Value = tuple[str, ...] | float


def see(fact: Fact, series: SeriesFacts, known: Known) -> Value | None:
    """Return the value of one fact: strings (all values of a multi-valued one) or a number; None is "unknown"."""
    value = _READERS[fact](series, known)
    if isinstance(value, tuple):
        kept = tuple(text for text in value if text)
        return kept or None
    return value


def _sop_class(series: SeriesFacts, _: Known) -> tuple[str, ...]:
    return (SOP_CLASSES.get(series.first.sop_class_uid, series.first.sop_class_uid),)


def _kernel(series: SeriesFacts, _: Known) -> tuple[str, ...]:
    found = kernel_class(series.first.manufacturer, series.first.convolution_kernel)
    return () if found is KernelClass.UNKNOWN else (found,)


def n_slices(series: SeriesFacts) -> int:
    """Count the frames of all instances, scouts and other objects in it aside."""
    return sum(file.facts.number_of_frames for file in series.stack)


_READERS: dict[Fact, Callable[[SeriesFacts, Known], Value | None]] = {
    Fact.MODALITY: lambda s, _: (s.first.modality,),
    Fact.SOP_CLASS: _sop_class,
    Fact.IMAGE_TYPE: lambda s, _: s.first.image_type,
    Fact.BODY_PART: lambda s, _: (s.first.body_part_examined,),
    Fact.STUDY_DESCRIPTION: lambda s, _: (s.first.study_description,),
    Fact.SERIES_DESCRIPTION: lambda s, _: (s.first.series_description,),
    Fact.PROTOCOL: lambda s, _: (s.first.protocol_name,),
    Fact.MANUFACTURER: lambda s, _: (s.first.manufacturer,),
    Fact.KERNEL: _kernel,
    Fact.THICKNESS_MM: lambda s, _: s.first.geometry.slice_thickness_mm,
    Fact.INSTANCES: lambda s, _: float(n_slices(s)),
    Fact.CALLED_AE: lambda _, k: (k.called_ae or "",),
    Fact.CALLING_AE: lambda _, k: (k.calling_ae or "",),
    Fact.PATIENT_AGE_YEARS: lambda s, _: s.first.patient.age_years,
}
