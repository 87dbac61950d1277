"""The receive bench runs against its real peers and counts at the receiver."""

import pytest

from node.bench.receive import bench_receive


@pytest.mark.orthanc
@pytest.mark.slow
def test_every_side_receives_and_every_target_of_the_architecture_has_its_row() -> None:
    rows = bench_receive(n_slices=6, n_as_installed=2, rounds=1)
    targets = {(row.what, row.peer_name): row.at_least for row in rows if row.at_least is not None}
    assert targets == {
        ("C-STORE receive, flushed, 1 association(s)", "storescp --fork"): 0.8,
        ("C-STORE receive, flushed, 1 association(s)", "Orthanc"): 1.5,
        ("C-STORE receive, flushed, 4 association(s)", "storescp --fork"): 1.0,
        ("C-STORE receive, flushed, 4 association(s)", "Orthanc"): 2.0,
    }
    assert [row.what for row in rows if row.ours <= 0 or row.peer == 0] == []
