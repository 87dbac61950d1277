"""P3's classifier heads: what they are shown, what they learn, and that the warning goes with the figures."""

import csv
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from node.errors import InputRefused
from node.learn import checkpoint
from node.learn.classify import (
    ClassifierJob,
    classify,
    malignancy_regions,
    subtype_regions,
    train_classifier,
)
from node.learn.classify_score import area_under_curve, score
from node.learn.index import Row, read_index
from node.segment.networks.subtype_classifier import SUBTYPES, SubtypeClassifier

pytestmark = pytest.mark.usefixtures("one_thread")


def write_subtypes(root: Path, licence: str = "CC BY 3.0") -> tuple[Row, ...]:
    """Twelve pictures a class; the class is how bright the square is."""
    root.mkdir()
    rng = np.random.default_rng(0)
    with (root / "index.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "case", "image", "label", "split", "licence"])
        for n in range(48):
            k = n % 4
            picture = rng.integers(0, 60, (40, 40)).astype(np.uint8)
            top, left = rng.integers(4, 16, 2)
            picture[top : top + 20, left : left + 20] = 90 + 55 * k
            Image.fromarray(picture).save(root / f"{n}.png")
            writer.writerow([f"{n}", f"S{n}", f"{n}.png", SUBTYPES[k], "train" if n < 32 else "val", licence])
    return read_index(root)


def test_a_head_learns_and_its_weights_answer_as_reported(tmp_path):
    rows = write_subtypes(tmp_path / "set")

    told = train_classifier(ClassifierJob("subtype", tmp_path / "run", 8, 3e-3, 40, 40, 8), rows, subtype_regions)

    model = SubtypeClassifier(2, 8)
    checkpoint.load(tmp_path / "run" / "best.safetensors", model)
    held = subtype_regions([row for row in rows if row.split == "val"])
    assert score(classify(model, held), held.labels.numpy(), SUBTYPES).told() == told["val"]
    assert told["val"]["mean_recall"] > 0.7
    assert "plumbing" in told["warning"]
    assert told["default"].startswith("off")


def test_pictures_of_an_unstated_licence_need_to_be_asked_for(tmp_path):
    rows = write_subtypes(tmp_path / "set", "not stated")
    job = ClassifierJob("subtype", tmp_path / "run", 4, epochs=1)

    with pytest.raises(InputRefused) as caught:
        train_classifier(job, rows, subtype_regions)
    told = train_classifier(job, rows, subtype_regions, any_licence=True)

    assert caught.value.code == "SET-LICENCE"
    assert told["free"] is False


def test_a_picture_in_which_nothing_is_found_stays_whole(tmp_path):
    rows = write_subtypes(tmp_path / "set")[:4]

    def bright(grey_yx):
        return grey_yx > 0.98  # finds the squares of the last class alone

    found = subtype_regions(rows, bright)

    assert found.n_with_mask == 1
    assert [bool(picture[1].any()) for picture in found.pictures] == [False, False, False, True]


def test_the_command_trains_a_head_and_repeats_the_warning(tmp_path):
    write_subtypes(tmp_path / "set")
    command = [
        sys.executable, "-m", "node", "train-classifier", "subtype", "--data", str(tmp_path / "set"), "--out",
        str(tmp_path / "run"), "--width", "4", "--epochs", "1", "--threads", "1", "--json",
    ]  # fmt: skip

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert "plumbing" in done.stdout


def test_undecided_ratings_and_crops_without_agreement_are_left_out(tmp_path):
    grey = np.full((32, 16), 100, np.uint8)
    bits = np.zeros((32, 16), np.uint8)
    bits[4:8, 4:8] = 0b0011
    bits[20:24, 4:8] = 0b0001
    Image.fromarray(grey).save(tmp_path / "i.png")
    Image.fromarray(bits).save(tmp_path / "m.png")

    def row(tile: int, rating: str) -> Row:
        told = {"id": "n", "case": "A", "image": "i.png", "mask": "m.png", "tile": str(tile), "width": "16",
                "height": "16", "malignancy_median": rating}  # fmt: skip
        return Row(tmp_path, told)

    found = malignancy_regions([row(0, "4.0"), row(0, "2.5"), row(0, "3.0"), row(0, ""), row(1, "5.0")])

    assert found.labels.tolist() == [1, 0]


def test_scores_are_those_counted_by_hand():
    p = np.array([[0.9, 0.1], [0.4, 0.6], [0.3, 0.7], [0.8, 0.2]])

    found = score(p, np.array([0, 0, 1, 1]), ("no", "yes"))

    assert found.confusion == ((1, 1), (1, 1))
    assert (found.accuracy, found.mean_recall, found.always_frac) == (0.5, 0.5, 0.5)
    assert found.auc == 0.75  # of four pairs three are in order


def test_there_is_no_curve_without_both_classes():
    assert area_under_curve(np.array([0.1, 0.2]), np.array([True, True])) is None


def test_the_shared_ratings_split_as_their_readme_says(data_dir):
    rows = read_index(data_dir / "nodule2d", split="val", where=("case!=none",))[:60]

    found = malignancy_regions(rows)

    rated = [r for r in rows if r["malignancy_median"] and float(r["malignancy_median"]) != 3.0]
    expected = [r for r in rated if int(r["area_2of4_px"]) > 0]
    assert len(found.cases) == len(expected)
    assert found.labels.tolist() == [int(float(r["malignancy_median"]) > 3) for r in expected]
