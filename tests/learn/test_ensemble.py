"""Models that vote: union and intersection, digests of all members, and what is refused."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from node.errors import Misconfigured
from node.learn.export import export
from node.learn.predictors import predictor
from node.segment.ensemble import _voted
from node.segment.registry import load_lungs
from tests.learn.conftest import two_lungs, volume

RIGHT, LEFT = 1, 2


def write_ensemble(models: Path, members: str, votes: int = 1) -> None:
    """Write a model folder that names its members."""
    (models / "both").mkdir()
    (models / "both" / "model.toml").write_text(
        f'name = "both"\nversion = "1"\ntitle = "Both"\nlicence = "Apache-2.0"\nkind = "ensemble"\ntasks = ["lungs"]\n'
        f'algorithm = "ensemble/1"\n[options]\nmembers = "{members}"\nvotes = {votes}\n'
    )


@pytest.fixture
def models(trained, tmp_path):
    """A folder with the rules and a small network."""
    shutil.copytree(Path(__file__).parents[2] / "models" / "lungs-rule", tmp_path / "lungs-rule")
    export(trained, "unet-w4", tmp_path)
    return tmp_path


@pytest.fixture
def chest():
    """A body with two lungs, 5 x 4 x 4 mm."""
    return volume(two_lungs())


def test_one_vote_is_the_union_and_all_votes_the_intersection():
    one = np.array([RIGHT, RIGHT, 0, 0], np.uint8)
    other = np.array([0, LEFT, LEFT, 0], np.uint8)

    assert _voted([one, other], 1).tolist() == [RIGHT, RIGHT, LEFT, 0]
    assert _voted([one, other], 2).tolist() == [0, RIGHT, 0, 0]


@pytest.mark.parametrize("votes", [1, 2])
def test_an_ensemble_votes_over_its_members(models, chest, votes):
    write_ensemble(models, "lungs-rule, unet-w4", votes)
    members = [load_lungs(name, models, 1).segment(chest).labels_zyx > 0 for name in ("lungs-rule", "unet-w4")]

    found = load_lungs("both", models, 1).segment(chest)

    assert np.array_equal(found.labels_zyx > 0, sum(m.astype(int) for m in members) >= votes)
    assert [segment.name for segment in found.segments] == ["Right lung", "Left lung"]


def test_another_members_weights_make_another_ensemble(models):
    write_ensemble(models, "lungs-rule, unet-w4")
    before = load_lungs("both", models, 1).identity.digest
    toml = models / "unet-w4" / "model.toml"
    toml.write_text(toml.read_text().replace("threshold = 0.5", "threshold = 0.4"))

    assert load_lungs("both", models, 1).identity.digest != before


@pytest.mark.parametrize(
    ("members", "votes"), [("lungs-rule", 1), ("lungs-rule, both", 1), ("lungs-rule, unet-w4", 3), ("", 1)]
)
def test_an_ensemble_that_cannot_vote_is_refused(models, members, votes):
    write_ensemble(models, members, votes)

    with pytest.raises(Misconfigured) as caught:
        load_lungs("both", models, 1)
    assert caught.value.code == "SYS-MODEL"


def test_an_ensemble_is_judged_and_knows_what_its_members_learnt(models):
    write_ensemble(models, "unet-w4, lungs-rule")

    who = predictor("both", models, "cpu", "fp32")

    assert who.train_cases == {"A", "B", "C"}
