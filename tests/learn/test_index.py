"""Which rows may be learnt from and judged on."""

import pytest

from node.errors import InputRefused
from node.learn.folds import fold_split
from node.learn.index import read_index, refuse_unfree


def test_a_case_in_two_parts_makes_the_whole_set_refused(small_set):
    index = small_set / "index.csv"
    index.write_text(index.read_text().replace(",train,", ",val,", 1))

    with pytest.raises(InputRefused, match="A") as caught:
        read_index(small_set)
    assert caught.value.code == "SET-LEAK"


def test_rows_are_narrowed_by_all_conditions(small_set):
    rows = read_index(small_set, split="train", where=("case!=A", "id=B_1"))

    assert [row.id for row in rows] == ["B_1"]


def test_an_unknown_column_is_refused_and_not_taken_for_no_match(small_set):
    with pytest.raises(InputRefused, match="column=value"):
        read_index(small_set, where=("colour=red",))


def test_a_folder_without_an_index_is_refused(tmp_path):
    with pytest.raises(InputRefused) as caught:
        read_index(tmp_path)
    assert caught.value.code == "SET-UNREAD"


@pytest.mark.parametrize("licence", ["CC BY-NC 3.0", "not stated", "MIT (masks); pictures not stated", ""])
def test_rows_that_shipped_weights_may_not_learn_from_are_refused(small_set, licence):
    index = small_set / "index.csv"
    index.write_text(index.read_text().replace("CC BY 3.0", licence, 1))

    with pytest.raises(InputRefused, match="any-licence") as caught:
        refuse_unfree(read_index(small_set))
    assert caught.value.code == "SET-LICENCE"


@pytest.mark.parametrize("licence", ["CC BY 3.0", "CC BY-SA 4.0", "MIT", "BSD-3-Clause (repository)"])
def test_free_rows_pass(small_set, licence):
    index = small_set / "index.csv"
    index.write_text(index.read_text().replace("CC BY 3.0", licence))

    refuse_unfree(read_index(small_set))


def test_folds_hold_every_case_once_and_never_share_one(small_set):
    rows = read_index(small_set)

    held = [{row.case for row in fold_split(rows, 3, fold)[1]} for fold in range(3)]
    learnt = [{row.case for row in fold_split(rows, 3, fold)[0]} for fold in range(3)]

    assert sorted(case for fold in held for case in fold) == ["A", "B", "C", "D", "E", "F"]
    assert all(not a & b for a, b in zip(held, learnt, strict=True))


@pytest.mark.parametrize(("n", "fold"), [(3, 3), (3, -1), (7, 0)])
def test_a_fold_that_there_is_not_is_refused(small_set, n, fold):
    with pytest.raises(InputRefused) as caught:
        fold_split(read_index(small_set), n, fold)
    assert caught.value.code == "FOLD-RANGE"


def test_no_set_at_hand_has_a_case_in_two_parts(data_dir):
    for name in ("lung2d", "tumour2d", "vol3d", "nodule2d", "nodule3d", "subtype2d"):
        assert read_index(data_dir / name)
