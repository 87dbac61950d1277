"""`kill -9` of the receiver at any moment: what was acknowledged is on disk and whole, and nothing else is there."""

import random
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest

from node.errors import WorldUnavailable
from node.harness.send import Sent, send
from node.store.layout import uids_of
from tests.receive.conftest import Running, ct_slice, data_set_bytes, start_receiver, write

N_FILES = 40


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A series of slices large enough that a kill falls inside one of them."""
    folder = tmp_path_factory.mktemp("series")
    pixels = random.Random(1).randbytes(256 * 256 * 2)
    return [
        write(ct_slice(Rows=256, Columns=256, PixelData=pixels, InstanceNumber=i), folder / f"{i}.dcm")
        for i in range(N_FILES)
    ]


def survive(node: Path, series: list[Path], moments_s: list[float]) -> None:
    """Send again and again while the receiver is killed at each moment; check all acknowledgements after each."""
    acknowledged: set[str] = set()
    for moment_s in moments_s:
        receiver = start_receiver(node)
        acknowledged |= _send_until_killed(receiver, series, moment_s)
        _check(node, series, acknowledged)
    receiver = start_receiver(node)
    try:
        report = send(series, "LUNGNODE", "127.0.0.1", receiver.port, "TESTER")
        assert report.failed == ()
        assert receiver.temporary() == []
        assert len(receiver.kept()) == N_FILES
        assert receiver.kept("variants") == []
    finally:
        receiver.kill()
        receiver.process.stdout.close()


def _send_until_killed(receiver: Running, series: list[Path], moment_s: float) -> set[str]:
    """Return the SOP Instance UIDs that were answered 0x0000 before the kill."""
    answers: list[Sent] = []

    def go() -> None:
        with suppress(WorldUnavailable):  # killed before the association stood
            answers.extend(send(series, "LUNGNODE", "127.0.0.1", receiver.port, "TESTER", associations=2).files)

    sender = threading.Thread(target=go)
    sender.start()
    time.sleep(moment_s)  # the random moment is the subject
    receiver.kill()
    receiver.process.stdout.close()
    sender.join(60)
    assert not sender.is_alive()
    return {one.sop_instance_uid for one in answers if one.status == 0}


def _check(node: Path, series: list[Path], acknowledged: set[str]) -> None:
    whole = {data_set_bytes(path) for path in series}
    kept = {uids_of(path).sop: path for path in (node / "spool/studies").rglob("*.dcm")}
    assert acknowledged <= kept.keys(), "acknowledged, but not there"
    assert all(data_set_bytes(path) in whole for path in kept.values()), "there, but not whole"


def test_what_was_acknowledged_survives_kill_9_at_random_moments(tmp_path: Path, series: list[Path]) -> None:
    chance = random.Random(20260101)
    survive(tmp_path / "node", series, [chance.uniform(0.05, 1.5) for _ in range(4)])


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_what_was_acknowledged_survives_kill_9_at_a_hundred_random_moments(tmp_path: Path, series: list[Path]) -> None:
    chance = random.Random(7)
    survive(tmp_path / "node", series, [chance.uniform(0.05, 2.0) for _ in range(100)])


def test_a_killed_receivers_temporary_files_are_removed_at_the_next_start(tmp_path: Path) -> None:
    incoming = tmp_path / "node/spool/incoming"
    incoming.mkdir(parents=True)
    (incoming / "left.part").write_bytes(b"half")
    receiver = start_receiver(tmp_path / "node")
    receiver.kill()
    receiver.process.stdout.close()
    assert receiver.temporary() == []
