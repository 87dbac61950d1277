"""What the objects of a CT's PET are made from, and what is decided once for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.errors import Reason
from node.measure.pet.pet_findings import LesionPet, PetFindings
from node.report import codes
from node.report.seg_frames import Frame, slices_with
from node.report.segments import Tracked
from node.report.source import Source, read_source
from node.segment.contract import ModelIdentity, Task
from node.volume.pet import PetVolume

# what made the masks: a threshold has no weights, and its version is that of the measurement
UPTAKE = ModelIdentity("uptake-41-percent-of-maximum", "3", "", Task.LESIONS, "")
ABOUT = "PET: "  # before the words of a reason, so that nobody takes it for one of the CT's


@dataclass(frozen=True, slots=True)
class MeasuredPet:
    """The PET on its own grid, the lesions' 41 % masks there, and what was measured."""

    volume: PetVolume
    labels_zyx: NDArray[np.uint8]
    found: PetFindings


@dataclass(frozen=True, slots=True)
class PetResult:
    """What came of a PET. `reasons` are all of them, refusing or warning; `measured` is None where it was refused."""

    series_instance_uid: str
    reasons: tuple[Reason, ...]
    measured: MeasuredPet | None


@dataclass(frozen=True, slots=True)
class PreparedPet:
    """What is read and decided once. `tracked` are the PET's segments: tracked as the CT's lesions are."""

    source: Source
    found: PetFindings
    labels_zyx: NDArray[np.uint8]
    tracked: tuple[Tracked, ...]
    frames: tuple[Frame, ...]

    def lesion(self, label: int) -> LesionPet | None:
        """Return the PET's numbers of a CT lesion."""
        return next((one for one in self.found.lesions if one.label == label), None)

    def slices_of(self, tracked: Tracked) -> list[int]:
        """Return the PET slices that hold a segment."""
        return [frame.slice_index for frame in self.frames if frame.segment_number == tracked.number]


def prepare_pet(pet: MeasuredPet, lesions: Sequence[Tracked]) -> PreparedPet:
    """Number the segments in the order of the CT's lesions and lay out the frames.

    Parameters
    ----------
    lesions : the CT's, as its SEG tracks them.
    """
    labels = set(np.unique(pet.labels_zyx).tolist())
    present = [t for t in lesions if t.segment.label in labels]
    tracked = tuple(
        Tracked(number, t.segment, t.tracking_uid, UPTAKE, t.lesion, family=codes.NEIGHBOURHOOD_ANALYSIS)
        for number, t in enumerate(present, start=1)
    )
    frames = tuple(
        Frame(t.segment.label, t.number, z) for t in tracked for z in slices_with(pet.labels_zyx, t.segment.label)
    )
    return PreparedPet(read_source(pet.volume), pet.found, pet.labels_zyx, tracked, frames)
