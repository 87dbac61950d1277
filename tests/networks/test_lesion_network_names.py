"""The names of the tumour networks' weights: shipped files are loaded by them."""

from hashlib import sha256

import pytest

from node.segment.networks import table
from node.segment.networks.subtype_classifier import SubtypeClassifier

GOLDEN = {
    "attention_unet_hybrid": "a2a2010a3e8d2f45",
    "dual_backbone_unet": "a7b3b957c15d6ed8",
    "raemd_net": "900eb81f1575ee81",
}


def digest(names: list[str]) -> str:
    return sha256("\n".join(sorted(names)).encode()).hexdigest()[:16]


@pytest.mark.parametrize("kind", list(GOLDEN))
def test_the_names_of_weights_stay_the_same(kind):
    # a change here needs another ALGORITHM
    assert digest(list(table.build(kind, {"width": 4}).state_dict())) == GOLDEN[kind]


def test_the_names_of_the_classifiers_weights_stay_the_same():
    assert digest(list(SubtypeClassifier(2, 4).state_dict())) == "d2a53aaad54600ea"
