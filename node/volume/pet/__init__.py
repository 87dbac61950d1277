"""PET: files of a series in, SUV on the PET's own grid or a coded refusal out; whether it belongs to a CT."""

from node.volume.pet.pairing import check_pairing
from node.volume.pet.pet_volume import PetVolume
from node.volume.pet.read import read_pet, suv_of_headers
from node.volume.pet.suv import SuvScale
from node.volume.pet.suv_kind import SuvKind

__all__ = [
    "PetVolume",
    "SuvKind",
    "SuvScale",
    "check_pairing",
    "read_pet",
    "suv_of_headers",
]
