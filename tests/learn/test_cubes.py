"""Networks of whole cubes: what they are shown, what they are judged by, and that they learn it."""

import json
from math import log
from pathlib import Path

import numpy as np
import pytest
import torch

from node.errors import InputRefused
from node.learn.cube_draws import AIR_HU, CLIPPED_HU, CubeStrength, cubes_of, drawn
from node.learn.cube_loss import cube_bce_dice
from node.learn.export_lesions import export_lesions
from node.learn.index import read_index
from node.learn.lesion_card import LesionAnswer
from node.learn.lesion_catalogue import lesion_entry, reduced
from node.learn.lesion_feed import feed, steps_of_epoch
from node.learn.lesion_score import predict
from node.learn.lesion_session import LesionWish, run
from node.learn.lesion_set import load
from node.learn.lesion_trained import trained
from node.segment.lesions.model import load_outliner
from node.segment.networks.logits import Logits
from node.segment.preprocess.lesion_recipes import recipe
from node.segment.registry import verify
from node.segment.runtime import runtime
from tests.learn.conftest import dense_ball, write_cubes

CPU = runtime("cpu", "fp32")
SHAPE = (16, 24, 24)
STILL = CubeStrength(0.0, 0.0, 0.0, (0.0, 0.0, 0.0), 0.0, (0.0, 0.0), 0.0, (0.0, 0.0), 0.0, 0.0, 0.0)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def cubes(tmp_path) -> Path:
    return write_cubes(tmp_path / "cubes")


def wish(cubes: Path, out: Path, **other: object) -> LesionWish:
    told = {"width": 4, "crop": 24, "lr": 1e-2, "epochs": 2, "average": 0.5, "precision": "fp32", "device": "cpu"}
    return LesionWish("cube-unet", (cubes,), out, **(told | other))


def test_a_cube_that_is_only_turned_keeps_its_nodule_where_it_is_dense():
    hu, nodule = drawn(
        [dense_ball(), dense_ball()], np.random.default_rng(0), SHAPE, CubeStrength(noise_p=0.0, gamma_p=0.0)
    )

    assert hu.shape == nodule.shape == (2, 1, *SHAPE)
    assert set(nodule.unique().tolist()) == {0.0, 1.0}
    for one, mask in zip(hu, nodule, strict=True):
        middle = (one[mask > 0].mean() + one[mask == 0].median()) / 2
        agreed = ((one > middle) & (mask > 0)).sum() * 2 / ((one > middle).sum() + mask.sum())
        assert agreed > 0.9


def test_nothing_changed_but_the_angle_leaves_voxels_as_they_were():
    hu_zyx, mask = dense_ball()

    class NoTurn:
        """Draws nothing but zeros, and no mirror image."""

        def uniform(self, low, high, n=None):
            return 0.0 if n is None else np.zeros(n)

        def normal(self, mean, sd, n=None):
            return 0.0 if n is None else np.zeros(n)

        def choice(self, values, n):
            return np.ones(n)

        def random(self):
            return 1.0

    hu, nodule = drawn([(hu_zyx, mask)], NoTurn(), SHAPE, STILL)

    np.testing.assert_allclose(hu[0, 0].numpy(), hu_zyx[4:20, 4:28, 4:28], atol=0.01)
    assert (nodule[0, 0].numpy() == mask[4:20, 4:28, 4:28]).all()


def test_the_middle_is_moved_and_greys_stay_in_their_range():
    rng = np.random.default_rng(1)
    middles, loud = [], CubeStrength(noise_p=1.0, gamma_p=1.0, thick_p=1.0, offset_hu=400.0)
    for _ in range(30):
        hu, nodule = drawn([dense_ball(radius=3.0)], rng, SHAPE, loud)
        assert hu.min() >= AIR_HU
        assert hu.max() <= CLIPPED_HU
        middles.append(np.argwhere(nodule[0, 0].numpy()).mean(0) - (np.array(SHAPE) - 1) / 2)
    assert np.abs(middles).max() > 3.0
    assert np.std(middles, axis=0).min() > 1.5


