"""The training loop: it learns, it ends for the right reason, and a kill changes nothing."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from node.errors import InputRefused
from node.learn import catalogue, session, train
from node.learn.catalogue import Phase, Schedule
from node.learn.curves import Point
from node.learn.index import read_index
from node.learn.phases import phases_with_rows
from node.learn.plateau import Progress
from node.learn.protocol import paper, reduced
from node.learn.rate import ending, is_own_end, rate
from node.learn.session import Wish
from node.learn.slice_set import load, spread
from node.segment.contract import LungDefinition
from node.segment.runtime import runtime
from tests.learn.conftest import with_four_libraries

pytestmark = pytest.mark.usefixtures("one_thread")


def wish(small_set: Path, out: Path, **other: object) -> Wish:
    told = {"model": "unet", "width": 4, "size": 64, "lr": 3e-3, "epochs": 4, "precision": "fp32", "device": "cpu"}
    return Wish(data=small_set, out=out, **(told | other))


def test_a_network_learns_a_small_set(small_set, tmp_path):
    points: list[Point] = []

    summary = session.run(wish(small_set, tmp_path / "run", epochs=20, lr=1e-2), points.append)

    assert [point.epoch for point in points] == list(range(20))
    assert summary["best_val_dice"] > 0.8
    assert (summary["state"], summary["converged"]) == ("epochs", True)
    assert points[1].lr > points[6].lr > 10 * points[-1].lr  # down half a cosine


def test_a_run_that_was_interrupted_goes_on_to_the_same_curve(small_set, tmp_path):
    whole: list[Point] = []
    session.run(wish(small_set, tmp_path / "whole"), whole.append)
    first, second = [], []

    session.run(wish(small_set, tmp_path / "parts", budget_min=1e-6), first.append)
    session.run(wish(small_set, tmp_path / "parts"), second.append)

    def losses(points):
        return [(p.epoch, p.train_loss, p.val_loss, p.val_dice, p.lr) for p in points]

    assert losses([*first, *second]) == losses(whole)


def test_a_run_of_another_network_is_not_gone_on_with(small_set, tmp_path):
    session.run(wish(small_set, tmp_path / "run", epochs=1), lambda _: None)

    with pytest.raises(InputRefused) as caught:
        session.run(wish(small_set, tmp_path / "run", width=6), lambda _: None)
    assert caught.value.code == "RUN-OTHER"


@pytest.mark.parametrize(
    ("model", "other"),
    [
        ("unet", {"folds": 2, "fold": 1}),
        ("unet", {"recipe": "p1"}),
        ("unet", {"definition": LungDefinition.WITH_LESIONS}),
        ("unet", {"lesion_weight": 3.0}),
        ("fusionlungnet", {"loss_shares": "1,0,0"}),
    ],
)
def test_a_run_of_another_fold_loss_or_target_is_not_gone_on_with(small_set, tmp_path, model, other):
    asked = wish(small_set, tmp_path / "run", model=model, epochs=1, folds=2, fold=0)
    session.run(asked, lambda _: None)
    told = (tmp_path / "run" / "run.json").read_text()

    with pytest.raises(InputRefused) as caught:
        session.run(replace(asked, **other), lambda _: None)

    assert caught.value.code == "RUN-OTHER"
    assert (tmp_path / "run" / "run.json").read_text() == told  # the patients that its weights have learnt from


def test_a_longer_run_goes_on_where_the_rate_does_not_depend_on_its_length(small_set, tmp_path):
    asked = wish(small_set, tmp_path / "run", epochs=1, decay="plateau")
    session.run(asked, lambda _: None)

    summary = session.run(replace(asked, epochs=2), lambda _: None)

    assert summary["epochs"] == 2


@pytest.mark.parametrize(("model", "recipe", "expected"), [("unet", "p1", True), ("fusionlungnet", "window", False)])
def test_artefact_removal_comes_and_goes_with_the_preprocessing(small_set, tmp_path, model, recipe, expected):
    summary = session.run(wish(small_set, tmp_path / "run", model=model, recipe=recipe, epochs=1), lambda _: None)

    assert (summary["recipe"], summary["body_only"]) == (recipe, expected)


def test_an_unknown_preprocessing_is_refused(small_set, tmp_path):
    with pytest.raises(InputRefused) as caught:
        session.run(wish(small_set, tmp_path / "run", recipe="raw"), lambda _: None)
    assert caught.value.code == "MODEL-UNKNOWN"


def test_the_papers_protocol_draws_nothing_into_slices():
    for name in ("aru-net", "fusionlungnet"):
        assert not paper(catalogue.entry(name)).is_drawn_into
        assert reduced(catalogue.entry(name)).is_drawn_into


def test_the_budget_ends_a_run_and_marks_it_as_not_converged(small_set, tmp_path):
    summary = session.run(wish(small_set, tmp_path / "run", budget_min=1e-6, epochs=50), lambda _: None)

    assert (summary["state"], summary["converged"], summary["epochs"]) == ("budget", False, 1)


def test_the_early_stop_ends_a_run_as_converged(small_set, tmp_path, monkeypatch):
    monkeypatch.setattr(session, "reduced", lambda e: _hasty(reduced(e)))

    summary = session.run(wish(small_set, tmp_path / "run", lr=1e-12, epochs=50), lambda _: None)

    assert (summary["state"], summary["converged"]) == ("early-stop", True)


def _hasty(plan):
    return replace(plan, schedule=replace(plan.schedule, patience=2, slices_per_epoch=8))


def test_rows_under_other_licences_are_refused_unless_asked_for(small_set, tmp_path):
    index = small_set / "index.csv"
    index.write_text(index.read_text().replace("CC BY 3.0", "CC BY-NC 3.0"))

    with pytest.raises(InputRefused) as caught:
        session.run(wish(small_set, tmp_path / "run"), lambda _: None)
    summary = session.run(wish(small_set, tmp_path / "run", any_licence=True, epochs=1), lambda _: None)

    assert caught.value.code == "SET-LICENCE"
    assert summary["free"] is False


def test_test_rows_are_never_learnt_from(small_set, tmp_path):
    summary = session.run(wish(small_set, tmp_path / "run", epochs=1), lambda _: None)

    assert (summary["train_cases"], summary["val_cases"]) == (["A", "B", "C"], ["D"])


def test_a_case_on_both_sides_is_refused(small_set, tmp_path):
    rows = read_index(small_set, split="train")
    job = train.Job(
        catalogue.entry("unet"), reduced(catalogue.entry("unet"), 4), catalogue.entry("unet").definition, 0, tmp_path
    )
    other = tuple(replace(row, values=row.values | {"split": "val"}) for row in rows[:1])

    with pytest.raises(InputRefused) as caught:
        train.train(job, rows, other, runtime("cpu", "fp32"), lambda _: None)
    assert caught.value.code == "SET-LEAK"


def test_dropped_rows_are_left_out_and_those_of_one_definition_for_it_alone(small_set, tmp_path):
    lines = (small_set / "index.csv").read_text().splitlines()
    lines[1] = lines[1][:-1] + "seen to be wrong,"  # columns drop, drop_p1
    lines[2] = lines[2] + "consolidation"
    (small_set / "index.csv").write_text("\n".join(lines) + "\n")
    asked = wish(small_set, tmp_path)
    without, with_lesions = session.LungDefinition.WITHOUT_LESIONS, session.LungDefinition.WITH_LESIONS

    assert [len(session.rows_of(asked, d)[0]) for d in (without, with_lesions)] == [11, 10]


def test_the_paper_frees_decoder_and_gates_first_and_the_encoder_last():
    network = catalogue.entry("aru-net").build({"channels": 1, "width": 4, "depth": 2})
    free = []
    for phase in paper(catalogue.entry("aru-net")).phases:
        train._free_only(network, phase)
        free.append({name.split(".")[0] for name, p in network.named_parameters() if p.requires_grad})

    assert free == [{"stem", "blocks", "fusions", "head"}, {"fusions", "head"}, {"fusions", "head", "blocks"}, free[0]]


def test_frozen_layers_keep_their_batch_statistics():
    network = catalogue.entry("aru-net").build({"channels": 1, "width": 4, "depth": 2})

    train._free_only(network, Phase("gates", free=("fusions.", "head.")))

    assert not network.blocks[0].norm_1.training
    assert network.fusions[0].training


def test_the_rate_is_halved_on_a_plateau_and_the_wait_begins_anew():
    schedule = Schedule(plateau=2, factor=0.5, patience=5)
    progress = Progress(lr=1.0)

    for epoch, score in enumerate([0.5, 0.4, 0.5, 0.3, 0.3]):
        progress = progress.after(epoch, score, schedule)

    assert (progress.lr, progress.best, progress.best_epoch, progress.since_best) == (0.25, 0.5, 0, 4)
    assert not progress.is_over(5)
    assert progress.after(5, 0.1, schedule).is_over(5)


def test_a_cosine_rises_for_one_epoch_and_ends_near_zero_whatever_the_plateau_says():
    schedule = Schedule(lr=2.0, epochs=10, decay="cosine")

    rates = [rate(schedule, 123.0, done) for done in (0.0, 0.5, 1.0, 5.0, 10.0, 11.0)]

    # by hand: 2 (0.01 + 0.99 (1 + cos(pi t / 10)) / 2), times 0.1 + 0.9 t in the first epoch
    assert rates == pytest.approx([0.2, 1.0932, 1.95155, 1.01, 0.02, 0.02], abs=1e-4)
    assert rate(Schedule(), 123.0, 5.0) == 123.0


def test_only_an_end_that_the_schedule_means_counts_as_converged():
    plateau, cosine = Schedule(), Schedule(decay="cosine")

    assert [is_own_end(plateau, why) for why in ("early-stop", "epochs", "budget")] == [True, False, False]
    assert [is_own_end(cosine, why) for why in ("early-stop", "epochs", "budget")] == [True, True, False]
    assert "not converged" in ending(asdict(cosine), "budget")
    assert "not converged" in ending(asdict(plateau), "epochs")
    assert "24 epochs of its cosine" in ending(asdict(replace(cosine, epochs=24)), "epochs")


def test_a_case_with_many_slices_does_not_drown_the_others(small_set):
    data = load(read_index(small_set), 64, body_only=False)
    many = replace(data, rows=(data.rows[0],) * 16 + (data.rows[4],))

    weights = many.weights()

    assert weights[:16].sum() == pytest.approx(4 * weights[16])
    assert weights.sum() == pytest.approx(1.0)


def test_validation_takes_a_few_slices_of_each_case(small_set):
    chosen = spread(read_index(small_set), 2)

    assert [row.id for row in chosen[:4]] == ["A_0", "A_3", "B_0", "B_3"]


def test_training_needs_torch_numpy_pillow_and_safetensors_alone():
    done = with_four_libraries(
        "import node.learn.session, node.learn.losses, node.segment.preprocess.recipes, node.segment.slice_runner"
    )

    assert done.returncode == 0, done.stderr


def test_a_search_takes_the_learning_rate_with_the_best_validation(small_set, tmp_path, monkeypatch):
    monkeypatch.setattr(session, "LEARNING_RATES", (1e-9, 5e-3))

    summary = session.run(wish(small_set, tmp_path / "run", search=True, lr=None, epochs=1), lambda _: None)

    assert summary["schedule"]["lr"] == 5e-3
    assert (tmp_path / "run" / "lr-0.005" / "curve.csv").is_file()


def test_phases_without_rows_are_left_out_and_so_is_freezing_what_has_learnt_nothing(small_set):
    rows = read_index(small_set)
    public = [replace(row, values=row.values | {"domain": "windowed8"}) for row in rows[:4]]
    phases = paper(catalogue.entry("aru-net")).phases

    assert [p.name for p in phases_with_rows(phases, [*public, *rows[4:]])] == [p.name for p in phases]
    assert [p.name for p in phases_with_rows(phases, rows)] == ["c: everything"]


def test_the_papers_schedule_runs_on_a_set_of_one_domain(small_set, tmp_path):
    told = wish(small_set, tmp_path / "run", model="aru-net", protocol="paper", epochs=2)

    assert session.run(told, lambda _: None)["epochs"] == 2


def test_rows_without_a_lung_are_not_learnt_from(small_set, tmp_path):
    index = small_set / "index.csv"
    text = index.read_text().splitlines()
    label = '"ids: 1 = lung, 2 = primary tumour, 3 = other tumour or nodes, 4 = in P1\'s lung only"'
    text[1] = text[1].replace(label, "255 = tumour")
    index.write_text("\n".join(text) + "\n")
    asked = wish(small_set, tmp_path)

    assert len(session.rows_of(asked, session.LungDefinition.WITHOUT_LESIONS)[0]) == 11


def test_a_slice_lies_between_its_neighbours_and_stands_in_for_a_missing_one(small_set):
    rows = read_index(small_set)
    for number, row in enumerate(rows[:4]):
        row.values["z_index"] = str(number)

    one, three = (load(rows[:3], 64, body_only=False, channels=n, pool=rows) for n in (1, 3))

    assert three.hu.shape == (3, 3, 64, 64)
    assert (three.hu[1] == one.hu[[0, 1, 2], 0]).all()
    assert (three.hu[0] == one.hu[[0, 0, 1], 0]).all()
    assert (three.hu[2, 2] == load(rows[3:4], 64, body_only=False).hu[0, 0]).all()  # from the pool
    assert (load(rows[4:5], 64, body_only=False, channels=3).hu[0] == load(rows[4:5], 64, body_only=False).hu[0]).all()


def test_slices_of_another_scan_of_the_same_patient_are_no_neighbours(small_set):
    rows = read_index(small_set)[:4]
    for row, (source, number) in zip(rows, (("a", "0"), ("a", "1"), ("b", "0"), ("b", "1")), strict=True):
        row.values.update(source=source, z_index=number)

    hu = load(rows, 64, body_only=False, channels=3).hu

    assert (hu[1, 0] == hu[0, 1]).all()
    assert (hu[3, 0] == hu[2, 1]).all()
    assert (hu[1, 0] != hu[3, 0]).any()


def test_rows_without_a_whole_number_are_nobodys_neighbours(small_set):
    rows = read_index(small_set)[:3]
    for number, row in zip(("0", "1.5", ""), rows, strict=True):
        row.values["z_index"] = number

    hu = load(rows, 64, body_only=False, channels=3).hu

    assert all((hu[i] == hu[i, 1]).all() for i in range(3))


def test_a_network_may_learn_from_three_slices_at_once(small_set, tmp_path):
    summary = session.run(wish(small_set, tmp_path / "run", epochs=1, switches=("channels=3",)), lambda _: None)

    assert summary["sizes"]["channels"] == 3


@pytest.mark.parametrize(
    ("model", "shares"), [("fusionlungnet", "0.3,0.7"), ("fusionlungnet", "a,b,c"), ("unet", "1,0,0")]
)
def test_shares_of_the_loss_that_make_no_sense_are_refused(small_set, tmp_path, model, shares):
    with pytest.raises(InputRefused) as caught:
        session.run(wish(small_set, tmp_path / "run", model=model, loss_shares=shares), lambda _: None)
    assert caught.value.code == "LOSS-SHARES"


def test_the_loss_may_have_other_shares(small_set, tmp_path):
    points: list[Point] = []
    for shares in (None, "0.3,0.4,0.3", "1,0,0"):
        out = tmp_path / str(shares)
        session.run(wish(small_set, out, model="fusionlungnet", epochs=1, loss_shares=shares), points.append)

    assert points[0].train_loss == points[1].train_loss
    assert points[0].train_loss != points[2].train_loss
