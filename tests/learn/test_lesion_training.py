"""Tumour networks learn a small set, for the right reasons, and a kill changes nothing."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from node.errors import InputRefused
from node.learn import checkpoint
from node.learn.curves import LesionPoint
from node.learn.freeze import Frozen
from node.learn.index import Row, read_index
from node.learn.lesion_catalogue import ENTRIES, LOSSES, LesionPhase, lesion_entry, reduced
from node.learn.lesion_score import DomainScore, by_case, by_domain, predict, steering
from node.learn.lesion_session import LesionWish, plan_of, rows_of, run
from node.learn.lesion_set import LesionSet, load
from node.learn.lesion_train import LesionJob, build, train
from node.learn.lesion_trained import trained
from node.learn.planes import Plane
from node.learn.plateau import Progress
from node.learn.rate import rate
from node.segment.networks.logits import Logits
from node.segment.preprocess.lesion_recipes import recipe
from node.segment.runtime import runtime
from tests.learn.conftest import with_four_libraries

CPU = runtime("cpu", "fp32")


pytestmark = pytest.mark.usefixtures("one_thread")


ON_SLICES = sorted(name for name, one in ENTRIES.items() if not one.plan.cube_depth)  # of whole cubes: test_cubes


def wish(small_set: Path, out: Path, model: str = "unet", **other: object) -> LesionWish:
    told = {
        "width": 4, "crop": 32, "lr": 3e-3, "epochs": 2, "slices_per_epoch": 16, "precision": "fp32", "device": "cpu",
        "average": 0.5,
    }  # fmt: skip
    return LesionWish(model, (small_set,), out, **(told | other))


def quiet(_: LesionPoint) -> None:
    pass


def test_what_is_shown_larger_is_learnt_and_answered_on_its_own_grid(small_set, tmp_path):
    shapes = []
    whole = wish(small_set, tmp_path / "a", epochs=12, magnify=2, slices_per_epoch=64, lr=1e-2, switches=("depth=3",))

    summary = run(whole, quiet)
    one = trained(tmp_path / "a", CPU)
    one.model.register_forward_pre_hook(lambda _, given: shapes.append(given[0].shape[-2:]))
    data = load(read_index(small_set, split="val"), one.plan.size)
    found = list(predict(one.model, data, one.plan, one.prepare, CPU))

    assert summary["best_val_dice"] > 0.5
    assert {tuple(shape) for shape in shapes} == {tuple(2 * n for n in data.planes[0].hu_yx.shape)}
    assert all(p.shape == data.planes[at].hu_yx.shape for at, p in found)


def test_a_tumour_network_learns_a_small_set(small_set, tmp_path):
    points: list[LesionPoint] = []
    asked = wish(small_set, tmp_path / "run", epochs=20, slices_per_epoch=64, lr=1e-2, switches=("depth=3",))

    summary = run(asked, points.append)

    assert [point.epoch for point in points] == list(range(20))
    assert summary["best_val_dice"] > 0.7
    assert set(summary["best_domains"]) == {"hu"}
    assert (summary["task"], summary["channels"], summary["free"]) == ("lesions", 6, True)


@pytest.mark.parametrize("model", ON_SLICES)
def test_at_first_every_system_says_that_nothing_is_tumour(model):
    entry = lesion_entry(model)
    network = build(entry, replace(reduced(entry), sizes={**entry.plan.sizes, "width": 4})).eval()
    shape = (1, 2, 3, 64, 64) if reduced(entry).run_length else (2, 6, 64, 64)

    p = network(torch.rand(shape)).main.detach().sigmoid()

    assert float(p.mean()) < 0.1


@pytest.mark.parametrize("model", ON_SLICES)
def test_every_system_starts_resumes_and_says_what_it_is(small_set, tmp_path, model):
    whole: list[LesionPoint] = []
    run(wish(small_set, tmp_path / "whole", model), whole.append)
    parts: list[LesionPoint] = []

    run(wish(small_set, tmp_path / "parts", model, budget_min=1e-6), parts.append)
    summary = run(wish(small_set, tmp_path / "parts", model), parts.append)

    def told(points):
        return [(p.epoch, p.train_loss, p.val_dice, p.lr, p.domains) for p in points]

    assert told(parts) == told(whole)
    assert (summary["model"], summary["epochs"], summary["state"]) == (model, 2, "epochs")
    assert (tmp_path / "parts" / "curve.png").is_file()


def test_a_run_of_another_loss_is_not_gone_on_with(small_set, tmp_path):
    run(wish(small_set, tmp_path / "run", epochs=1), quiet)

    with pytest.raises(InputRefused) as caught:
        run(wish(small_set, tmp_path / "run", loss="dice"), quiet)
    assert caught.value.code == "RUN-OTHER"


def test_a_run_of_an_earlier_program_is_gone_on_with_where_its_plan_says_less(small_set, tmp_path):
    asked = wish(small_set, tmp_path / "run", "raemd-net", budget_min=1e-6)
    run(asked, quiet)
    told = json.loads((tmp_path / "run" / "run.json").read_text())
    assert told["plan"].pop("has_transplants") is False  # P4 has none, as there were none before the field was
    (tmp_path / "run" / "run.json").write_text(json.dumps(told))

    assert run(replace(asked, budget_min=None), quiet)["epochs"] == 2


def test_what_differs_in_a_plan_is_named(small_set, tmp_path):
    run(wish(small_set, tmp_path / "run", epochs=1), quiet)

    with pytest.raises(InputRefused, match=r"a run of other plan\.loss, plan\.average;"):
        run(wish(small_set, tmp_path / "run", epochs=1, loss="dice", average=0.7), quiet)


def test_a_run_of_another_fold_is_not_gone_on_with(small_set, tmp_path):
    run(wish(small_set, tmp_path / "run", epochs=1, folds=4, fold=0), quiet)

    with pytest.raises(InputRefused) as caught:
        run(wish(small_set, tmp_path / "run", folds=4, fold=1), quiet)
    assert caught.value.code == "RUN-OTHER"


@pytest.mark.parametrize("other", [{"lr": 5e-4}, {"average": 0.7}, {"seed": 1}, {"slices_per_epoch": 8}])
def test_a_run_of_another_schedule_is_not_gone_on_with_and_keeps_what_it_says_of_itself(small_set, tmp_path, other):
    run(wish(small_set, tmp_path / "run", epochs=1), quiet)
    told = (tmp_path / "run" / "run.json").read_text()

    with pytest.raises(InputRefused) as caught:
        run(wish(small_set, tmp_path / "run", epochs=1, **other), quiet)

    assert caught.value.code == "RUN-OTHER"
    assert (tmp_path / "run" / "run.json").read_text() == told


def test_a_run_may_begin_with_the_weights_of_another(small_set, tmp_path):
    run(wish(small_set, tmp_path / "first", epochs=1), quiet)
    asked = wish(small_set, tmp_path / "second", epochs=1, lr=1e-12, average=0.0, init=tmp_path / "first")

    summary = run(asked, quiet)

    first = json.loads((tmp_path / "first" / "run.json").read_text())
    assert summary["best_val_dice"] == pytest.approx(first["best_val_dice"], abs=0.05)
    assert summary["pretrained"] != "none"


def test_a_case_in_two_parts_is_refused_also_across_sets(small_set, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    head, *lines = (small_set / "index.csv").read_text().splitlines()
    moved = [line.replace(",train,", ",val,") for line in lines if line.startswith("A_")]
    (other / "index.csv").write_text("\n".join((head, *moved)) + "\n")

    with pytest.raises(InputRefused) as caught:
        rows_of(LesionWish("unet", (small_set, other), tmp_path / "run"))
    assert caught.value.code == "SET-LEAK"


def test_a_case_on_both_sides_is_refused(small_set, tmp_path):
    rows = read_index(small_set, split="train")
    entry = lesion_entry("unet")

    with pytest.raises(InputRefused) as caught:
        train(LesionJob(entry, reduced(entry), 0, tmp_path), rows, rows[:1], CPU, quiet)
    assert caught.value.code == "SET-LEAK"


def test_rows_under_other_licences_are_left_out_and_named(small_set, tmp_path):
    index = small_set / "index.csv"
    lines = index.read_text().splitlines()
    index.write_text(
        "\n".join(line.replace("CC BY 3.0", "CC BY-NC 3.0") if line.startswith("A_") else line for line in lines) + "\n"
    )

    learn, held, left_out = rows_of(wish(small_set, tmp_path))
    everything, _, none = rows_of(wish(small_set, tmp_path, any_licence=True))

    assert ({row.case for row in learn}, {row.case for row in held}, left_out) == ({"B", "C"}, {"D"}, ["A"])
    assert ({row.case for row in everything}, none) == ({"A", "B", "C"}, [])


def test_folds_hold_out_each_case_once_and_never_touch_the_test_rows(small_set, tmp_path):
    held = [{row.case for row in rows_of(wish(small_set, tmp_path, folds=4, fold=fold))[1]} for fold in range(4)]

    assert sorted(case for cases in held for case in cases) == ["A", "B", "C", "D"]


def test_a_loss_that_is_no_number_ends_a_training(small_set, tmp_path, monkeypatch):
    monkeypatch.setitem(LOSSES, "bce-dice", lambda output, *_: output.main.sum() * float("nan"))

    with pytest.raises(InputRefused) as caught:
        run(wish(small_set, tmp_path / "run", epochs=1), quiet)

    assert caught.value.code == "LOSS-NAN"
    assert not (tmp_path / "run" / "best.safetensors").exists()


def test_a_run_needs_no_library_of_pictures(small_set, tmp_path, monkeypatch):
    monkeypatch.setattr("node.learn.curve_picture.find_spec", lambda _name: None)

    summary = run(wish(small_set, tmp_path / "run", epochs=1), quiet)

    assert summary["state"] == "epochs"
    assert not (tmp_path / "run" / "curve.png").exists()


def test_the_budget_ends_a_run_and_marks_it_as_not_converged(small_set, tmp_path):
    summary = run(wish(small_set, tmp_path / "run", budget_min=1e-6, epochs=50), quiet)

    assert (summary["state"], summary["converged"], summary["epochs"]) == ("budget", False, 1)


def test_the_reduced_protocol_differs_in_network_loss_and_run_length_alone():
    plans = {name: reduced(ENTRIES[name]) for name in ON_SLICES}
    same = {
        replace(
            plan, sizes={}, loss="", neighbours=0, run_length=0, has_transplants=False,
            schedule=replace(plan.schedule, batch=8),
        ).__repr__()
        for plan in plans.values()
    }  # fmt: skip
    of_runs = {name for name, plan in plans.items() if plan.run_length}

    assert len(same) == 1
    assert {plan.sizes["width"] for plan in plans.values()} == {16}
    assert {name: plan.channels for name, plan in plans.items() if plan.channels != 6} == {"raemd-net": 3, "unet-3d": 3}
    assert of_runs == {name for name, plan in plans.items() if not plan.has_transplants} == {"raemd-net", "unet-3d"}
    assert (plans["raemd-net"].run_length, plans["raemd-net"].schedule.batch) == (8, 16)


def test_the_papers_schedules_are_theirs():
    p2, p3, p4 = (lesion_entry(name).plan for name in ("attention-unet-hybrid", "dual-backbone-unet", "raemd-net"))

    assert (p2.schedule.lr, p2.schedule.batch, p2.loss, p2.recipe, p2.crop_px) == (1e-4, 8, "dice-focal", "zscore", 256)
    assert (p3.schedule.lr, p3.schedule.batch, p3.loss, p3.recipe, p3.average) == (1e-3, 8, "bce-iou", "windows", 0.999)
    assert (p4.schedule.lr, p4.schedule.batch, p4.schedule.epochs, p4.schedule.factor) == (1e-3, 16, 100, 0.1)
    assert (p4.loss, p4.recipe, p4.run_length) == ("ce-dice", "unit", 8)
    assert not any(entry.plan.has_transplants for entry in ENTRIES.values())  # they are ours, and in no paper


def test_p3_has_three_phases_once_its_backbones_have_learnt_something(tmp_path):
    asked = LesionWish("dual-backbone-unet", (tmp_path,), tmp_path, protocol="paper", init=tmp_path)
    phases = plan_of(asked, lesion_entry("dual-backbone-unet")).phases

    assert [(phase.frozen, phase.epochs, phase.loss) for phase in phases] == [
        (Frozen.FIRST_LEAVES, 50, "bce"),
        (Frozen.STEM_AND_TWO, 100, None),
        (Frozen.NOTHING, 50, None),
    ]
    assert [phase.may_stop for phase in phases] == [False, True, True]
    untaught = plan_of(replace(asked, init=None), lesion_entry("dual-backbone-unet")).phases
    assert [phase.frozen for phase in untaught] == [Frozen.NOTHING]


def test_phases_follow_one_another_and_the_frozen_part_stays(small_set, tmp_path):
    entry = lesion_entry("dual-backbone-unet")
    plan = plan_of(wish(small_set, tmp_path, "dual-backbone-unet", epochs=3, average=0.0), entry)
    phases = (LesionPhase("1", Frozen.FIRST_LEAVES, 1, "bce"), LesionPhase("2", Frozen.STEM_AND_TWO))
    torch.manual_seed(0)
    before = build(entry, plan).state_dict()
    rows = read_index(small_set, split="train"), read_index(small_set, split="val")

    ended = train(LesionJob(entry, replace(plan, phases=phases), 0, tmp_path / "run"), *rows, CPU, quiet)

    assert [point.phase for point in ended.points] == ["1", "2", "2"]
    after = build(entry, plan)
    checkpoint.load(tmp_path / "run" / "best.safetensors", after)
    assert torch.equal(after.state_dict()["resnet.layer1.0.conv1.weight"], before["resnet.layer1.0.conv1.weight"])
    assert not torch.equal(after.state_dict()["head.weight"], before["head.weight"])


@pytest.mark.parametrize(
    ("text", "expected"),
    [("gate=oktay", {"gate": 2}), ("gate=none", {"gate": 0}), ("residual=false", {"residual": False})],
)
def test_ablations_are_switches_by_name(tmp_path, text, expected):
    asked = LesionWish("attention-unet-hybrid", (tmp_path,), tmp_path, switches=(text,))

    sizes = plan_of(asked, lesion_entry("attention-unet-hybrid")).sizes

    assert expected.items() <= sizes.items()


# P4's cumulative rows: what each switches off, its loss and whether the rate is fixed; the last row is split in two
P4_ROWS = {
    "u-net": (("multi_scale=false", "dense=false", "attention=false", "lstm=false"), "ce", True),
    "+ multi-scale": (("dense=false", "attention=false", "lstm=false"), "ce", True),
    "+ dense": (("attention=false", "lstm=false"), "ce", True),
    "+ attention": (("lstm=false",), "ce", True),
    "+ lstm, forward": (("bidirectional=false",), "ce", True),
    "+ lstm": ((), "ce", True),
    "+ hybrid loss": ((), "ce-dice", True),
    "+ dynamic rate": ((), "ce-dice", False),
}


@pytest.mark.parametrize("row", list(P4_ROWS))
def test_each_row_of_p4s_ablation_can_be_trained(small_set, tmp_path, row):
    switches, loss, fixed = P4_ROWS[row]
    asked = wish(small_set, tmp_path / "run", "raemd-net", epochs=1, switches=switches, loss=loss, fixed_rate=fixed)

    summary = run(asked, quiet)

    assert summary["plan"]["schedule"]["factor"] == (1.0 if fixed else 0.5)
    assert summary["plan"]["loss"] == loss
    assert np.isfinite(summary["best_val_dice"])


@pytest.mark.parametrize("protocol", ["paper", "reduced"])
def test_a_fixed_rate_is_never_lowered_under_either_protocol(tmp_path, protocol):
    entry = lesion_entry("raemd-net")
    fixed, moving = (
        plan_of(LesionWish("raemd-net", (tmp_path,), tmp_path, protocol=protocol, fixed_rate=is_fixed), entry).schedule
        for is_fixed in (True, False)
    )

    def last(schedule):
        progress = Progress(schedule.lr)
        for epoch in range(schedule.plateau + 2):  # nothing gets better
            progress = progress.after(epoch, 0.0, schedule)
        return rate(schedule, progress.lr, schedule.epochs)

    assert last(fixed) == fixed.lr
    assert last(moving) < moving.lr


def test_an_unknown_loss_is_refused_with_those_that_there_are(tmp_path):
    with pytest.raises(InputRefused, match="dice-focal"):
        plan_of(LesionWish("unet", (tmp_path,), tmp_path, loss="luck"), lesion_entry("unet"))


@pytest.mark.parametrize("name", sorted(LOSSES.keys() - {"cube-bce-dice"}))
def test_every_loss_judges_slices_and_runs_and_ignores_padding(name):
    torch.manual_seed(0)
    logits, target = torch.randn(1, 3, 1, 8, 8), (torch.rand(1, 3, 1, 8, 8) > 0.7).float()
    padded = torch.cat((logits, torch.full((1, 1, 1, 8, 8), 50.0)), 1)
    longer = torch.cat((target, torch.zeros(1, 1, 1, 8, 8)), 1)

    of_run = LOSSES[name](Logits(logits), target, torch.ones(1, 3, dtype=torch.bool))
    of_padded = LOSSES[name](Logits(padded), longer, torch.tensor([[True, True, True, False]]))
    of_slices = LOSSES[name](Logits(logits[0]), target[0], None)

    assert float(of_padded) == pytest.approx(float(of_run), rel=1e-5)
    assert float(of_slices) == pytest.approx(float(of_run), rel=1e-5)


@pytest.mark.parametrize("model", ["dynunet", "pspnet"])
def test_every_parameter_of_a_baseline_with_further_maps_learns_from_tumours(model):
    entry = lesion_entry(model)
    plan = replace(reduced(entry), sizes={**entry.plan.sizes, "width": 4})
    network = build(entry, plan).train()
    target = (torch.rand(2, 1, 64, 64) > 0.9).float()

    torch.autograd.backward(LOSSES[plan.loss](network(torch.rand(2, 6, 64, 64)), target, None))

    assert [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


class Known(torch.nn.Module):
    """Marks what the lung window shows bright."""

    def forward(self, x: torch.Tensor, valid: torch.Tensor | None = None) -> Logits:
        return Logits((x[..., 1:2, :, :] if x.ndim == 4 else x[:, :, :1]) * 20.0 - 10.0)


@pytest.mark.parametrize("name", ["unet", "raemd-net"])
def test_scores_are_taken_by_case_and_by_domain(small_set, name):
    data = load(read_index(small_set, split="train"), 64)
    plan = reduced(lesion_entry(name))

    found = list(predict(Known(), data, plan, recipe("windows"), CPU))

    assert sorted(at for at, _ in found) == list(range(len(data)))
    truth = [(at, data.planes[at].tumour_yx.astype(np.float32)) for at, _ in found]
    perfect = by_domain(by_case(data, truth))["hu"]
    assert (perfect.slice_dice, perfect.pooled_dice, perfect.n_cases, perfect.n_empty) == (1.0, 1.0, 3, 0)
    nothing = by_domain(by_case(data, [(at, 0.0 * p) for at, p in truth]))["hu"]
    assert (nothing.slice_dice, nothing.pooled_dice) == (0.0, 0.0)


def test_marks_on_empty_slices_are_counted_apart_from_dice(small_set):
    data = load(read_index(small_set, split="val"), 64)
    empty = replace(data, planes=tuple(replace(p, tumour_yx=np.zeros_like(p.tumour_yx)) for p in data.planes))

    (case,) = by_case(empty, [(at, np.full((64, 64), float(at == 1), np.float32)) for at in range(4)])

    assert (case.slice_dice, case.pooled_dice, case.n_empty, case.n_empty_marked) == (None, None, 4, 1)


def test_slice_and_pooled_dice_differ_where_slices_do(small_set):
    data = load(read_index(small_set, split="val"), 64)
    answers = [(at, p.tumour_yx * np.float32(at > 0)) for at, p in enumerate(data.planes)]  # one slice of four missed

    (case,) = by_case(data, answers)

    assert case.slice_dice == pytest.approx(0.75)
    assert case.pooled_dice == pytest.approx(2 * 108 / (108 + 144))


def test_with_flips_the_answer_of_a_mirror_image_is_the_mirror_image():
    class Sided(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> Logits:
            return Logits(torch.linspace(-5, 5, x.shape[-1]).expand_as(x[:, :1]))

    lone = Plane("a", "a", "hu", np.zeros((16, 16), np.int16), np.zeros((16, 16), np.uint8), "a", 0, None)
    data = LesionSet((lone,), np.array([0], np.intp), np.array([0], np.intp))

    (_, p), *_ = predict(Sided(), data, reduced(lesion_entry("unet")), recipe("windows"), CPU, flips=True)

    assert np.allclose(p, 0.5, atol=1e-6)  # each place says the opposite of its mirror image


def test_the_command_trains_and_tells(small_set, tmp_path):
    command = [
        sys.executable, "-m", "node", "train-lesions", "raemd-net", "--data", str(small_set), "--out",
        str(tmp_path / "run"), "--protocol", "reduced", "--width", "4", "--crop", "32", "--epochs", "1",
        "--slices", "16", "--threads", "1", "--json",
    ]  # fmt: skip

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert '"paper": "P4"' in done.stdout
    assert (tmp_path / "run" / "best.safetensors").is_file()


def test_training_tumour_networks_needs_torch_numpy_pillow_and_safetensors_alone():
    done = with_four_libraries(
        "import node.learn.lesion_session, node.segment.tiles, node.segment.postprocess.dense_crf\n"
        "from node.learn.lesion_catalogue import ENTRIES\n"
        "from node.learn.lesion_train import build\n"
        "[build(entry, entry.plan) for entry in ENTRIES.values() if entry.kind != 'monai']\n"
    )

    assert done.returncode == 0, done.stderr


def test_the_steering_score_weighs_domains_as_they_are_drawn():
    told = {"hu8": DomainScore(0.6, 0.6, 3, 0, 0), "cube": DomainScore(0.9, 0.9, 40, 0, 0)}

    assert steering(told, {"hu8": 0.4, "cube": 0.2}) == pytest.approx(0.7)
    assert steering(told | {"volume": DomainScore(0.0, 0.0, 0, 9, 0)}, {"hu8": 0.4, "cube": 0.2}) == pytest.approx(0.7)
    assert steering({}, {"hu8": 1.0}) == 0.0


def test_false_marks_on_empty_slices_cost_a_training_its_lead():
    many = {"hu8": DomainScore(0.45, 0.38, 8, 19, 15)}
    few = {"hu8": DomainScore(0.44, 0.52, 8, 19, 2)}

    assert steering(few, {"hu8": 1.0}) > steering(many, {"hu8": 1.0})


def test_p4_passes_over_cubes_and_holds_out_whom_the_others_do(monkeypatch, small_set, tmp_path):
    cubes = tuple(
        Row(
            small_set,
            {"id": f"cube-{n}", "case": f"N{n}", "split": "train", "depth": "8", "width": "8", "licence": "CC BY 3.0"},
        )
        for n in range(5)
    )
    slices = read_index(small_set)
    monkeypatch.setattr("node.learn.lesion_session.read_index", lambda _: (*slices, *cubes))
    asked = wish(small_set, tmp_path / "p4", "raemd-net", epochs=1, folds=3)

    summary = run(asked, quiet)
    _, held, _ = rows_of(asked)

    assert any(row["depth"] for row in held)
    assert summary["val_cases"] == sorted({row.case for row in held if not row["depth"]})


@pytest.mark.parametrize(("crop", "learns"), [(16, True), (32, False)])
def test_p4_learns_from_cubes_that_fill_its_crop(monkeypatch, tmp_path, crop, learns):
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 40, (8 * 16, 16)).astype(np.uint8)).save(tmp_path / "image.png")
    ball = np.zeros((8, 16, 16), np.uint8)
    ball[2:6, 5:10, 6:11] = 255
    Image.fromarray(ball.reshape(-1, 16)).save(tmp_path / "mask.png")
    told = {
        "image": "image.png", "mask": "mask.png", "width": "16", "height": "16", "depth": "8", "spacing_mm": "0.8",
        "hu_slope": "5.192157", "hu_intercept": "-1024", "domain": "hu", "licence": "CC BY 3.0",
    }  # fmt: skip
    parts = {"N0": "train", "N1": "train", "N2": "val"}
    cubes = tuple(Row(tmp_path, told | {"id": case, "case": case, "split": split}) for case, split in parts.items())
    monkeypatch.setattr("node.learn.lesion_session.read_index", lambda _: cubes)
    asked = wish(tmp_path, tmp_path / "p4", "raemd-net", epochs=1, crop=crop)

    if learns:
        assert run(asked, quiet)["val_cases"] == ["N2"]
    else:
        with pytest.raises(InputRefused) as caught:
            run(asked, quiet)
        assert caught.value.code == "SET-EMPTY"