def test_the_same_seed_draws_the_same_and_another_draws_other_cubes():
    one, same, other = (drawn([dense_ball()], np.random.default_rng(seed), SHAPE)[0] for seed in (0, 0, 1))

    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_the_loss_is_bce_five_times_and_dice_of_each_cube():
    # two voxels a cube: p = 0.8 on a 1, p = 0.4 on a 0; the second cube is empty
    logits = torch.tensor([log(0.8 / 0.2), log(0.4 / 0.6)]).reshape(1, 1, 1, 1, 2).repeat(2, 1, 1, 1, 1)
    target = torch.tensor([[1.0, 0.0], [0.0, 0.0]]).reshape(2, 1, 1, 1, 2)
    bce = -(2 * log(0.6) + log(0.8) + log(0.2)) / 4
    dice = ((1 - 2.6 / 3.2) + (1 - 1 / 2.2)) / 2

    assert float(cube_bce_dice(Logits(logits), target)) == pytest.approx(5 * bce + dice, rel=1e-4)
    supervised = cube_bce_dice(Logits(logits, (logits,)), target)
    assert float(supervised) == pytest.approx(1.4 * (5 * bce + dice), rel=1e-4)


def test_an_epoch_shows_every_cube_equally_often(cubes):
    plan = reduced(lesion_entry("cube-unet"))
    data = load(read_index(cubes, split="train"), plan.size)

    shown = list(feed(data, plan, recipe("windows"), np.random.default_rng(0)))

    assert steps_of_epoch(data, plan) == len(shown) == 1
    assert shown[0].x.shape == (4, 2, 40, 48, 48)
    assert shown[0].target.shape == (4, 1, 40, 48, 48)
    (first, mask), *_ = cubes_of(data)
    assert first.shape == mask.shape == (24, 32, 32)
    assert len(cubes_of(data)) == 5


def test_a_network_of_cubes_learns_them_and_a_kill_changes_nothing(cubes, tmp_path):
    whole = run(wish(cubes, tmp_path / "whole", epochs=12, slices_per_epoch=20), lambda _: None)
    with pytest.raises(KeyboardInterrupt):
        run(wish(cubes, tmp_path / "cut", epochs=12, slices_per_epoch=20), _killed_after(3))
    cut = run(wish(cubes, tmp_path / "cut", epochs=12, slices_per_epoch=20), lambda _: None)

    assert whole["best_val_dice"] > 0.8
    assert (whole["n_train"], whole["n_val"]) == (5, 2)
    assert cut["best_val_dice"] == whole["best_val_dice"]
    weights = [(tmp_path / folder / "best.safetensors").read_bytes() for folder in ("whole", "cut")]
    assert weights[0] == weights[1]


def _killed_after(n: int):
    seen = []

    def tell(point):
        seen.append(point)
        if len(seen) == n:
            raise KeyboardInterrupt

    return tell


@pytest.mark.parametrize("name", ["windows", "zscore", "scan"])
def test_what_was_learnt_is_answered_slice_by_slice_and_round_a_mark_alike(cubes, tmp_path, name):
    run(wish(cubes, tmp_path / "run", recipe=name), lambda _: None)
    one = trained(tmp_path / "run", CPU)
    data = load(read_index(cubes, split="val"), one.plan.size)

    found = dict(predict(one.model, data, one.plan, one.prepare, CPU, flips=True))
    folder = export_lesions(tmp_path / "run", "nodules-cubes", tmp_path, answer=LesionAnswer(flips=True))
    drawing = load_outliner(verify("nodules-cubes", tmp_path), CPU)

    assert sorted(found) == list(range(48))
    first, _ = cubes_of(data)[0]
    p = np.stack([found[at] for at in range(24)])
    np.testing.assert_allclose(drawing.net.of_cube(first), p, atol=5e-3)  # weights in half precision
    assert drawing.train_cases == {f"P{n}" for n in range(5)}
    assert "whole cubes" in (folder / "CARD.md").read_text()


def test_a_set_without_cubes_is_refused(small_set, tmp_path):
    with pytest.raises(InputRefused, match="nodule3d") as caught:
        run(wish(small_set, tmp_path / "run"), lambda _: None)
    assert caught.value.code == "SET-EMPTY"
    assert not (tmp_path / "run" / "run.json").exists()


def test_a_plan_of_cubes_says_so(cubes, tmp_path):
    run(wish(cubes, tmp_path / "run"), lambda _: None)

    plan = json.loads((tmp_path / "run" / "run.json").read_text())["plan"]

    assert (plan["cube_depth"], plan["crop_px"], plan["neighbours"], plan["run_length"]) == (40, 24, 0, 0)
