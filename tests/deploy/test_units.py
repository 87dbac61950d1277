"""systemd finds nothing to say about the units."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from node.errors import Misconfigured

UNITS = Path(__file__).resolve().parents[2] / "deploy" / "systemd"
NODE = Path(sys.executable).parent / "lungnode"


@pytest.fixture
def installed_units(tmp_path: Path) -> list[Path]:
    """The units, with the program where it is on this machine: nothing else of them depends on the place."""
    folder = tmp_path / "units"
    folder.mkdir()
    copies = []
    for unit in UNITS.iterdir():
        text = unit.read_text().replace("/opt/lungnode/venv/bin/lungnode", str(NODE))
        copy = folder / unit.name
        copy.write_text(text)
        copies.append(copy)
    return copies


def verify(units: list[Path]) -> tuple[int, str]:
    answer = subprocess.run(
        ["/usr/bin/systemd-analyze", "verify", *map(str, units)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return answer.returncode, answer.stdout + answer.stderr


def test_the_units_are_clean(installed_units):
    assert verify(installed_units) == (0, "")


def test_a_misspelt_key_would_be_noticed(installed_units):
    unit = next(u for u in installed_units if u.name == "lungnode-serve.service")
    unit.write_text(unit.read_text().replace("NoNewPrivileges", "NoNewPrivilege"))
    assert "NoNewPrivilege" in verify([unit])[1]


@pytest.mark.parametrize("unit", sorted(UNITS.glob("*.service")), ids=lambda unit: unit.name)
def test_every_service_is_hardened(unit):
    text = unit.read_text()
    for key in ("NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "RestrictAddressFamilies="):
        assert key in text
    assert re.search(r"^User=(lungnode|orthanc)$", text, re.MULTILINE)


@pytest.mark.parametrize("unit", sorted(UNITS.glob("lungnode-[rsw]*.service")), ids=lambda unit: unit.name)
def test_a_start_that_fails_for_now_is_tried_for_as_long_as_it_takes(unit):
    text = unit.read_text()
    assert "\nRestart=always\n" in text
    assert f"\nRestartPreventExitStatus={Misconfigured.exit_code}\n" in text
    assert "\nStartLimitIntervalSec=0\n" in text


@pytest.mark.parametrize("unit", sorted(UNITS.glob("lungnode-[rsw]*.service")), ids=lambda unit: unit.name)
def test_an_analysis_that_takes_too_much_memory_does_not_take_the_node_along(unit):
    """systemd stops a unit of which the kernel ended one process, unless it is told not to (systemd.service(5))."""
    text = unit.read_text()
    assert "\nMemoryMax=" in text
    assert "\nOOMPolicy=continue\n" in text


def test_an_empty_password_stops_orthanc():
    """`${...}` of an unset variable is an empty password for Orthanc: the unit must refuse before that."""
    unit = (UNITS / "lungnode-orthanc.service").read_text()
    assert 'ExecStartPre=/usr/bin/test -n "${LUNGNODE_ORTHANC_PASSWORD}"' in unit
