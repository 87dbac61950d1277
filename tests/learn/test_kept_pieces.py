"""Which marks stay: pieces of a run, not of a slice."""

import numpy as np

from node.learn.kept_pieces import kept_pieces
from node.learn.lesion_set import LesionSet
from node.learn.planes import Plane


def as_run(n: int, side: int = 64) -> LesionSet:
    blank = np.zeros((side, side), np.uint8)
    planes = tuple(Plane(f"{z}", "A", "hu8", blank.astype(np.int16), blank, "A", z, None) for z in range(n))
    at = np.arange(n)
    return LesionSet(planes, np.maximum(at - 1, 0), np.minimum(at + 1, n - 1))


def square(at: int, side: int, p: float) -> np.ndarray:
    answer = np.zeros((64, 64), np.float32)
    answer[at : at + side, at : at + side] = p
    return answer


def n_marked(kept: dict[int, np.ndarray]) -> list[int]:
    return [int((kept[at] >= 0.5).sum()) for at in sorted(kept)]


WEAK, STRONG = square(2, 10, 0.6), square(30, 5, 0.99)
FOUND = [(0, WEAK), (1, WEAK + STRONG), (2, STRONG)]


def test_of_a_run_the_surest_piece_stays():
    assert n_marked(dict(kept_pieces(as_run(3), FOUND, 0.5, single=True))) == [0, 25, 25]  # 50 against 60 of 200


def test_a_piece_is_as_sure_as_its_surest_slice():
    found = [(0, square(2, 10, 0.6)), (1, square(2, 10, 0.95)), (2, square(40, 10, 0.8))]

    assert n_marked(dict(kept_pieces(as_run(3), found, 0.5, peak=0.9))) == [100, 100, 0]


def test_a_small_piece_goes_and_what_is_not_marked_stays_as_it_was():
    found = [(0, square(2, 3, 0.9) + square(30, 10, 0.3)), (1, square(2, 3, 0.9))]

    kept = dict(kept_pieces(as_run(2), found, 0.5, least=19))

    assert n_marked(kept) == [0, 0]
    assert float(kept[0][35, 35]) == np.float32(0.3)
    assert n_marked(dict(kept_pieces(as_run(2), found, 0.5, least=18))) == [9, 9]


def test_a_lone_slice_may_hold_several_marks():
    assert n_marked(dict(kept_pieces(as_run(1), [(0, WEAK + STRONG)], 0.5, single=True))) == [125]


def test_of_a_crop_the_piece_nearest_to_its_middle_stays():
    near = square(34, 3, 0.6)  # 3 px from the middle of 64
    found = [(0, WEAK + near + square(50, 8, 0.99))]

    assert n_marked(dict(kept_pieces(as_run(1), found, 0.5, middle=True))) == [9]
    assert n_marked(dict(kept_pieces(as_run(1), found, 0.5, middle=True, least=10))) == [0]
