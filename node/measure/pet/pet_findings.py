"""What was measured of a PET, without its arrays: what is kept between measuring and reporting."""

from dataclasses import dataclass

from node.errors import Reason
from node.measure.pet.foci import Focus
from node.measure.pet.lesion_uptake import LesionUptake
from node.measure.pet.measurements import PetMeasurements
from node.measure.pet.references import Reference
from node.measure.pet.registration import Registration
from node.measure.pet.uptake_quantity import Statistic, Threshold, UptakeQuantity
from node.segment.contract import Segment
from node.volume.pet import SuvKind


@dataclass(frozen=True, slots=True)
class LesionPet:
    """One CT lesion in the PET; fields as in `LesionUptake`, whose mask is in the PET's label map."""

    label: int
    name: str
    quantities: tuple[UptakeQuantity, ...] = ()
    maximum_zyx: tuple[int, int, int] | None = None
    shares_maximum_with: tuple[str, ...] = ()
    warnings: tuple[Reason, ...] = ()
    refused_by: tuple[Reason, ...] = ()

    def value(
        self, statistic: Statistic, kind: SuvKind = SuvKind.BW, threshold: Threshold | None = None
    ) -> float | None:
        """Look one number up; None where it was refused."""
        wanted = (statistic, kind, threshold)
        return next((q.value for q in self.quantities if (q.statistic, q.kind, q.threshold) == wanted), None)


@dataclass(frozen=True, slots=True)
class PetFindings:
    """Fields as in `PetMeasurements`; `segments` are those of the PET's label map, by the CT lesions' labels."""

    kind: SuvKind
    lesions: tuple[LesionPet, ...]
    foci: tuple[Focus, ...] | None
    liver: Reference | None
    mediastinum: Reference | None
    registration: Registration
    segments: tuple[Segment, ...]
    reasons: tuple[Reason, ...]


def pet_findings(found: PetMeasurements, kind: SuvKind) -> PetFindings:
    """Leave out the arrays; `kind` is that of the PET's values."""
    return PetFindings(
        kind=kind,
        lesions=tuple(_lesion(one) for one in found.lesions),
        foci=found.foci,
        liver=found.liver,
        mediastinum=found.mediastinum,
        registration=found.registration,
        segments=found.masks.segments,
        reasons=found.reasons,
    )


def _lesion(one: LesionUptake) -> LesionPet:
    return LesionPet(
        label=one.label,
        name=one.name,
        quantities=one.quantities,
        maximum_zyx=one.maximum_zyx,
        shares_maximum_with=one.shares_maximum_with,
        warnings=one.warnings,
        refused_by=one.refused_by,
    )
