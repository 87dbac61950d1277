"""Networks run where the settings say, every one that a model asks, and nowhere else."""

import pytest
import torch

from node.engine import line
from node.errors import Misconfigured
from node.facts.series import SeriesFacts
from node.route.case import Case
from node.route.vocabulary import Priority
from node.segment.runner import WarmModels
from node.segment.runtime import runtime
from node.segment.whole import runtimes_of
from node.settings import Compute, Settings


@pytest.fixture
def seen_gpu(monkeypatch):
    """Torch sees a GPU; a network that is sent there fails."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)


@pytest.fixture
def no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def test_a_node_that_is_told_to_use_the_cpu_leaves_a_gpu_alone(seen_gpu):
    lungs, lesions = "lungs-joint", "lesions-p2"  # networks, rules and a finder of masses
    case = Case("chest", SeriesFacts(()), (), lungs, lesions, Priority.NORMAL, None, ())
    model = line.model_of(case, Settings(compute=Compute(device="cpu")))
    assert "cuda" not in runtimes_of(model)
    assert "cpu/" in runtimes_of(model)


@pytest.mark.parametrize(("lungs", "lesions"), [("lungs-joint", None), ("lungs-rule", "lesions-p2")])
def test_a_gpu_that_is_asked_for_and_absent_is_said_so_and_the_cpu_does_not_stand_in(no_gpu, lungs, lesions):
    with pytest.raises(Misconfigured, match="sees no GPU") as caught:
        WarmModels(device="cuda").both(lungs, lesions)
    assert caught.value.code == "SYS-MODEL"


def test_without_a_wish_the_cpu_is_taken_where_there_is_no_gpu(no_gpu):
    assert runtime().device.type == "cpu"
