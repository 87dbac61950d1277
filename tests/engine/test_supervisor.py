"""`serve`: what dies is started again, what is wrongly configured is listed, and all ends together."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from node.engine.configuration import check_configuration, faults_of
from node.engine.sole_node import sole_node
from node.engine.supervisor import Supervisor
from node.engine.worker import take_own_slot
from node.errors import Misconfigured
from node.segment import torch_here
from node.settings import Compute, Settings, load
from node.settings_snapshot import snapshot

REPOSITORY = Path(__file__).resolve().parents[2]


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


def living(marks: Path) -> tuple[str, ...]:
    """A process that writes its id and stays."""
    return python(f"import os, time; open(r'{marks}', 'a').write(f'{{os.getpid()}}\\n'); time.sleep(600)")


def pids(marks: Path) -> list[int]:
    return [int(line) for line in marks.read_text().split()] if marks.exists() else []


def eventually(look: Callable[[], object], within_s: float = 40.0) -> None:
    deadline_s = time.monotonic() + within_s
    while not look():
        assert time.monotonic() < deadline_s
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_a_process_that_dies_is_started_again_and_all_end_together(tmp_path: Path) -> None:
    marks = tmp_path / "pids"
    supervisor = Supervisor({"one": living(marks)})
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        eventually(lambda: len(pids(marks)) == 1)
        os.kill(pids(marks)[0], signal.SIGKILL)
        eventually(lambda: len(pids(marks)) == 2)
    finally:
        supervisor.stopping.set()
        thread.join(30)
    assert not any(is_running(pid) for pid in pids(marks))


def test_a_process_that_is_misconfigured_ends_the_node_with_its_status(tmp_path: Path) -> None:
    marks = tmp_path / "pids"
    supervisor = Supervisor({"stays": living(marks), "wrong": python("raise SystemExit(5)")})
    assert supervisor.run() == 5
    assert not any(is_running(pid) for pid in pids(marks))


def test_a_process_that_ran_before_does_not_end_the_node_when_it_is_misconfigured_later(tmp_path: Path) -> None:
    marks = tmp_path / "pids"
    code = (
        "import os, sys, time, pathlib\n"
        f"marks = pathlib.Path({str(marks)!r})\n"
        "ran = marks.exists()\n"
        "marks.open('a').write(f'{os.getpid()}\\n')\n"
        "sys.exit(5) if ran else time.sleep(600)"
    )
    supervisor = Supervisor({"stays": living(tmp_path / "other"), "changes": python(code)})
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        eventually(lambda: len(pids(marks)) == 1 and len(pids(tmp_path / "other")) == 1)
        os.kill(pids(marks)[0], signal.SIGKILL)
        eventually(lambda: len(pids(marks)) == 3)
        assert thread.is_alive()
        assert is_running(pids(tmp_path / "other")[0])
    finally:
        supervisor.stopping.set()
        thread.join(30)


def test_a_process_that_is_started_again_runs_the_settings_that_were_checked(tmp_path: Path) -> None:
    config = tmp_path / "lungnode.toml"
    archive = '[[archives]]\ndicomweb_url = "http://pacs"\npassword = "s3cret"\n'
    config.write_text(f'data_dir = "{tmp_path}"\n[compute]\nlungs = "lungs-rule"\n{archive}')
    code = (
        "import os, time\n"
        "from node.settings_snapshot import handed_or_loaded\n"
        "got = handed_or_loaded(None)\n"
        "secret = got.archives[0].password.get_secret_value()\n"
        "line = [os.getpid(), got.compute.lungs, secret, secret in str(os.environ)]\n"
        f"print(*line, file=open({str(tmp_path / 'seen')!r}, 'a'), flush=True)\n"
        "time.sleep(600)"
    )

    def seen() -> list[list[str]]:
        return [line.split() for line in (tmp_path / "seen").read_text().splitlines()]

    supervisor = Supervisor({"one": python(code)}, snapshot(load(config, {})))
    thread = threading.Thread(target=supervisor.run)
    thread.start()
    try:
        eventually(lambda: (tmp_path / "seen").exists() and seen())
        config.write_text("[compute]\nmaximum_wait = 3\n")
        os.kill(int(seen()[0][0]), signal.SIGKILL)
        eventually(lambda: len(seen()) == 2)
    finally:
        supervisor.stopping.set()
        thread.join(30)
    assert [line[1:] for line in seen()] == [["lungs-rule", "s3cret", "False"]] * 2


def test_the_settings_that_are_handed_on_are_those_that_were_read() -> None:
    settings = load(REPOSITORY / "deploy" / "lungnode.toml", {})
    again = Settings.model_validate_json(snapshot(settings))
    assert again.model_dump() == settings.model_dump()
    assert again.config_hash == settings.config_hash


def test_the_processes_end_when_the_supervisor_is_killed(tmp_path: Path) -> None:
    marks = tmp_path / "pids"
    code = f"from node.engine.supervisor import Supervisor; Supervisor({{'one': {living(marks)!r}}}).run()"
    supervisor = subprocess.Popen([sys.executable, "-c", code], cwd=REPOSITORY)
    eventually(lambda: len(pids(marks)) == 1)
    supervisor.kill()
    supervisor.wait()
    eventually(lambda: not is_running(pids(marks)[0]))


def wrong_settings(folder: Path) -> Settings:
    (folder / "file").write_text("not a folder")
    (folder / "routes.toml").write_text('[[route]]\nname = "a"\ndestinations = ["nowhere"]\n')
    return Settings.model_validate(
        {
            "data_dir": str(folder / "file" / "data"),
            "engine": {"database_url": "mysql://host/name"},
            "compute": {"lungs": "no-such-model"},
            "rules": {"routes": str(folder / "routes.toml")},
            "archives": [{"name": "silent"}],
            "destinations": [
                {"name": "pacs", "kind": "cstore", "ae_title": "P", "host": "h", "port": 104, "tls": True}
            ],
        }
    )


def test_every_fault_of_a_configuration_is_listed_at_once(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured) as refused:
        check_configuration(wrong_settings(tmp_path))
    about = ("data_dir:", "engine.database_url:", "compute.lungs:", "no destination is called", "'pacs'", "'silent'")
    assert [word for word in about if word not in refused.value.message] == []


@pytest.mark.parametrize(
    ("receive", "told"),
    [
        ({"peers": [{"ae_title": "A", "classes": ["abc"]}]}, "'A': classes: 'abc' is no class that the node takes"),
        ({"peers": [{"ae_title": "A", "commitment_host": "h"}]}, "'A': commitment_host needs commitment_port"),
        ({"tls_port": 2762}, "receive.tls_port: it needs tls_certificate, tls_key and tls_ca"),
    ],
)
def test_a_listener_that_could_not_do_what_it_is_told_stops_the_start(
    tmp_path: Path, receive: dict[str, object], told: str
) -> None:
    (fault,) = faults_of(
        Settings.model_validate({"data_dir": tmp_path, "receive": receive, "compute": {"lungs": "lungs-rule"}})
    )
    assert told in fault


def test_every_model_that_a_setting_or_a_route_names_is_checked_before_the_start(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "models" / "lungs-rule", tmp_path / "models" / "lungs-rule")
    routes = tmp_path / "routes.toml"
    routes.write_text(
        '[[route]]\nname = "one"\nlungs = "lungs-old"\n\n[[route]]\nname = "two"\nlesions = "lungs-rule"\n'
    )
    told: dict[str, object] = {
        "data_dir": tmp_path / "data",
        "models_dir": tmp_path / "models",
        "compute": {"lungs": "lungs-rule"},
        "rules": {"routes": routes},
    }

    faults = list(faults_of(Settings.model_validate(told)))

    assert len(faults) == 2
    assert f"{routes}:1: route 'one': lungs: model 'lungs-old' is not installed; there are: lungs-rule" in faults[0]
    assert "route 'two': lesions: model 'lungs-rule' finds lungs, not lesions" in faults[1]


def test_a_damaged_model_stops_the_start(tmp_path: Path) -> None:
    shutil.copytree(REPOSITORY / "models" / "lungs-rule", tmp_path / "models" / "lungs-rule")
    toml = tmp_path / "models" / "lungs-rule" / "model.toml"
    toml.write_text(toml.read_text() + '\n"weights.safetensors" = "' + 64 * "0" + '"\n')
    (tmp_path / "models" / "lungs-rule" / "weights.safetensors").write_bytes(b"half of it")
    told = {"data_dir": tmp_path / "data", "models_dir": tmp_path / "models", "compute": {"lungs": "lungs-rule"}}

    (fault,) = faults_of(Settings.model_validate(told))

    assert "compute.lungs: model 'lungs-rule': not as shipped: weights.safetensors; install it again" in fault


def test_a_model_without_one_that_it_needs_stops_the_start(tmp_path: Path) -> None:
    for name in ("lungs-joint", "lungs-rule", "fusionlungnet-w16"):
        shutil.copytree(REPOSITORY / "models" / name, tmp_path / "models" / name)
    told = {"data_dir": tmp_path / "data", "models_dir": tmp_path / "models", "compute": {"lungs": "lungs-joint"}}

    (fault,) = faults_of(Settings.model_validate(told))

    assert "compute.lungs: model 'lungs-joint' needs 'lesions-p3': model 'lesions-p3' is not installed" in fault


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ("print('[\"2.13.0+cpu\", []]')", "compute.device: it is cuda, and torch 2.13.0+cpu sees no GPU"),
        ("raise ImportError('broken')", "compute.device: torch cannot be loaded: "),
        ('print(\'["2.13.0", ["H100"]]\')', None),
    ],
)
def test_a_gpu_that_is_asked_for_and_absent_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str, told: str | None
) -> None:
    monkeypatch.setattr(torch_here, "ASK_TORCH", answer)
    faults = list(faults_of(Settings(data_dir=tmp_path, compute=Compute(device="cuda", lungs="lungs-rule"))))
    assert [fault.startswith(told or "") for fault in faults] == ([] if told is None else [True])


def test_the_settings_as_they_come_have_no_fault_but_a_folder_that_can_be_made(tmp_path: Path) -> None:
    assert list(faults_of(Settings(data_dir=tmp_path / "new"))) == []


def serve(folder: Path, sections: str) -> "subprocess.CompletedProcess[str]":
    (folder / "lungnode.toml").write_text(f'data_dir = "{folder / "data"}"\n{sections}')
    return subprocess.run(
        [sys.executable, "-m", "node", "serve", "--config", str(folder / "lungnode.toml")],
        capture_output=True, text=True, check=False, timeout=120, env=os.environ | {"PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip


def test_the_command_ends_with_5_and_the_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LUNGNODE_COMPUTE__LUNGS")
    done = serve(tmp_path, '[compute]\nlungs = "no-such-model"\n[[archives]]\nname = "silent"\n')
    assert done.returncode == 5
    assert "no-such-model" in done.stderr
    assert "silent" in done.stderr


def test_a_second_node_on_one_folder_is_turned_away_before_it_opens_a_port(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    with sole_node(settings), listening() as port, listening() as status_port:
        second = serve(tmp_path, f"[receive]\nport = {port}\n[watch]\nport = {status_port}\n")
    assert second.returncode == 5
    assert "ENG-SLOT" in second.stderr
    assert f"process {os.getpid()} on" in second.stderr
    assert "CFG-PORT" not in second.stderr  # its ports are taken, too, and it did not come so far


def test_a_node_beside_a_worker_in_its_slot_is_turned_away_before_it_opens_a_port(tmp_path: Path) -> None:
    worker = take_own_slot(Settings(data_dir=tmp_path / "data"))
    try:
        with listening() as port, listening() as status_port:
            node = serve(tmp_path, f"[receive]\nport = {port}\n[watch]\nport = {status_port}\n")
    finally:
        worker.release()
    assert node.returncode == 5
    assert "ENG-SLOT" in node.stderr
    assert f"process {os.getpid()} on" in node.stderr


@contextmanager
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        yield taken.getsockname()[1]


def test_a_worker_imports_nothing_heavy_before_it_has_work() -> None:
    code = (
        "import sys, node.engine.node_worker\n"
        "print(sorted({'torch', 'scipy', 'SimpleITK', 'highdicom', 'matplotlib'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
