"""One image of a series: what its header says, and where its pixels are."""

from dataclasses import dataclass

from node.facts.instance import GeometryFacts, PixelFacts
from node.facts.series import InstanceFile


@dataclass(frozen=True, slots=True)
class Frame:
    """One image. `number` is its 1-based frame number in the file, 1 for single-frame objects."""

    file: InstanceFile
    number: int
    geometry: GeometryFacts
    pixels: PixelFacts
    image_type: tuple[str, ...]
    temporal_position: int | None
    acquisition_number: int | None
    acquisition_datetime: str

    @property
    def sop_instance_uid(self) -> str:
        """The instance that holds it."""
        return self.file.facts.sop_instance_uid
