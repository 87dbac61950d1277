"""What a node costs while nothing happens: processor time and memory of all its processes, and how soon it listens.

Memory is the proportional set size: pages that several processes share count once. The process that is kept warm for
the heavy steps ends five minutes after its last use, so both states are shown.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from node.bench.row import Row
from node.harness.site import Site, running_site

_SETTLE_S, _WATCH_S = 50.0, 40.0  # the queues are looked at seldom after half a minute without work
_CHILD = b"node.engine.child"
_MEBIBYTE_KIB = 1024


def bench_idle(
    on_step: Callable[[str], None] = lambda _: None, *, settle_s: float = _SETTLE_S, watch_s: float = _WATCH_S
) -> list[Row]:
    """Start a site, leave the node alone, and measure it."""
    with tempfile.TemporaryDirectory() as scratch, running_site(Path(scratch), on_step) as site:
        on_step(f"waiting {settle_s + watch_s:.0f} s")
        time.sleep(settle_s)
        processes = _processes_of(site)
        before_s, began_s = _cpu_s(processes), time.monotonic()
        time.sleep(watch_s)
        percent = 100 * (_cpu_s(processes) - before_s) / (time.monotonic() - began_s)
        warm_mib = sum(_pss_mib(p) for p in processes)
        cold_mib = sum(_pss_mib(p) for p in processes if _CHILD not in (p / "cmdline").read_bytes())
    return [
        Row("idle node, processor", percent, "percent of a core", at_most=1.0),
        Row("idle node, memory, no process kept warm", cold_mib, "MiB", at_most=250.0),
        Row("idle node, memory, with the warm process", warm_mib, "MiB"),
        Row("import of the receiver, fastest of five", _import_s(), "s", at_most=0.8),
    ]


def _import_s() -> float:
    command = [sys.executable, "-c", "import node.cli.main, node.receive.process"]
    times = []
    for _ in range(5):
        began_s = time.monotonic()
        subprocess.run(command, check=True)
        times.append(time.monotonic() - began_s)
    return min(times)


def _processes_of(site: Site) -> list[Path]:
    """Find every living process whose environment names the site's settings."""
    marker = str(site.node.configuration).encode()
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdigit() and marker in (process / "environ").read_bytes():
                found.append(process)
        except OSError:
            continue  # it ended while we looked, or is not ours to read
    return found


def _cpu_s(processes: list[Path]) -> float:
    ticks = 0
    for process in processes:
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])  # user and system time, proc(5)
    return ticks / os.sysconf("SC_CLK_TCK")


def _pss_mib(process: Path) -> float:
    lines = (process / "smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / _MEBIBYTE_KIB
