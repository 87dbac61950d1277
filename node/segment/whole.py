"""Lungs and then lesions: what a route asks for, as one model."""

from dataclasses import replace
from typing import Protocol

import numpy as np

from node.errors import Refusal
from node.segment.contract import LesionModel, LungModel, ModelIdentity, Segmentation, SegmentKind
from node.volume.volume import Volume


class CaseModel(LungModel, Protocol):
    """All models of a case behind the contract of `LungModel`; `identity` is the lungs'."""

    @property
    def identities(self) -> tuple[ModelIdentity, ...]:
        """Every model that takes part, the lungs' first."""
        ...

    @property
    def runtimes(self) -> str:
        """Where they ran, joined."""
        ...


class LungsThenLesions:
    """A lung model, and a lesion model that is handed its lungs; without one, the lungs alone."""

    def __init__(self, lungs: LungModel, lesions: LesionModel | None = None) -> None:
        self._lungs = lungs
        self._lesions = lesions

    @property
    def identity(self) -> ModelIdentity:
        """The lung model's."""
        return self._lungs.identity

    @property
    def identities(self) -> tuple[ModelIdentity, ...]:
        """Every model that takes part, the lungs' first."""
        return (self._lungs.identity, *(() if self._lesions is None else (self._lesions.identity,)))

    @property
    def runtimes(self) -> str:
        """Where they ran, joined."""
        return "+".join(dict.fromkeys(one.runtime for one in self.identities))

    def segment(self, volume: Volume) -> Segmentation | Refusal:
        """Find the lungs, then the lesions in and about them."""
        found = self._lungs.segment(volume)
        if isinstance(found, Refusal) or self._lesions is None:
            return found
        return self._lesions.find(volume, found)


def without_lungs(found: Segmentation) -> Segmentation:
    """Return the lesions alone: what a route that asks for no lungs writes down."""
    lesions = tuple(segment for segment in found.segments if segment.kind is SegmentKind.LESION)
    kept = np.zeros(256, np.uint8)
    for segment in lesions:
        kept[segment.label] = segment.label
    labels = kept[found.labels_zyx]
    labels.flags.writeable = False
    return replace(found, labels_zyx=labels, segments=lesions)
