"""The bench of reading runs on a small series and names its peers."""

from node.bench.read import bench_read


def test_every_side_of_the_bench_reads() -> None:
    rows = bench_read((40, 48, 48), n_compressed=18, rounds=1)

    assert {row.peer_name for row in rows} >= {"SimpleITK series reader", "pydicom loop"}
    assert len(rows) == 7
    assert all(row.ours > 0 for row in rows)
