"""What a model is to the rest of the node: a volume in, a segmentation or a refusal out."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from node.errors import Reason, Refusal
from node.volume.volume import Volume


class Task(StrEnum):
    """What a model finds."""

    LUNGS = "lungs"
    LESIONS = "lesions"
    NODULES = "nodules"


class SegmentKind(StrEnum):
    """What one label of a segmentation stands for."""

    RIGHT_LUNG = "right-lung"
    LEFT_LUNG = "left-lung"
    LESION = "lesion"


class LungDefinition(StrEnum):
    """Which definition of 'lung' a mask follows; a lung volume always says which."""

    WITHOUT_LESIONS = "without lesions"
    WITH_LESIONS = "with lesions"
    AERATED = "aerated lung, lesions only where it encloses them"  # what rules on Hounsfield units find
    AS_DRAWN = "as a reader drew it"


UNCERTAIN_LABEL = " (uncertain)"  # ends the label of an uncertain lesion's segment


@dataclass(frozen=True, slots=True)
class Segment:
    """One label of the map. `label` is its value in `labels_zyx`, from 1."""

    label: int
    kind: SegmentKind
    name: str  # "Right lung", "Left lung", "nodule-1": Segment Label and Tracking Identifier
    confidence: float | None = None
    doubt: str | None = None  # why a lesion is listed as uncertain, None of a sure one

    @property
    def is_uncertain(self) -> bool:
        """Tell whether it is listed as uncertain."""
        return self.doubt is not None


@dataclass(frozen=True, slots=True)
class ModelIdentity:
    """Which algorithm with which weights made it."""

    name: str
    version: str
    digest: str  # SHA-256 over everything in the model's folder that changes a result
    task: Task
    runtime: str  # e.g. "cpu/float32/simpleitk"


@dataclass(frozen=True, slots=True)
class Segmentation:
    """The answer of one model, or of several merged by `merge`.

    Attributes
    ----------
    labels_zyx : (slices, rows, columns) uint8, the volume's grid, read-only. 0 = none.
    segments : those that have voxels, by label.
    definition : what the lung labels hold.
    models : who made it.
    reasons : warnings and partial refusals found while segmenting.
    unsure : reason texts; not empty means the series is flagged SEG-UNSURE.
    """

    labels_zyx: NDArray[np.uint8]
    segments: tuple[Segment, ...]
    definition: LungDefinition
    models: tuple[ModelIdentity, ...]
    reasons: tuple[Reason, ...] = ()
    unsure: tuple[str, ...] = ()


class LungModel(Protocol):
    """Anything that finds lungs: the rule-based one and the networks."""

    @property
    def identity(self) -> ModelIdentity:
        """Name, version, digest, runtime."""
        ...

    def segment(self, volume: Volume) -> Segmentation | Refusal:
        """Find the right and the left lung.

        Returns labels 1 = right lung, 2 = left lung (either may be missing), or a Refusal with SEG-EMPTY.
        """
        ...


class LesionModel(Protocol):
    """Anything that finds lesions in a scan whose lungs are known."""

    @property
    def identity(self) -> ModelIdentity:
        """Name, version, digest, runtime."""
        ...

    def find(self, volume: Volume, lungs: Segmentation) -> Segmentation | Refusal:
        """Find the lesions in and about the lungs.

        Returns what it was given with the lesions added as labels from 3, the most voluminous first: a voxel is lung or
        lesion, never both.
        """
        ...
