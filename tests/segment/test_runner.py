"""The runner: loaded once, within memory, within time."""

import threading

import numpy as np
import pytest
import torch

from node.errors import Code, OurMistake, Refusal
from node.segment.contract import LungDefinition, ModelIdentity, Segmentation, Task
from node.segment.memory import available_bytes
from node.segment.runner import BoundedModel, WarmModels, needed_bytes

IDENTITY = ModelIdentity("test", "1", "0" * 64, Task.LUNGS, "cpu")
FOUND = Segmentation(np.zeros((2, 2, 2), np.uint8), (), LungDefinition.WITHOUT_LESIONS, (IDENTITY,))
PLENTY = 1 << 40


class Model:
    """Answers, raises or waits as told."""

    identity = IDENTITY

    def __init__(self, answer: object = FOUND, until: threading.Event | None = None) -> None:
        self.answer = answer
        self.until = until

    def segment(self, volume):
        if self.until is not None:
            self.until.wait(60)
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


@pytest.fixture
def volume(as_volume):
    return as_volume(np.zeros((4, 8, 8), np.int16), np.eye(4))


def test_a_model_within_its_bounds_answers(volume):
    assert BoundedModel(Model(), 60.0, PLENTY).segment(volume) is FOUND


def test_a_scan_that_needs_more_memory_than_there_is_is_refused_before_it_starts(volume):
    answer = BoundedModel(Model(OurMistake("STARTED", "the model was started")), 60.0, 1).segment(volume)
    assert isinstance(answer, Refusal)
    assert answer.leading.code is Code.SYS_MEM


def of_torch() -> RuntimeError:
    """What torch's allocator of the CPU raises."""
    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 55, dtype=torch.uint8)
    return caught.value


@pytest.mark.parametrize("error", [MemoryError, torch.OutOfMemoryError, of_torch])
def test_memory_that_runs_out_underway_is_a_refusal(volume, error):
    answer = BoundedModel(Model(error()), 60.0, PLENTY).segment(volume)
    assert isinstance(answer, Refusal)
    assert answer.leading.code is Code.SYS_MEM


def test_a_model_that_does_not_end_in_time_is_a_refusal(volume):
    let_go = threading.Event()
    try:
        answer = BoundedModel(Model(until=let_go), 0.05, PLENTY).segment(volume)
    finally:
        let_go.set()
    assert isinstance(answer, Refusal)
    assert answer.leading.code is Code.SYS_TIME


def test_a_mistake_of_the_model_is_raised_where_it_was_called(volume):
    with pytest.raises(OurMistake):
        BoundedModel(Model(OurMistake("BROKEN", "broken")), 60.0, PLENTY).segment(volume)


def test_a_model_is_loaded_once():
    warm = WarmModels()
    assert warm.lungs("lungs-rule") is warm.lungs("lungs-rule")


def test_more_voxels_need_more_memory(as_volume, volume):
    larger = as_volume(np.zeros((8, 8, 8), np.int16), np.eye(4))
    assert needed_bytes(larger) > needed_bytes(volume)


def test_the_system_has_memory():
    assert available_bytes() > 1 << 20
