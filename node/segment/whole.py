"""Lungs and then lesions: what a route asks for, as one model."""

from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np

from node.errors import Refusal
from node.segment.contract import LesionModel, LungModel, ModelIdentity, Segmentation, SegmentKind
from node.volume.volume import Volume


@runtime_checkable
class SeveralModels(Protocol):
    """A model that is several."""

    @property
    def identities(self) -> tuple[ModelIdentity, ...]:
        """Every model that takes part, the lungs' first."""
        ...


def identities_of(model: LungModel) -> tuple[ModelIdentity, ...]:
    """Return the identities of all models behind one, the lungs' first."""
    return model.identities if isinstance(model, SeveralModels) else (model.identity,)


def runtimes_of(model: LungModel) -> str:
    """Return where the models behind one run, each once."""
    return "+".join(dict.fromkeys(one.runtime for one in identities_of(model)))


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
