"""The whole way: from the moment a case is known to be complete until SEG and SR are stored in Orthanc.

A site runs on loopback (Orthanc with the plugin, the node). A study is stored into Orthanc; the plugin tells the node
how many instances to expect and sends them. The case is known to be complete when the last of them is in the node's
spool; it is done when Orthanc holds both objects. The lungs are included, loading them is not (warm): by rules, as the
target says, and by the node's default.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from node.bench.row import Row
from node.errors import WorldUnavailable
from node.harness.demonstration import send_study, study_of
from node.harness.readback import find_results
from node.harness.site import Site, running_site
from node.phantom.study import StudyPlan, write_study
from node.settings import Compute
from node.store.layout import Layout

_LIMIT_S = 600.0
_LOOK_EVERY_S = 0.02
_TARGET_S = 5.0
_BY_RULES = "lungs-rule"
_WARM_UP = StudyPlan(n_slices=32, size=256, seed=90)


def bench_pipeline(n_slices: tuple[int, ...] = (64, 300), on_step: Callable[[str], None] = lambda _: None) -> list[Row]:
    """Time studies of `n_slices` 512 x 512 slices, one after the other, after a small one that is not counted.

    Raises
    ------
    WorldUnavailable
        BENCH-TIMEOUT where a study does not come through.
    """
    return [row for lungs in (_BY_RULES, Compute().lungs) for row in _bench(lungs, n_slices, on_step)]


def _bench(lungs: str, n_slices: tuple[int, ...], on_step: Callable[[str], None]) -> list[Row]:
    with tempfile.TemporaryDirectory() as scratch, running_site(Path(scratch) / "site", on_step, lungs) as site:
        _time_one(site, _WARM_UP, Path(scratch))
        rows = []
        for seed, n in enumerate(n_slices, start=91):
            on_step(f"{lungs}, {n} slices")
            took_s = _time_one(site, StudyPlan(n_slices=n, size=512, seed=seed), Path(scratch))
            what = f"case complete -> SEG and SR stored in Orthanc, {lungs}, {n} slices"
            rows.append(Row(what, took_s, "s", at_most=_TARGET_S if n <= 64 and lungs == _BY_RULES else None))
        return rows


def _time_one(site: Site, plan: StudyPlan, scratch: Path) -> float:
    folder = scratch / f"study-{plan.seed}"
    write_study(folder, plan)
    study, files = study_of(folder / "CT")
    spooled = Layout(site.node.data_dir).studies / study
    send_study(site, files, lambda: None)
    _wait_for(lambda: sum(1 for _ in spooled.rglob("*.dcm")) >= plan.n_slices)
    complete_s = max(file.stat().st_mtime for file in spooled.rglob("*.dcm"))
    _wait_for(lambda: find_results(site.orthanc, study).complete)
    return time.time() - complete_s


def _wait_for(there: Callable[[], bool]) -> None:
    end_s = time.monotonic() + _LIMIT_S
    while not there():
        if time.monotonic() > end_s:
            raise WorldUnavailable("BENCH-TIMEOUT", f"nothing within {_LIMIT_S:.0f} s")
        time.sleep(_LOOK_EVERY_S)
