"""The bundle, in its light form: the node's own wheel, installed by the bundle's script without a network."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
VENV_BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("bundle") / "bundle"
    subprocess.run(
        [REPOSITORY / "deploy" / "bundle", VENV_BIN / "pip", out, "torch", "", "--light"], check=True, timeout=240
    )
    return out


def install(bundle: Path, prefix: Path) -> "subprocess.CompletedProcess[str]":
    command = [bundle / "install", "--prefix", prefix, "--config", prefix / "etc", "--no-system", "--no-deps"]
    return subprocess.run(
        [*command, "--python", sys.executable],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        env=os.environ | {"PIP_NO_INDEX": "1"},
    )


def test_the_wheel_holds_every_model_the_plugin_and_the_units(bundle):
    names = zipfile.ZipFile(next((bundle / "wheels").glob("lungnode-*.whl"))).namelist()
    shipped = {name.split("/share/lungnode/", 1)[1] for name in names if "/share/lungnode/" in name}
    wanted = {
        str(file.relative_to(REPOSITORY))
        for file in (REPOSITORY / "models").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    wanted |= {"orthanc.json", "lungnode.toml", "plugins/lungnode.py"}
    wanted |= {f"systemd/{unit.name}" for unit in (REPOSITORY / "deploy" / "systemd").iterdir()}
    assert wanted <= shipped


def test_it_installs_and_the_installed_node_finds_its_models(bundle, tmp_path):
    assert install(bundle, tmp_path / "node").returncode == 0
    program = tmp_path / "node" / "venv" / "bin" / "lungnode"
    # the dependencies come from this environment: the light form has none
    environment = os.environ | {"PYTHONPATH": sysconfig.get_path("purelib")}
    config = tmp_path / "node" / "etc" / "lungnode.toml"
    answer = subprocess.run(
        [program, "doctor", "--offline", "--json", "--config", config],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        timeout=120,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert "lungs-rule, nodules-cubes: verified; in use: lungs-rule" in answer.stdout
    assert "CHANGE-ME" not in config.read_text()
    assert (tmp_path / "node" / "etc" / "orthanc.env").stat().st_mode & 0o077 == 0


def test_a_second_run_keeps_the_sites_settings(bundle, tmp_path):
    install(bundle, tmp_path / "node")
    config = tmp_path / "node" / "etc" / "lungnode.toml"
    config.write_text("# ours\n")
    assert install(bundle, tmp_path / "node").returncode == 0
    assert config.read_text() == "# ours\n"


def test_a_damaged_copy_is_refused(bundle, tmp_path):
    damaged = tmp_path / "copy"
    subprocess.run(["/bin/cp", "-r", bundle, damaged], check=True)
    wheel = next((damaged / "wheels").glob("*.whl"))
    wheel.write_bytes(wheel.read_bytes()[:-1] + b"?")
    answer = install(damaged, tmp_path / "node")
    assert answer.returncode == 5
    assert not (tmp_path / "node").exists()
