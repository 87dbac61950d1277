"""The plugin's thread without an Orthanc: answers that a real one gives only in bad moments."""

import importlib.util
import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

PLUGIN = Path(__file__).resolve().parents[2] / "plugins" / "lungnode.py"


CONFIGURATION = {"LungNode": {"StatusUrl": "", "GiveUpAfter": 1}, "DicomModalities": {"lungnode": []}}
QUIET = {"/changes?last": {"Last": 7}, "/changes?since=7&limit=500": {"Changes": [], "Last": 7, "Done": True}}


class NotThere(Exception):
    """Stands for OrthancException."""


class Orthanc(ModuleType):
    """As much of Orthanc's module as the plugin uses; `answers` are by path, a missing one is unknown to it."""

    def __init__(self) -> None:
        super().__init__("orthanc")
        self.OrthancException = NotThere
        self.ChangeType = SimpleNamespace()
        self.answers: dict[str, object] = {}
        self.kept = ""
        self.errors: list[str] = []
        self.LogWarning = self.LogInfo = self.ExtendOrthancExplorer = lambda _: None
        self.LogError = self.errors.append
        self.RegisterOnChangeCallback = self.RegisterRestCallback = lambda *_: None
        self.GetConfiguration = lambda: json.dumps(CONFIGURATION)
        self.RestApiGet, self.SetGlobalProperty = self.get, self.keep
        self.GetGlobalProperty = lambda _, default: self.kept or default
        self.RestApiPost = self.post
        self.is_there = True
        self.posted: list[str] = []

    def get(self, path: str) -> str:
        if path not in self.answers:
            raise NotThere(path)
        return json.dumps(self.answers[path])

    def post(self, path: str, _body: str) -> str:
        self.posted.append(path)
        if path.endswith("/echo") and not self.is_there:
            raise NotThere("Error in the network protocol")
        return json.dumps({"ID": "job"})

    def keep(self, _: int, text: str) -> None:
        self.kept = text


@pytest.fixture
def orthanc(monkeypatch: pytest.MonkeyPatch) -> Orthanc:
    module = Orthanc()
    monkeypatch.setitem(sys.modules, "orthanc", module)
    return module


