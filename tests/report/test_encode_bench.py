"""The bench of encoding runs, on a small series, and its rows can be printed."""

from node.bench.encode import bench_encode


def test_it_times_ours_beside_highdicom_and_weighs_the_file() -> None:
    rows = {row.what: row for row in bench_encode(shape=(24, 64, 64), rounds=1)}
    timed = rows["SEG: encode, write, read back, compare"]
    assert timed.peer_name == "highdicom encode"
    assert timed.ratio is not None
    assert timed.ours > 0
    weighed = rows["SEG deflated"]
    assert weighed.met is True
    assert weighed.ours < rows["SEG not deflated"].ours
    assert all(set(row.as_json()) >= {"what", "ours", "unit", "ratio", "met"} for row in rows.values())
