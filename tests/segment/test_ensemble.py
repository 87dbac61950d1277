"""An ensemble's rules run once, its masses are completed after the vote, and both are told."""

from pathlib import Path

import numpy as np
import pytest

from node.errors import Code, Refusal, refuse
from node.facts.series import SeriesFacts
from node.segment.contract import LungDefinition, ModelIdentity, Segment, Segmentation, SegmentKind, Task
from node.segment.ensemble import Ensemble, load_ensemble, masses_of
from node.segment.registry import find
from node.volume.volume import Volume

RIGHT, LEFT = 1, 2
SHAPE = (4, 20, 20)
SEGMENTS = (Segment(RIGHT, SegmentKind.RIGHT_LUNG, "Right lung"), Segment(LEFT, SegmentKind.LEFT_LUNG, "Left lung"))


def identity(name: str) -> ModelIdentity:
    return ModelIdentity(name, "1", name, Task.LUNGS, "cpu")


class Rules:
    """Finds the right lung."""

    identity = identity("rules")

    def segment(self, volume):
        labels = np.zeros(SHAPE, np.uint8)
        labels[:, :, :8] = RIGHT
        return Segmentation(labels, SEGMENTS[:1], LungDefinition.AERATED, (self.identity,))


class Network:
    """Finds the left lung; keeps what it was handed."""

    identity = identity("network")

    def __init__(self):
        self.handed = []

    def segment(self, volume):
        return self.segment_beside(volume, None)

    def segment_beside(self, volume, by_rules_zyx):
        self.handed.append(by_rules_zyx)
        labels = np.zeros(SHAPE, np.uint8)
        labels[:, :, 12:] = LEFT
        return Segmentation(labels, SEGMENTS[1:], LungDefinition.WITH_LESIONS, (self.identity,), unsure=("rare",))


class Refusing(Network):
    def segment_beside(self, volume, by_rules_zyx):
        return Refusal((refuse(Code.SEG_EMPTY, "no lungs"),))


class Masses:
    """Adds the columns between the lungs to the right one."""

    identity = identity("masses")

    def __init__(self, columns=slice(8, 10)):
        self.columns = columns
        self.seen = None

    def completed(self, labels, hu, grid):
        self.seen = (labels.copy(), hu.copy())
        answer = labels.copy()
        answer[:, :, self.columns] = RIGHT
        return answer


@pytest.fixture
def volume():
    """A scan from the head to the feet, whose voxels have 0.1 ml."""
    lps = np.array([[0, 0, 5.0, 0], [0, 4.0, 0, 0], [-5.0, 0, 0, 0], [0, 0, 0, 1]])
    hu = np.broadcast_to(np.arange(SHAPE[0], dtype=np.int16)[:, None, None], SHAPE)
    return Volume(hu, lps, (), 5.0, 0.0, (), SeriesFacts(()))


def joint(members, masses=None):
    return Ensemble(find("lungs-joint"), members, 1, masses)


@pytest.mark.parametrize("rules_first", [True, False])
def test_networks_are_handed_what_the_rules_found(volume, rules_first):
    network = Network()
    members = [Rules(), network] if rules_first else [network, Rules()]

    found = joint(members).segment(volume)

    (handed,) = network.handed
    assert np.array_equal(handed, Rules().segment(volume).labels_zyx > 0)
    assert [segment.label for segment in found.segments] == [RIGHT, LEFT]
    assert found.unsure == ("rare",)


def test_without_rules_a_network_finds_them_itself(volume):
    network = Network()

    joint([network, network]).segment(volume)

    assert network.handed == [None, None]


def test_one_members_refusal_is_the_ensembles(volume):
    assert isinstance(joint([Refusing(), Rules()]).segment(volume), Refusal)


def test_masses_are_completed_after_the_vote_on_the_scan_in_its_usual_view(volume):
    masses = Masses()

    found = joint([Network(), Rules()], masses).segment(volume)

    labels, hu = masses.seen
    assert (labels[:, :, :8] == RIGHT).all()
    assert (labels[:, :, 12:] == LEFT).all()
    assert hu[:, 0, 0].tolist() == [3, 2, 1, 0]  # from the feet
    assert (found.labels_zyx[:, :, 8:10] == RIGHT).all()
    assert not found.labels_zyx[:, :, 10:12].any()
    assert not found.labels_zyx.flags.writeable


def test_more_than_a_little_that_masses_add_is_told(volume):
    much, little = (
        joint([Network(), Rules()], Masses(columns)).segment(volume).unsure for columns in (slice(8, 10), slice(8, 8))
    )

    assert len(much) == 2
    assert much[-1].startswith("16 ml")
    assert little == ("rare",)


def test_what_is_taken_off_with_the_aorta_is_not_told_as_added(volume):
    class Aorta(Masses):
        def completed(self, labels, hu, grid):
            return np.where(np.arange(20) < 6, 0, labels)

    assert joint([Network(), Rules()], Aorta()).segment(volume).unsure == ("rare",)


def test_what_completes_masses_is_part_of_the_digest():
    members = [Network(), Rules()]

    assert joint(members).identity.digest != joint(members, Masses()).identity.digest


def test_the_shipped_ensemble_names_the_network_that_completes_its_masses():
    card = find("lungs-joint")
    named = []

    load_ensemble(card, lambda name: Rules(), lambda name: named.append(name) or Masses())

    assert named == [masses_of(card)] == ["lesions-p3"]
    assert "CC BY-SA" in card.licence
    assert "lesions-p3" in Path(card.folder / "CARD.md").read_text(encoding="utf-8")
