"""`kill -9` of the worker at a hundred seeded random moments: nothing lost, nothing twice, nothing half."""

import random
import time

import pytest

N_MOMENTS = 100
SEED = 20261128
LONGEST_LIFE_S = 1.5


@pytest.mark.slow
@pytest.mark.timeout(3000)
def test_a_hundred_kills_lose_nothing_and_deliver_nothing_twice(bench, out) -> None:
    moments = random.Random(SEED)
    cases: list[str] = []
    for _ in range(N_MOMENTS):
        worker = bench.start_worker()
        case = bench.new_case()
        cases.append(case)
        bench.submit(case)
        time.sleep(moments.uniform(0.0, LONGEST_LIFE_S))  # the moment is the subject
        bench.kill(worker)
    bench.start_worker()
    bench.eventually(lambda: all(bench.is_safe(case) for case in cases), within_s=600)
    files = [p for p in out.rglob("*") if p.is_file() and p.suffix == ".dcm"]
    assert len(files) == 2 * len(cases)
    for case in cases:
        kept = {p.read_bytes() for p in bench.folder(case).glob("objects-*/*.dcm")}
        assert sum(1 for f in files if f.read_bytes() in kept) == 2
        assert bench.steps(case)[-1] == "encode"
