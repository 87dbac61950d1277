"""What cannot be asked of a training or a judge is refused with a code and what to write instead."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from node.cli.evaluate import app as evaluate_app
from node.cli.judge_lesions import app as judge_app
from node.cli.train import app as train_app
from node.errors import InputRefused, Misconfigured, WrongUsage
from node.learn import lesion_session, session
from node.learn.catalogue import entry
from node.learn.lesion_catalogue import lesion_entry
from node.learn.lesion_finders import seen_of
from node.learn.lesion_session import LesionWish
from node.learn.lesion_trained import answering
from node.learn.session import Wish
from node.learn.wishes import n_parameters
from node.segment.networks import table
from node.segment.runtime import runtime

CPU = runtime("cpu", "fp32")
LUNGS, LESIONS = entry("unet"), lesion_entry("attention-unet-hybrid")


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        ({"switches": ("depth=deep",)}, "--switch 'depth=deep': want name=value with one of a whole number"),
        ({"lr": 0.0}, "--lr 0: want more than zero"),
        ({"fold": 2}, "--fold 2: want --folds"),
    ],
    ids=["switch", "rate", "fold"],
)
def test_a_wish_that_cannot_be_is_refused_by_both_trainings(wish, told):
    for plan_of in (
        lambda: session.plan_of(Wish("unet", Path("set"), Path("run"), **wish), LUNGS),
        lambda: lesion_session.plan_of(LesionWish("unet", (Path("set"),), Path("run"), **wish), LESIONS),
    ):
        with pytest.raises(WrongUsage, match=told) as caught:
            plan_of()
        assert caught.value.code == "USAGE"


def test_an_unknown_gate_is_answered_with_those_that_there_are():
    wish = LesionWish("attention-unet-hybrid", (Path("set"),), Path("run"), switches=("gate=foo",))

    with pytest.raises(WrongUsage, match="oktay"):
        lesion_session.plan_of(wish, LESIONS)


def test_an_unknown_preprocessing_is_answered_with_those_that_there_are():
    wish = LesionWish("attention-unet-hybrid", (Path("set"),), Path("run"), recipe="foo")

    with pytest.raises(InputRefused, match="zscore") as caught:
        lesion_session.plan_of(wish, LESIONS)
    assert caught.value.code == "MODEL-UNKNOWN"


def test_a_switch_that_the_network_has_not_is_wrong_usage():
    with pytest.raises(WrongUsage, match="--switch dept=3"):
        n_parameters(lambda: table.build("unet", {"channels": 1, "width": 2, "dept": 3}), ("dept=3",))


def test_a_device_that_there_is_not_is_wrong_usage():
    with pytest.raises(WrongUsage, match="none of auto, cpu and cuda"):
        runtime("gpu")


@pytest.mark.parametrize(
    ("app", "option", "told"),
    [
        (evaluate_app, "--split", "'all'"),
        (judge_app, "--split", "'val'"),
        (train_app, "--optimiser", "'sgd'"),
    ],
    ids=["evaluate", "judge-lesions", "train"],
)
def test_a_word_that_is_none_of_the_options_is_answered_with_those(app, option, told):
    answer = CliRunner().invoke(app, ["x", "--data", "set", option, "tset"])

    assert (answer.exit_code, told in answer.output) == (2, True), answer.output


@pytest.mark.parametrize(
    ("find", "told"), [(entry, "`lungnode train-lesions --help`"), (lesion_entry, "`lungnode train --help`")]
)
def test_a_system_of_the_other_kind_is_answered_with_its_command(find, told):
    with pytest.raises(InputRefused, match=told) as caught:
        find("p9")
    assert caught.value.code == "MODEL-UNKNOWN"


@pytest.mark.parametrize("judge", [answering, seen_of], ids=["slices", "scans"])
@pytest.mark.parametrize("name", ["aru-net-w16", "lungs-joint"])
def test_a_lung_model_is_not_judged_as_lesions_but_named_its_command(judge, name):
    with pytest.raises(Misconfigured, match="lungnode evaluate") as caught:
        judge(name, None, CPU)
    assert caught.value.code == "SYS-MODEL"


def test_a_training_of_lungs_is_not_judged_as_one_of_lesions(trained):
    with pytest.raises(Misconfigured, match="lungnode evaluate"):
        answering(str(trained), None, CPU)
