"""What a labelled set of one's own may have wrong is named with its line, and never trained on silently."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from node.errors import InputRefused
from node.learn import lesion_session, session
from node.learn.hounsfield import refuse_other_scale
from node.learn.index import read_index
from node.learn.lesion_session import LesionWish
from node.learn.nifti import read_nifti
from node.learn.session import Wish
from node.learn.slices import read_slice
from node.learn.truth import has_lung, has_tumour
from node.segment.contract import LungDefinition
from tests.conftest import REPOSITORY
from tests.learn.conftest import LABEL, write_set

WITHOUT = LungDefinition.WITHOUT_LESIONS


def test_the_example_set_of_the_page_on_own_data_is_read(tmp_path):
    page = (REPOSITORY / "docs" / "own-data.md").read_text()
    (tmp_path / "index.csv").write_text(page.partition("```csv\n")[2].partition("```")[0])

    rows = read_index(tmp_path)

    assert [row.split for row in rows] == ["train", "train", "val", "test"]
    assert all(has_lung(row) and has_tumour(row) and row.is_free for row in rows)
    assert json.loads(page.partition("```json\n")[2].partition("```")[0])["scans"]


def edited(folder: Path, old: str, new: str, count: int = -1) -> Path:
    """Replace text in a set's index."""
    index = folder / "index.csv"
    text = index.read_text()
    assert old in text
    index.write_text(text.replace(old, new, count))
    return folder


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (",split,", ",part,", "no column split"),
        ("id,case,", "id,patient,", "no column case"),
        ("A_0,A,", "A_0,,", "line 2: case is empty"),
        (",train,", ",training,", "line 2: split 'training' is none of train, val, test"),
        (",hu,1,-1024,", ",hu,eight,-1024,", "line 2: hu_slope 'eight' is no number"),
        (",hu,1,-1024,", ",hu,nan,-1024,", "line 2: hu_slope 'nan' is no number"),
        (",hu,1,-1024,", ",hu,1,,", "line 2: of hu_slope and hu_intercept one is empty"),
        (",2.0,train", ",x,train", "line 2: pixel_mm 'x' is no positive number"),
        (",2.0,train", ",0,train", "line 2: pixel_mm '0' is no positive number"),
        ("A_1,A,", "A_0,A,", "line 3: id 'A_0' stands there twice"),
        (",CC BY 3.0,,", ",CC BY 3.0,,,,,", "line 2: more values than columns"),
    ],
    ids=["split", "case", "no-case", "part", "word", "nan", "half-a-line", "pixel", "zero", "twice", "too-many"],
)
def test_a_fault_of_an_index_is_named_with_its_line(small_set, old, new, told):
    with pytest.raises(InputRefused) as caught:
        read_index(edited(small_set, old, new, 1))

    assert (caught.value.code, told in caught.value.message) == ("SET-UNREAD", True), caught.value.message


def test_only_the_first_faults_are_named(small_set):
    with pytest.raises(InputRefused, match=r"line 6: .*; and 7 more$"):
        read_index(edited(small_set, ",train,", ",training,"))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda text: text.replace(",", ";").encode(), "no column case, split, label; it begins with id;case"),
        (lambda text: text.replace("made", "Köln").encode("latin-1"), "no CSV file in UTF-8"),
        (lambda _: b"", "it is empty"),
    ],
    ids=["semicolons", "latin-1", "empty"],
)
def test_a_file_that_is_no_index_is_refused_with_what_to_do(small_set, change: Callable[[str], bytes], told):
    index = small_set / "index.csv"
    index.write_bytes(change(index.read_text()))

    with pytest.raises(InputRefused, match=told) as caught:
        read_index(small_set)
    assert caught.value.code == "SET-UNREAD"


def test_the_mark_that_a_spreadsheet_puts_before_its_text_is_no_part_of_a_column(small_set):
    index = small_set / "index.csv"
    index.write_text(index.read_text(), encoding="utf-8-sig")

    assert len({row.id for row in read_index(small_set)}) == 24


def first(folder: Path, **values: str) -> "session.Row":
    """Return the first row, with other values."""
    row = read_index(folder)[0]
    row.values.update(values)
    return row