@pytest.fixture
def plugin(orthanc: Orthanc) -> ModuleType:
    spec = importlib.util.spec_from_file_location("lungnode_plugin", PLUGIN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.IDLE_S = 0.02
    return module


def run_until(sender, done: Callable[[], bool]) -> bool:
    """Run the thread until something holds, for ten seconds at most; whether it does."""
    sender.start()
    end = time.monotonic() + 10
    while not done() and time.monotonic() < end and sender.is_alive():
        time.sleep(0.01)
    sender.stopping.set()
    sender.wake.set()
    sender.join(10)
    return done()


def test_an_orthanc_that_does_not_answer_at_first_is_asked_until_it_does(plugin: ModuleType, orthanc: Orthanc) -> None:
    sender = plugin.sender

    def then_it_answers() -> bool:
        if orthanc.errors:
            orthanc.answers = QUIET
        return sender.position == 7 and '"position": 7' in orthanc.kept

    assert run_until(sender, then_it_answers)


@pytest.mark.parametrize("kept", ["{", "[]", '{"position": 3}', "null"])
def test_a_damaged_state_is_told_and_what_comes_from_now_on_is_sent(
    kept: str, plugin: ModuleType, orthanc: Orthanc
) -> None:
    orthanc.kept, orthanc.answers = kept, QUIET
    assert run_until(plugin.sender, lambda: '"position": 7' in orthanc.kept)
    assert "cannot be read" in orthanc.errors[0]


def test_what_the_button_queued_before_the_state_was_read_is_not_lost(plugin: ModuleType, orthanc: Orthanc) -> None:
    entry = {"series": "a", "attempts": 2, "job": None, "error": "x"}
    orthanc.kept = json.dumps({"position": 3, "rescan_from": 3, "queue": [entry], "failed": []})
    orthanc.answers = {"/changes?since=3&limit=500": {"Changes": [], "Last": 3, "Done": True}}
    plugin.sender.add("b")
    plugin.sender.restore()
    assert [(one["series"], one["attempts"]) for one in plugin.sender.queue] == [("a", 2), ("b", 0)]


def test_a_slow_status_page_keeps_nobody_from_queueing(plugin: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def tell(*_: object) -> bool:
        asked.set()
        return go_on.wait(10)

    monkeypatch.setattr(plugin.sender, "tell", tell)
    asking = threading.Thread(target=plugin.sender.status)
    asking.start()
    assert asked.wait(10)
    adding = threading.Thread(target=plugin.sender.add, args=("a",), daemon=True)
    adding.start()
    adding.join(5)
    was_free = not adding.is_alive()
    go_on.set()
    asking.join(10)
    assert was_free


def test_giving_up_changes_the_list_of_failures_under_the_lock(
    plugin: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = plugin.sender
    monkeypatch.setattr(sender, "drop", lambda _: None)  # which waits for the lock, too
    sender.add("a")
    (entry,) = sender.queue
    with sender.lock:
        giving_up = threading.Thread(target=sender.postpone, args=(entry, "no route"), daemon=True)
        giving_up.start()
        giving_up.join(0.3)
        assert sender.failed == []
    giving_up.join(5)
    assert sender.failed == [{"series": "a", "error": "no route"}]


def wanted(orthanc: Orthanc, *series: str) -> None:
    """Let Orthanc have these series, which are to be sent."""
    for one in series:
        tags = {"Modality": "CT", "SeriesInstanceUID": one}
        orthanc.answers |= {f"/series/{one}": {"Instances": ["i"], "MainDicomTags": tags, "ParentStudy": "s"}}
    orthanc.answers |= {"/studies/s": {"MainDicomTags": {"StudyInstanceUID": "1"}}}


def test_a_node_that_takes_no_association_is_never_given_up(plugin: ModuleType, orthanc: Orthanc) -> None:
    sender = plugin.sender
    wanted(orthanc, "a", "b")
    orthanc.is_there = False
    sender.add("a")
    sender.add("b")
    for _ in range(100):
        for entry in sender.queue:
            entry["due"] = 0.0
        sender.work_off()
    assert ([one["series"] for one in sender.queue], sender.failed) == (["a", "b"], [])
    assert orthanc.posted == ["/modalities/lungnode/echo"] * 100  # once a turn, and nothing was sent
    assert max(entry["due"] for entry in sender.queue) - time.monotonic() <= plugin.LONGEST_RETRY_S
    orthanc.is_there = True
    sender.queue[0]["due"] = 0.0
    sender.work_off()
    assert [entry["job"] for entry in sender.queue] == ["job", None]


@pytest.mark.parametrize(
    "error", ['C-STORE SCU to AET "X" has failed with DIMSE status 0xA900', 'DicomAssociation - connecting to AET "X"']
)
def test_what_fails_after_the_node_took_an_association_counts_whatever_its_words(
    plugin: ModuleType, orthanc: Orthanc, error: str
) -> None:
    sender = plugin.sender
    wanted(orthanc, "a")
    sender.add("a")
    sender.work_off()
    orthanc.answers["/jobs/job"] = {"State": "Failure", "ErrorCode": 9, "ErrorDetails": error}
    sender.work_off()
    assert ([one["series"] for one in sender.failed], sender.queue) == (["a"], [])


def test_what_failed_is_tried_once_more_at_the_start_and_every_hour(plugin: ModuleType, orthanc: Orthanc) -> None:
    sender = plugin.sender
    orthanc.kept = json.dumps({"position": 7, "rescan_from": 7, "queue": [], "failed": [{"series": "a", "error": "x"}]})
    orthanc.answers = QUIET
    sender.restore()
    sender.take_up_failed()
    (entry,) = sender.queue
    assert sender.failed == []
    sender.postpone(entry, "refused")
    sender.take_up_failed()
    assert ([one["series"] for one in sender.failed], sender.queue) == (["a"], [])
    sender.failed_due -= plugin.FAILED_AGAIN_S
    sender.take_up_failed()
    assert [one["series"] for one in sender.queue] == ["a"]
