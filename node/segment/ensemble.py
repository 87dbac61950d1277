"""Several lung models that vote: `kind = "ensemble"` in a model.toml that names its members.

    options   members = "aru-net-w16, lungs-rule"     installed lung models of one definition
              votes = 1                               how many must agree: 1 = union, all = intersection

Sides are those of the first member that has a voxel. The digest is over its own folder and every member's, so that
another member's weights make another model.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from node.errors import Misconfigured, Refusal
from node.segment.contract import LungDefinition, LungModel, ModelIdentity, Segmentation, Task
from node.segment.model_card import ModelCard
from node.volume.volume import Volume

ALGORITHM = "ensemble/1"


def load_ensemble(card: ModelCard, load: Callable[[str], LungModel]) -> LungModel:
    """Load an ensemble's members.

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
    return Ensemble(card, [load(name) for name in names], votes)


def members_of(card: ModelCard) -> list[str]:
    """Return the names of an ensemble's members."""
    return [name.strip() for name in str(card.options.get("members", "")).split(",") if name.strip()]


class Ensemble:
    """Members behind the contract of `LungModel`."""

    def __init__(self, card: ModelCard, members: Sequence[LungModel], votes: int) -> None:
        self._card = card
        self._members = tuple(members)
        self._votes = votes

    @property
    def identity(self) -> ModelIdentity:
        """Name, version, digest over all, runtimes."""
        parts = [self._card.digest, *(member.identity.digest for member in self._members)]
        runtime = "+".join(dict.fromkeys(member.identity.runtime for member in self._members))
        digest = sha256("\n".join(parts).encode()).hexdigest()
        return ModelIdentity(self._card.name, self._card.version, digest, Task.LUNGS, runtime)

    def segment(self, volume: Volume) -> Segmentation | Refusal:
        """Let every member segment, and keep what enough of them found.

        One member's refusal is the ensemble's: lungs that one of them cannot find are not to be trusted.
        """
        found: list[Segmentation] = []
        for member in self._members:
            answer = member.segment(volume)
            if isinstance(answer, Refusal):
                return answer
            found.append(answer)
        labels = _voted([one.labels_zyx for one in found], self._votes)
        labels.flags.writeable = False
        segments = {segment.label: segment for one in reversed(found) for segment in one.segments}
        return Segmentation(
            labels_zyx=labels,
            segments=tuple(segments[label] for label in sorted(segments) if (labels == label).any()),
            definition=_definition(found),
            models=(self.identity,),
            reasons=tuple(dict.fromkeys(reason for one in found for reason in one.reasons)),
            unsure=tuple(dict.fromkeys(text for one in found for text in one.unsure)),
        )


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
