"""Whole scans against what is known: found, known, false, FROC; mining, pictures; test scans are left alone."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from node.errors import InputRefused
from node.learn.candidate_set import described
from node.learn.findings_sheet import findings_sheet
from node.learn.hard_negatives import mine
from node.learn.index import read_index
from node.learn.lesion_set import load
from node.learn.outlines import filled
from node.learn.runs import runs
from node.learn.scan_judge import as_found, find, summary
from node.learn.scan_score import FoundMark, froc, score
from node.learn.scans import Known, Scan, scans
from node.learn.seen import Seen, finder_for, is_learnt
from node.phantom.phantom import Nodule
from node.segment.registry import load_lesions
from tests.lesions.conftest import LUNGS, calibrated, lungs_of, sharp, volume_of

NODULE = Nodule((-92.0, -28.0, 20.0), 16.0)
OTHER = Nodule((88.0, 30.0, -40.0), 24.0)
FULL = (slice(0, 2), slice(0, 2), slice(0, 2))


def mark(centre=(0.0, 0.0, 0.0), confidence=0.9, box=FULL) -> FoundMark:
    return FoundMark("nodule-1", centre, confidence, 10.0, box, np.ones((2, 2, 2), bool))


def scan_with(*known: Known, read_completely=True, spared=(), split="val") -> Scan:
    return Scan("one", "A", split, None, known, read_completely, spared)


def outline(at=(0, 0, 0)) -> Known:
    mask = np.zeros((9, 9, 9), bool)
    mask[at] = True
    return Known(mask_zyx=mask)


class Outlined:
    """A lung model that knows its phantom."""

    identity = LUNGS

    def __init__(self, phantom):
        self._phantom = phantom

    def segment(self, volume):
        return lungs_of(self._phantom)


@pytest.mark.parametrize(
    ("known", "hit"),
    [
        (outline(), True),
        (outline((8, 8, 8)), False),
        (Known(ball_lps_mm=((0.0, 0.0, 5.0), 6.0)), True),
        (Known(ball_lps_mm=((0.0, 0.0, 5.0), 4.0)), False),
        (Known(box_lps_mm=((-1.0, 1.0), (-1.0, 1.0), (-1.0, 1.0))), True),
        (Known(box_lps_mm=((2.0, 3.0), (-1.0, 1.0), (-1.0, 1.0))), False),
    ],
)
def test_a_mark_finds_an_outline_a_ball_or_a_box(known, hit):
    scored = score(scan_with(known), [mark()])
    assert scored.n_found == int(hit)
    assert scored.n_false == int(not hit)


def test_two_marks_on_one_lesion_find_it_once_and_neither_is_false():
    scored = score(scan_with(outline()), [mark(), mark(confidence=0.4)])
    assert (scored.n_known, scored.n_found, scored.n_false) == (1, 1, 0)
    assert scored.best == (0.9,)


def test_the_mark_that_shares_most_with_an_outline_is_judged_by_it():
    truth = np.zeros((9, 9, 9), bool)
    truth[:2, :2, :3] = True  # 12 voxels; the first mark shares 8 of its 8, the second 4 of its 8
    second = replace(mark(box=(slice(0, 2), slice(0, 2), slice(2, 4))), name="nodule-2")
    (fit,) = score(scan_with(Known(mask_zyx=truth)), [second, mark()]).fits
    assert fit.mark == "nodule-1"
    assert fit.dice == pytest.approx(16 / 20)
    assert fit.volume_ratio == pytest.approx(8 / 12)
    assert score(scan_with(outline((8, 8, 8))), [mark()]).fits == (None,)
    assert score(scan_with(Known(ball_lps_mm=((0.0, 0.0, 5.0), 6.0))), [mark()]).fits == ()


def test_marks_elsewhere_are_false_only_where_a_scan_was_read_completely_and_no_reader_marked():
    beside = [mark(centre=(50.0, 0.0, 0.0), box=(slice(5, 7),) * 3)]
    assert score(scan_with(outline()), beside).n_false == 1
    unread = score(scan_with(outline(), read_completely=False), beside)
    assert (unread.n_false, unread.n_unadjudicated) == (0, 1)
    assert score(scan_with(outline(), spared=((52.0, 0.0, 0.0),)), beside).n_false == 0
    assert score(scan_with(replace(outline((5, 5, 5)), counts=False)), beside).n_false == 0


def test_froc_counts_what_is_more_confident_than_the_allowed_false_marks():
    away = {"centre": (50.0, 0.0, 0.0), "box": (slice(5, 7),) * 3}
    good = score(scan_with(outline()), [mark(confidence=0.9), mark(confidence=0.5, **away)])
    late = score(scan_with(outline()), [mark(confidence=0.3), *(mark(confidence=0.8, **away) for _ in range(3))])

    curve = froc([good, late])

    assert curve.sensitivity[0] == 0.5  # at 1/8 a scan none of the four is allowed
    assert curve.sensitivity[-1] == 1.0
    assert list(curve.sensitivity) == sorted(curve.sensitivity)
    assert curve.interval[0][0] <= 0.5 <= curve.interval[0][1]
    assert summary([good, late])["false_per_scan_median"] == 2.0
    assert froc([replace(good, read_completely=False)]) is None


def test_a_scan_that_was_learnt_from_is_refused_whatever_its_folder_is_called():
    for names in ({"A"}, {"one"}):
        with pytest.raises(InputRefused) as caught:
            finder_for(scan_with(), [Seen(None, frozenset(names))])
        assert caught.value.code == "EVAL-TRAINED"
        assert is_learnt(scan_with(), [Seen(None, frozenset(names))])
    assert not is_learnt(scan_with(), [Seen(None, frozenset({"A"})), Seen(None, frozenset({"B"}))])
    assert finder_for(scan_with(), [Seen(None, frozenset({"A"})), Seen("mine", frozenset({"B"}))]) == "mine"


def test_candidates_of_a_patient_that_every_network_learnt_from_may_be_passed_over_but_no_test_scan():
    seen = [Seen(None, frozenset({"A"})), Seen(None, frozenset({"A", "B"}))]

    free = replace(scan_with(), licence="CC BY 4.0")

    assert list(described([free], seen, None, skip_learnt=True)) == []
    assert list(described([replace(free, licence="CC BY-NC 3.0")], [], None)) == []
    with pytest.raises(InputRefused) as caught:
        list(described([replace(scan_with(), split="test")], seen, None, skip_learnt=True))
    assert caught.value.code == "SET-LEAK"


def phantom_scan(phantom, *, split="train", known=1) -> Scan:
    lesions = tuple(Known(mask_zyx=phantom.labels_zyx == 3 + n) for n in range(known))
    return Scan("set/ph", "PH", split, volume_of(phantom), lesions, read_completely=True, licence="CC BY 4.0")


def test_marks_lie_on_the_scans_own_grid(rule_model, chest):
    phantom = chest(NODULE, OTHER)
    scan = phantom_scan(phantom, known=2)
    finder = load_lesions("dense", rule_model()).finder

    scored = score(scan, as_found(find(scan, lungs_of(phantom), finder).marks, scan))

    assert (scored.n_known, scored.n_found) == (2, 2)
    centres = np.array([one.mark.centre_lps_mm for one in scored.judged if one.hits])
    for nodule in (NODULE, OTHER):
        assert np.linalg.norm(centres - nodule.centre_lps_mm, axis=1).min() < 4.0


def test_two_scans_of_one_patient_stay_two_stacks_of_slices(rule_model, chest, tmp_path):
    phantom = chest(NODULE, OTHER)
    finder = load_lesions("dense", rule_model()).finder
    scan = phantom_scan(phantom)

    mined = mine([scan, replace(scan, name="again")], finder, Outlined(phantom), tmp_path / "hard")

    rows = read_index(tmp_path / "hard", split="train")
    data = load(rows, 256)
    assert len({row.id for row in rows}) == len(data) == mined.n_slices
    assert len({plane.stack for plane in data.planes}) == 2
    assert sorted(int(at) for run in runs(data) for at in run) == list(range(len(data)))  # each slice in one run


def test_wrong_marks_on_training_scans_become_rows_that_train_lesions_reads(rule_model, chest, tmp_path):
    phantom = chest(NODULE, OTHER)
    finder = load_lesions("dense", rule_model()).finder

    mined = mine([phantom_scan(phantom)], finder, Outlined(phantom), tmp_path / "hard")

    assert mined.n_marks >= 1  # the second nodule is not among the known ones
    rows = read_index(tmp_path / "hard", split="train")
    data = load(rows, 256)
    assert len(data) == mined.n_slices
    there = {plane.z for plane in data.planes}
    of_other = np.flatnonzero((phantom.labels_zyx == 4).any(axis=(1, 2)))
    assert there & set(of_other.tolist())
    at = data.planes[0]
    assert np.abs(at.hu_yx - np.clip(phantom.hu_zyx[at.z], -1024, 3071)).max() <= 1
    assert all(np.array_equal(one.tumour_yx, phantom.labels_zyx[one.z] == 3) for one in data.planes)
    with pytest.raises(InputRefused) as caught:
        mine([phantom_scan(phantom, split="test")], finder, Outlined(phantom), tmp_path / "none")
    assert caught.value.code == "SET-LEAK"


def test_candidates_are_labelled_and_test_scans_are_never_read(rule_model, chest):
    phantom = chest(NODULE, OTHER)
    seen = [Seen(load_lesions("dense", rule_model()).finder, frozenset())]

    found = list(described([phantom_scan(phantom)], seen, Outlined(phantom)))

    assert sum(one.labelled.is_lesion for one in found) == 1
    assert any(not one.labelled.is_lesion for one in found)
    assert all(0.0 <= one.entropy <= np.log(2) + 1e-6 and one.flip_distance >= 0.0 for one in found)
    with pytest.raises(InputRefused) as caught:
        list(described([phantom_scan(phantom, split="test")], seen, Outlined(phantom)))
    assert caught.value.code == "SET-LEAK"


def test_an_earlier_calibrations_limits_hide_no_candidate_from_the_next(rule_model, chest):
    phantom = chest(NODULE, OTHER)
    models = rule_model()
    plain = load_lesions("dense", models).finder
    calibrated(models / "dense", replace(sharp(), limits={"elongation": (-2.0, -1.0)}))  # nothing is like that

    limited = load_lesions("dense", models).finder

    before, after = (
        list(described([phantom_scan(phantom)], [Seen(finder, frozenset())], Outlined(phantom)))
        for finder in (plain, limited)
    )
    assert len(after) == len(before) > 0
    assert {one.labelled.split for one in after} == {phantom_scan(phantom).split}


def test_a_contact_sheet_shows_every_mark_and_leaves_room_for_a_verdict(rule_model, chest, tmp_path):
    phantom = chest(NODULE, OTHER)
    models = rule_model()
    calibrated(models / "dense", sharp(log_mm3=2.0, bias=-14.0))
    scan = phantom_scan(phantom)
    finder = load_lesions("dense", models).finder
    scored = score(scan, as_found(find(scan, lungs_of(phantom), finder).marks, scan))

    path = findings_sheet(scan, scored, tmp_path)

    with Image.open(path) as picture:
        pixels = np.asarray(picture.convert("RGB")).astype(int)
    assert ((pixels[..., 0] > 180) & (pixels[..., 2] < 90)).any()  # outlines of marks
    table = path.with_suffix(".md").read_text()
    assert table.count("| nodule-") == min(scored.n_marks, 40)
    assert "known lesion" in table
    assert "no lesion" in table


def test_a_node_on_a_mined_slice_is_no_tumour(rule_model, chest, tmp_path):
    phantom = chest(NODULE, OTHER)
    both = phantom_scan(phantom, known=2).known
    at_one_place = np.roll(both[1].mask_zyx, 12, axis=2)
    scan = replace(phantom_scan(phantom), known=(both[0], Known(mask_zyx=at_one_place, counts=False)))

    mine([scan], load_lesions("dense", rule_model()).finder, Outlined(phantom), tmp_path / "hard")

    mined = load(read_index(tmp_path / "hard", split="train"), 256).planes
    assert any(at_one_place[one.z].any() for one in mined)
    assert all(np.array_equal(one.tumour_yx, phantom.labels_zyx[one.z] == 3) for one in mined)


def test_a_voxel_belongs_to_the_outline_that_its_centre_lies_inside(chest):
    volume = volume_of(chest())
    angle = np.linspace(0.0, 2.0 * np.pi, 200, endpoint=False)
    _, row_mm, column_mm = volume.spacing_zyx_mm
    x0, y0, z_mm = (volume.lps_from_zyx @ (10, 50, 60, 1.0))[:3]
    circle = [(x0 + 20.3 * np.cos(a), y0 + 20.3 * np.sin(a)) for a in angle]
    box = [(x0 - 1.4 * column_mm, y0 - 2.4 * row_mm), (x0 + 1.4 * column_mm, y0 - 2.4 * row_mm),
           (x0 + 1.4 * column_mm, y0 + 2.4 * row_mm), (x0 - 1.4 * column_mm, y0 + 2.4 * row_mm)]  # fmt: skip

    found = filled([(z_mm, circle)], volume)[10]
    at = np.argwhere(filled([(z_mm, box)], volume))

    rows, columns = np.indices(found.shape)
    assert np.array_equal(found, np.hypot((rows - 50) * row_mm, (columns - 60) * column_mm) < 20.3)
    assert (at.min(axis=0).tolist(), at.max(axis=0).tolist()) == ([10, 48, 59], [10, 52, 61])


def test_an_outline_inside_another_is_a_hole(chest):
    volume = volume_of(chest())
    z = 10
    x0, y0, z_mm = (volume.lps_from_zyx @ (z, 40, 40, 1.0))[:3]
    square = [(x0, y0), (x0 + 50, y0), (x0 + 50, y0 + 50), (x0, y0 + 50)]
    hole = [(x0 + 15, y0 + 15), (x0 + 35, y0 + 15), (x0 + 35, y0 + 35), (x0 + 15, y0 + 35)]

    mask = filled([(z_mm, square), (z_mm, hole), (z_mm + 500.0, square)], volume)

    assert mask[z, 41, 41]
    assert not mask[z, 50, 50]
    assert np.flatnonzero(mask.any(axis=(1, 2))).tolist() == [z]


@pytest.mark.data
def test_the_shared_scans_come_with_their_truth(data_dir: Path):
    (volume,) = scans(data_dir / "vol3d", frozenset({"train"}), frozenset({"LIDC-IDRI-0002"}))
    assert volume.read_completely
    assert [k.counts for k in volume.known].count(True) == 1
    assert volume.known[0].volume_mm3 == pytest.approx(4930, rel=0.02)
    assert volume.spared_lps_mm
    told = json.loads((data_dir / "known-lesions.json").read_text())
    names = {name for name, one in told["scans"].items() if one["split"] == "train"}
    (lidc,) = scans(data_dir, frozenset({"train"}), frozenset({"ct/lidc-idri-0001"}))
    assert lidc.is_of(frozenset({"LIDC-IDRI-0001"}))
    assert names == {"ct/lidc-idri-0001", "ct/4d-lung-113"}
    assert lidc.known[0].volume_mm3 == pytest.approx(6700, rel=0.05)
    (gated,) = scans(data_dir, frozenset({"train"}), frozenset({"ct/4d-lung-113"}))
    assert gated.known[0].volume_mm3 == pytest.approx(67700, rel=0.01)
    assert gated.case == "4D-Lung-113"  # as the sets call the patient, who is held out under one name
    with (data_dir / "vol3d" / "index.csv").open() as file:
        assert {r["case"] for r in csv.DictReader(file)} >= {"LIDC-IDRI-0002"}
