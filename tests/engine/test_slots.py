"""A slot is held by one living process; a dead one's is free."""

import subprocess
import sys
from pathlib import Path

from node.engine.slots import take_slot

SQLITE = "sqlite:///nowhere.sqlite"


def test_a_slot_is_given_once_and_again_after_it_is_given_back(tmp_path: Path) -> None:
    first = take_slot("worker-0", SQLITE, tmp_path)
    assert first is not None
    assert take_slot("worker-0", SQLITE, tmp_path) is None
    first.release()
    again = take_slot("worker-0", SQLITE, tmp_path)
    assert again is not None
    again.release()


def test_two_slots_do_not_meet(tmp_path: Path) -> None:
    held = [take_slot(name, SQLITE, tmp_path) for name in ("worker-0", "worker-1")]
    assert None not in held
    for lock in held:
        lock.release()


def test_the_slot_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from node.engine.slots import take_slot;"
        f"lock = take_slot('worker-0', '{SQLITE}', pathlib.Path(sys.argv[1])); print('held', flush=True);"
        "sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout.readline() == b"held\n"
    assert take_slot("worker-0", SQLITE, tmp_path) is None
    holder.kill()
    holder.wait()
    lock = take_slot("worker-0", SQLITE, tmp_path)
    assert lock is not None
    lock.release()


def test_a_second_worker_in_one_slot_refuses_to_start(bench) -> None:
    bench.start_worker()
    second = bench.launch_worker()
    assert second.wait(60) != 0
    assert "another worker runs in slot" in (bench.data_dir / "worker.log").read_text()
