"""PET measures: a PET in SUV and its segmented CT in, uptake per lesion, candidates and references out."""

from node.measure.pet.foci import Focus
from node.measure.pet.lesion_uptake import LesionUptake
from node.measure.pet.measurements import PetMeasurements, measure_pet
from node.measure.pet.pet_masks import PetMasks
from node.measure.pet.references import Reference
from node.measure.pet.registration import Registration
from node.measure.pet.uptake_quantity import Statistic, Threshold, UptakeQuantity

__all__ = [
    "Focus",
    "LesionUptake",
    "PetMasks",
    "PetMeasurements",
    "Reference",
    "Registration",
    "Statistic",
    "Threshold",
    "UptakeQuantity",
    "measure_pet",
]
