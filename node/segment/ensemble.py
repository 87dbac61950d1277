"""Several lung models that vote: `kind = "ensemble"` in a model.toml that names its members.

    options   members = "aru-net-w16, lungs-rule"     installed lung models of one definition
              votes = 1                               how many must agree: 1 = union, all = intersection
              masses = "lesions-p3"                   a lesion network that completes the lungs' masses (ADR 0018)

Sides are those of the first member that has a voxel. The digest is over its own folder and every member's, so that
another member's weights make another model. Networks are compared with what the rules among the members found.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from node.errors import Misconfigured, Refusal
from node.segment.contract import LungDefinition, LungModel, ModelIdentity, Segmentation, Task
from node.segment.model_card import ModelCard
from node.segment.working_grid import WorkingGrid, working_grid
from node.volume.volume import Volume

ALGORITHM = "ensemble/1"
_ADDED_ML = 5.0  # of masses; a reader is told of more, for the members did not find it


@runtime_checkable
class BesideRules(Protocol):
    """A member that is compared with the rules, and can be handed what they found."""

    def segment_beside(self, volume: Volume, by_rules_zyx: NDArray[np.bool_] | None) -> Segmentation | Refusal:
        """Find the right and the left lung."""
        ...


class CompletesMasses(Protocol):
    """What completes the masses of lungs that were found."""

    @property
    def identity(self) -> ModelIdentity:
        """Name, version, digest, runtime."""
        ...

    def completed(self, labels: NDArray[np.uint8], hu: NDArray[np.int16], grid: WorkingGrid) -> NDArray[np.uint8]:
        """Return labels along the working axes with the masses whole."""
        ...


def load_ensemble(
    card: ModelCard, load: Callable[[str], LungModel], load_masses: Callable[[str], CompletesMasses]
) -> LungModel:
    """Load an ensemble's members, and what completes its masses.

    Raises
    ------
    Misconfigured
        SYS-MODEL where it names fewer than two members, itself, or more votes than members.
    """
    names = members_of(card)
    votes = int(card.options.get("votes", 1))
    if len(names) < 2 or card.name in names or not 1 <= votes <= len(names):
        text = f"ensemble {card.name!r} names {len(names)} members and {votes} votes; give at least two others"
        raise Misconfigured("SYS-MODEL", text)
    masses = masses_of(card)
    return Ensemble(card, [load(name) for name in names], votes, load_masses(masses) if masses else None)


def masses_of(card: ModelCard) -> str:
    """Return the name of the lesion network that completes an ensemble's masses, or nothing."""
    return str(card.options.get("masses", ""))


def outlines_of(card: ModelCard) -> str:
    """Return the name of the network that draws a lesion model's nodules anew, or nothing."""
    return str(card.options.get("outlines", ""))


def members_of(card: ModelCard) -> list[str]:
    """Return the names of an ensemble's members."""
    return [name.strip() for name in str(card.options.get("members", "")).split(",") if name.strip()]


def needs_of(card: ModelCard) -> tuple[str, ...]:
    """Return the names of the installed models that one cannot be loaded without."""
    together = (*members_of(card), masses_of(card)) if card.kind == "ensemble" else ()
    return tuple(name for name in (*together, outlines_of(card)) if name)


class Ensemble:
    """Members behind the contract of `LungModel`."""

    def __init__(
        self, card: ModelCard, members: Sequence[LungModel], votes: int, masses: CompletesMasses | None = None
    ) -> None:
        self._card = card
        self._members = tuple(members)
        self._votes = votes
        self._masses = masses

    @property
    def identity(self) -> ModelIdentity:
        """Name, version, digest over all, runtimes."""
        parts = [one.identity for one in (*self._members, *(() if self._masses is None else (self._masses,)))]
        runtime = "+".join(dict.fromkeys(part.runtime for part in parts))
        digest = sha256("\n".join([self._card.digest, *(part.digest for part in parts)]).encode()).hexdigest()
        return ModelIdentity(self._card.name, self._card.version, digest, Task.LUNGS, runtime)

    def segment(self, volume: Volume) -> Segmentation | Refusal:
        """Let every member segment, and keep what enough of them found.

        One member's refusal is the ensemble's: lungs that one of them cannot find are not to be trusted.
        """
        found = self._found(volume)
        if isinstance(found, Refusal):
            return found
        voted = _voted([one.labels_zyx for one in found], self._votes)
        labels = self._with_masses(voted, volume)
        added_ml = np.count_nonzero((labels > 0) & (voted == 0)) * volume.voxel_ml
        unsure = [text for one in found for text in one.unsure]
        if added_ml >= _ADDED_ML:
            unsure.append(
                f"{added_ml:.0f} ml of dense tissue are lung by the tumour network or by the other lung's mirror image "
                "alone: look at where it ends"
            )
        labels.flags.writeable = False
        segments = {segment.label: segment for one in reversed(found) for segment in one.segments}
        joined = Segmentation(
            labels_zyx=labels,
            segments=tuple(segments[label] for label in sorted(segments) if (labels == label).any()),
            definition=_definition(found),
            models=(self.identity,),
            reasons=tuple(dict.fromkeys(reason for one in found for reason in one.reasons)),
            unsure=tuple(dict.fromkeys(unsure)),
        )
        from node.segment.dense_steps import with_steps_told  # noqa: PLC0415  scipy loads slowly

        return with_steps_told(joined, volume)

    def _found(self, volume: Volume) -> list[Segmentation] | Refusal:
        """Let every member segment, those last that are compared with the rules; return them in their order."""
        by_rules: NDArray[np.bool_] | None = None
        found: dict[int, Segmentation] = {}
        for at, member in sorted(enumerate(self._members), key=lambda pair: isinstance(pair[1], BesideRules)):
            if isinstance(member, BesideRules):
                answer = member.segment_beside(volume, by_rules)
            else:
                answer = member.segment(volume)
            if isinstance(answer, Refusal):
                return answer
            if answer.definition is LungDefinition.AERATED:
                by_rules = answer.labels_zyx > 0
            found[at] = answer
        return [found[at] for at in range(len(self._members))]

    def _with_masses(self, labels_zyx: NDArray[np.uint8], volume: Volume) -> NDArray[np.uint8]:
        if self._masses is None:
            return labels_zyx
        nz, ny, nx = labels_zyx.shape
        grid = working_grid((nz, ny, nx), volume.lps_from_zyx)
        hu = np.ascontiguousarray(grid.turned(volume.hu_zyx))
        return np.ascontiguousarray(grid.turned_back(self._masses.completed(grid.turned(labels_zyx), hu, grid)))


def _voted(labels: Sequence[NDArray[np.uint8]], votes: int) -> NDArray[np.uint8]:
    """Return the labels of voxels that at least so many members found."""
    n_found = np.zeros(labels[0].shape, np.uint8)
    answer = np.zeros(labels[0].shape, np.uint8)
    for one in labels:
        n_found += one > 0
        answer = np.where(answer == 0, one, answer)
    return np.where(n_found >= votes, answer, 0).astype(np.uint8)


def _definition(found: Sequence[Segmentation]) -> LungDefinition:
    """Return the members' definition; where they differ, lesions may be inside."""
    definitions = {one.definition for one in found}
    return found[0].definition if len(definitions) == 1 else LungDefinition.WITH_LESIONS
