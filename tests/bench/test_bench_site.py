"""The benches that run a whole site: every target of the architecture has its row, and every figure was measured."""

import pytest

from node.bench.idle import bench_idle
from node.bench.pipeline import bench_pipeline

pytestmark = pytest.mark.orthanc


@pytest.mark.slow
def test_the_whole_way_is_timed_and_has_its_target() -> None:
    by_rules, by_default = bench_pipeline(n_slices=(40,))
    assert (by_rules.at_most, by_default.at_most) == (5.0, None)
    assert ("lungs-rule" in by_rules.what, "lungs-joint" in by_default.what) == (True, True)
    assert 0 < by_rules.ours < 200


@pytest.mark.slow
def test_an_idle_node_is_measured_with_all_of_its_processes() -> None:
    rows = {row.what: row for row in bench_idle(settle_s=1.0, watch_s=2.0)}
    assert {row.at_most for row in rows.values()} == {1.0, 250.0, None, 0.8}
    assert rows["idle node, memory, no process kept warm"].ours > 100  # receiver, worker and supervisor are among them
