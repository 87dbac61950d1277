"""Helpers share the frames; what one of them leaves undone is done here."""

import os
import select
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from node.errors import InputRefused
from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.phantom import Phantom
from node.volume import assemble as assembling
from node.volume import decode_pool as pooling
from node.volume.assemble import assemble, cores
from node.volume.decode_pool import DecodePool, borrowed_pool
from node.volume.frame_jobs import counts_as_json, counts_from_json, digest, hounsfield
from node.volume.frames import frames_of
from node.volume.stored import FrameTask, task_of

from .conftest import facts_of_folder


@pytest.fixture
def tasks(small: Phantom, tmp_path: Path) -> list[FrameTask]:
    write_series(small, tmp_path, SeriesOptions(transfer_syntax="1.2.840.10008.1.2.4.80"))
    frames = sorted(frames_of(facts_of_folder(tmp_path)), key=lambda f: f.geometry.image_position_lps_mm[2])
    return [task_of(f) for f in frames]


def run(pool: DecodePool, tasks: list[FrameTask]) -> tuple[np.ndarray, list]:
    stored = np.zeros((len(tasks), tasks[0].rows, tasks[0].columns), np.uint16)
    return stored, pool.run(tasks, lambda i: counts_as_json(hounsfield(tasks[i], stored[i])), stored)


@pytest.fixture
def started() -> Iterator[DecodePool]:
    """A pool whose only helper has started."""
    pool = DecodePool(1)
    pool.start(20)
    (helper,) = pool.helpers
    select.select([helper.link], [], [], 60)
    helper.answer(None)
    yield pool
    pool.close()


def test_helpers_and_this_process_fill_one_array(small: Phantom, tasks: list[FrameTask]) -> None:
    pool = DecodePool(2)
    try:
        stored, results = run(pool, tasks)
    finally:
        pool.close()

    np.testing.assert_array_equal(stored.view(np.int16), small.hu_zyx)
    assert all(counts_from_json(r).n == 48 * 48 for r in results)


def test_a_helper_really_decodes(small: Phantom, tasks: list[FrameTask], started: DecodePool) -> None:
    """This process waits with its first frame until the helper has answered its first job."""
    stored = np.zeros((len(tasks), 48, 48), np.uint16)
    done_here = []

    def here(i: int) -> list[int]:
        if not done_here:
            select.select([started.helpers[0].link], [], [], 60)
        done_here.append(i)
        return counts_as_json(hounsfield(tasks[i], stored[i]))

    results = started.run(tasks, here, stored)

    assert 0 < len(done_here) < len(tasks)
    assert None not in results
    np.testing.assert_array_equal(stored.view(np.int16), small.hu_zyx)


def test_nobody_waits_for_a_helper_that_starts_slowly(tasks: list[FrameTask]) -> None:
    pool = DecodePool(1)
    try:
        pool.start(20)
        pool.helpers[0].process.send_signal(signal.SIGSTOP)
        stored, results = run(pool, tasks)
    finally:
        pool.close()

    assert None not in results
    assert int(stored.max()) > 0


def test_helpers_stay_for_the_next_series(tasks: list[FrameTask]) -> None:
    pool = DecodePool(1)
    try:
        run(pool, tasks)
        (first,) = [h.process.pid for h in pool.helpers]
        run(pool, tasks)
        (second,) = [h.process.pid for h in pool.helpers]
    finally:
        pool.close()

    assert first == second


def test_a_helper_that_died_is_replaced(small: Phantom, tasks: list[FrameTask], started: DecodePool) -> None:
    victim = started.helpers[0].process
    victim.send_signal(signal.SIGKILL)
    victim.wait()

    stored, results = run(started, tasks)

    np.testing.assert_array_equal(stored.view(np.int16), small.hu_zyx)
    assert None not in results
    assert started.helpers[0].process is not victim


def test_the_frames_of_a_helper_that_is_killed_are_done_here(small: Phantom, tasks, started: DecodePool) -> None:
    (helper,) = started.helpers
    helper.process.send_signal(signal.SIGSTOP)
    stored = np.zeros((len(tasks), 48, 48), np.uint16)
    given: list[int] = []

    def here(i: int) -> list[int]:
        if helper.process.poll() is None:
            given.append(len(helper.jobs))
            helper.process.send_signal(signal.SIGKILL)
            helper.process.wait()
        return counts_as_json(hounsfield(tasks[i], stored[i]))

    results = started.run(tasks, here, stored)

    assert given == [2]
    assert None not in results
    np.testing.assert_array_equal(stored.view(np.int16), small.hu_zyx)


def test_a_helper_that_hangs_is_given_up(small: Phantom, tasks, started: DecodePool, monkeypatch) -> None:
    monkeypatch.setattr(pooling, "_LONGEST_WAIT_S", 0.2)
    started.helpers[0].process.send_signal(signal.SIGSTOP)

    stored, results = run(started, tasks)

    assert started.helpers == []
    assert None not in results
    np.testing.assert_array_equal(stored.view(np.int16), small.hu_zyx)


def test_a_frame_that_a_helper_cannot_decode_is_refused_and_the_pool_goes_on(small, tasks: list[FrameTask]) -> None:
    path = Path(tasks[0].path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-40])
    pool = DecodePool(1)
    try:
        with pytest.raises(InputRefused) as caught:
            run(pool, tasks)
        path.write_bytes(whole)
        stored, _ = run(pool, tasks)
    finally:
        pool.close()

    assert caught.value.code == "PIX-TRUNC"
    np.testing.assert_array_equal(stored.view(np.int16), small.hu_zyx)


def test_digests_are_the_same_in_helpers_and_here(tasks: list[FrameTask]) -> None:
    pool = DecodePool(2)
    try:
        shared = pool.run(tasks, lambda i: digest(tasks[i]), None)
    finally:
        pool.close()

    assert shared == [digest(task) for task in tasks]


def test_a_second_series_does_not_wait_for_the_pool(tasks: list[FrameTask], monkeypatch) -> None:
    with borrowed_pool(1) as pool, borrowed_pool(1) as second:
        hu_zyx, _ = assemble(tasks, threads=2)

    assert pool is not None
    assert second is None
    assert hu_zyx.shape == (20, 48, 48)


def test_few_compressed_frames_need_no_helpers(tasks: list[FrameTask], monkeypatch) -> None:
    monkeypatch.setattr(assembling, "borrowed_pool", lambda _: pytest.fail("helpers were started"))

    assemble(tasks[:15], threads=2)


@pytest.mark.parametrize(("n_frames", "n_helpers"), [(7, 0), (16, 2), (100, 3)])
def test_a_short_series_starts_few_helpers(n_frames: int, n_helpers: int) -> None:
    pool = DecodePool(3)
    pool.start(n_frames)
    started = len(pool.helpers)
    pool.close()

    assert started == n_helpers


def test_zero_threads_means_all_cores() -> None:
    assert cores(0) == len(os.sched_getaffinity(0))
    assert cores(3) == 3