def test_grey_levels_of_which_nobody_said_what_they_are_are_refused(small_set):
    with pytest.raises(InputRefused, match="nothing says what its grey levels are in HU"):
        read_slice(first(small_set, hu_slope="", hu_intercept=""))


@pytest.mark.parametrize("kind", ["damaged", "colour"])
def test_a_picture_that_is_none_is_refused(small_set, kind):
    path = small_set / "images" / "A_0.png"
    if kind == "damaged":
        path.write_bytes(path.read_bytes()[:200])
    else:
        Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(path)

    with pytest.raises(InputRefused, match="A_0") as caught:
        read_slice(first(small_set))
    assert caught.value.code == "SET-UNREAD"


def test_an_empty_mask_of_which_the_index_counts_pixels_is_refused(small_set):
    Image.fromarray(np.zeros((64, 64), np.uint8)).save(small_set / "masks" / "A_0.png")

    with pytest.raises(InputRefused, match="A_0: its mask is empty"):
        read_slice(first(small_set))


@pytest.mark.parametrize("data", [b"no gzip", b"\x1f\x8b\x08"], ids=["kind", "cut"])
def test_a_damaged_volume_is_refused(tmp_path, data):
    (tmp_path / "a.nii.gz").write_bytes(data)

    with pytest.raises(InputRefused) as caught:
        read_nifti(tmp_path / "a.nii.gz")
    assert caught.value.code == "NIFTI-UNREAD"


@pytest.mark.parametrize(("low", "high", "word"), [(-1024, -769, "tissue"), (-300, 3000, "air")])
def test_pictures_without_air_or_tissue_are_in_no_hounsfield_units(low, high, word):
    with pytest.raises(InputRefused, match=rf"case B: .* show no {word}: see hu_slope") as caught:
        refuse_other_scale([("A", -1000, 400), ("B", low, high)])
    assert caught.value.code == "SET-UNREAD"


@pytest.fixture
def dark(tmp_path):
    """A set whose grey levels were turned into numbers that are no Hounsfield units."""
    return write_set(tmp_path / "dark", {"A": "train", "B": "val"}, hu_slope="0.1")


def test_lungs_are_not_learnt_from_pictures_in_other_units(dark, tmp_path):
    wish = Wish("unet", dark, tmp_path / "run", width=4, size=64, device="cpu")

    with pytest.raises(InputRefused, match="see hu_slope and hu_intercept"):
        session.run(wish, lambda _: None)


def test_tumours_are_not_learnt_from_pictures_in_other_units(dark, tmp_path):
    wish = LesionWish("unet", (dark,), tmp_path / "run", width=4, size=64, crop=32, device="cpu")

    with pytest.raises(InputRefused, match="see hu_slope and hu_intercept"):
        lesion_session.run(wish, lambda _: None)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({LABEL: "nodule outline"}, "24 have no lung outlined"),
        ({",train,": ",test,"}, r"0 rows to learn from and 4 to validate on. Of 24 rows: 0 of train, 4 of val, 20"),
        ({",CC BY 3.0,,": ",CC BY 3.0,seen,"}, "24 say that they drop out"),
    ],
    ids=["label", "split", "drop"],
)
def test_lungs_say_why_no_row_is_left(small_set, tmp_path, changes, told):
    for old, new in changes.items():
        edited(small_set, old, new)

    with pytest.raises(InputRefused, match=told) as caught:
        session.rows_of(Wish("unet", small_set, tmp_path / "run"), WITHOUT)
    assert caught.value.code == "SET-EMPTY"
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("CC BY 3.0", "our hospital", "24 have a licence .*--any-licence"),
        (LABEL, "nodule outline", "24 have no tumour outlined"),
    ],
    ids=["licence", "label"],
)
@pytest.mark.parametrize("folds", [0, 3])
def test_tumours_say_why_no_row_is_left(small_set, tmp_path, old, new, told, folds):
    wish = LesionWish("unet", (edited(small_set, old, new),), tmp_path / "run", folds=folds)

    with pytest.raises(InputRefused, match=told) as caught:
        lesion_session.run(wish, lambda _: None)
    assert caught.value.code == "SET-EMPTY"
    assert not (tmp_path / "run").exists()
