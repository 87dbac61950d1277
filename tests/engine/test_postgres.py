"""The engine on Debian's PostgreSQL: two workers share the work, and one that is killed is taken over."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from node.engine.slots import holder_of, take_slot

BINARIES = Path("/usr/lib/postgresql/15/bin")

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def database_url() -> Iterator[str]:
    """A server of its own on a Unix socket, run by user postgres where we are root (it refuses to run as root).

    Its folder is not pytest's, which other users may not enter.
    """
    with tempfile.TemporaryDirectory(prefix="lungnode-postgres-") as folder:
        yield from running_server(Path(folder))


def running_server(folder: Path) -> Iterator[str]:
    as_postgres = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    if as_postgres:
        shutil.chown(folder, "postgres", "postgres")
    data, settings = folder / "data", "-c listen_addresses='' -c fsync=off -c max_connections=60"

    def run(*command: str | Path) -> None:
        done = subprocess.run([*as_postgres, *command], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    run(BINARIES / "initdb", "-D", data, "-A", "trust", "-U", "lungnode")
    run(BINARIES / "pg_ctl", "-D", data, "-w", "-l", folder / "log", "-o", f"-k {folder} {settings}", "start")
    try:
        yield f"postgresql+psycopg://lungnode@/postgres?host={folder}"
    finally:
        run(BINARIES / "pg_ctl", "-D", data, "-m", "immediate", "stop")


@pytest.fixture
def shared(make_bench, database_url: str):
    """A bench whose engine lives in PostgreSQL."""
    return make_bench(engine={"database_url": database_url, "poll_s": 0.1})


def test_a_slot_is_a_session_lock_there(database_url: str, tmp_path: Path) -> None:
    first = take_slot("worker-x", database_url, tmp_path)
    assert first is not None
    assert first.is_held()
    assert take_slot("worker-x", database_url, tmp_path) is None
    assert holder_of("worker-x", database_url, tmp_path).startswith(f"process {os.getpid()} on ")
    first.release()
    assert not first.is_held()
    again = take_slot("worker-x", database_url, tmp_path)
    assert again is not None
    again.release()


def test_two_workers_share_the_work_and_a_killed_one_is_taken_over(shared, out: Path) -> None:
    held = [shared.new_case(analyse="wait") for _ in range(2)]
    workers = [shared.start_worker(f"worker-{n}") for n in range(2)]
    for case in held:
        shared.submit(case)
    shared.eventually(lambda: all(shared.steps(case) == ["analyse"] for case in held))  # one each: both are at work
    queued = [shared.new_case() for _ in range(4)]
    for case in queued:
        shared.submit(case)
    shared.kill(workers[0])
    for case in held:
        (shared.folder(case) / "analyse.go").touch()
    shared.eventually(lambda: all(shared.is_safe(case) for case in held + queued), within_s=120)
    assert len(list(out.rglob("*.dcm"))) == 12
    assert sorted(shared.steps(case).count("analyse") for case in held) == [1, 2]  # the killed one's was begun again
