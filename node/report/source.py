"""What the result objects need to know of the images they were made from.

Positions, orientation and spacing are the source's own numbers, not those of our matrix: viewers compare them.
"""

from collections.abc import MutableSequence
from dataclasses import dataclass

from pydicom.dataset import Dataset

from node.errors import OurMistake
from node.facts.header import source_dataset
from node.facts.instance import InstanceFacts
from node.facts.series import InstanceFile
from node.volume.pet import PetVolume
from node.volume.volume import SourceFrame, Volume

Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Lossy:
    """How a source image was compressed with loss, as its header says."""

    ratio: tuple[float, ...]
    method: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """The images of one series as far as they were used.

    Attributes
    ----------
    header : the header of one of them, without pixels.
    instances : (SOP Class UID, SOP Instance UID) of each used instance, once, in slice order.
    frames, positions_lps_mm : one per slice of the volume, in its order.
    orientation : row direction, then column direction.
    lossy : None where no source image was compressed with loss.
    """

    header: Dataset
    first: InstanceFacts
    instances: tuple[tuple[str, str], ...]
    frames: tuple[SourceFrame, ...]
    positions_lps_mm: tuple[Triple, ...]
    orientation: tuple[float, ...]
    spacing_yx_mm: tuple[float, float]
    slice_thickness_mm: float | None
    slice_step_mm: float
    lossy: Lossy | None

    @property
    def is_multiframe(self) -> bool:
        """Whether a frame number is needed to name a slice."""
        return self.first.number_of_frames > 1 or len(self.instances) < len(self.frames)


def read_source(volume: Volume | PetVolume) -> Source:
    """Gather what is needed of the series that a volume, of CT or PET, was read from.

    Raises
    ------
    OurMistake
        SOURCE-GEOMETRY where a used image has no geometry: such a series never becomes a volume.
    """
    by_uid = {file.facts.sop_instance_uid: file for file in volume.series.files}
    used = [by_uid[frame.sop_instance_uid] for frame in volume.frames]
    instances = tuple(dict.fromkeys((f.facts.sop_class_uid, f.facts.sop_instance_uid) for f in used))
    first = used[0].facts
    header = source_dataset(used[0].path)
    if first.geometry.image_orientation is None or first.geometry.pixel_spacing_yx_mm is None:
        raise OurMistake("SOURCE-GEOMETRY", "a volume's first image has no orientation or pixel spacing")
    return Source(
        header=header,
        first=first,
        instances=instances,
        frames=volume.frames,
        positions_lps_mm=_positions(volume, used, len(instances)),
        orientation=first.geometry.image_orientation,
        spacing_yx_mm=first.geometry.pixel_spacing_yx_mm,
        slice_thickness_mm=first.geometry.slice_thickness_mm
        if isinstance(volume, PetVolume)
        else volume.slice_thickness_mm,
        slice_step_mm=volume.spacing_zyx_mm[0],
        lossy=_lossy(used),
    )


def _positions(volume: Volume | PetVolume, used: list[InstanceFile], n_instances: int) -> tuple[Triple, ...]:
    """Return Image Position (Patient) of each slice, as the source gives it."""
    if n_instances == len(used) and used[0].facts.number_of_frames <= 1:
        given = [file.facts.geometry.image_position_lps_mm for file in used]
    else:
        headers = {str(path): source_dataset(path) for path in {file.path for file in used}}
        given = [
            _frame_position(headers[str(file.path)], frame.frame_number)
            for file, frame in zip(used, volume.frames, strict=True)
        ]
    positions = tuple(position for position in given if position is not None)
    if len(positions) != len(used):
        raise OurMistake("SOURCE-GEOMETRY", "a volume's image has no position")
    return positions


def _frame_position(header: Dataset, frame_number: int) -> Triple | None:
    """Return the position in a frame's Plane Position Sequence (PS3.3 C.7.6.16.2.3), shared where it is shared."""
    groups = [header.PerFrameFunctionalGroupsSequence[frame_number - 1], *header.SharedFunctionalGroupsSequence]
    for group in groups:
        for item in group.get("PlanePositionSequence") or ():
            x, y, z = (float(value) for value in item.ImagePositionPatient)
            return (x, y, z)
    return None


def _lossy(used: list[InstanceFile]) -> Lossy | None:
    """Return ratio and method of the first image that was compressed with loss."""
    for file in used:
        if file.facts.pixels.lossy:
            header = source_dataset(file.path)
            ratio, method = (header.get(k) for k in ("LossyImageCompressionRatio", "LossyImageCompressionMethod"))
            return Lossy(tuple(float(str(r)) for r in _several(ratio)), tuple(str(m) for m in _several(method)))
    return None


def _several(value: object) -> list[object]:
    """Return an absent, single or multiple value as a list."""
    if value is None or value == "":
        return []
    return list(value) if isinstance(value, MutableSequence | tuple) else [value]
