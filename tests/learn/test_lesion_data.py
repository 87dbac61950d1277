"""Readers of stacked crops and cubes, neighbours, crops, runs: what a tumour network is shown."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from node.errors import InputRefused, Misconfigured
from node.learn.index import Row, read_index
from node.learn.lesion_catalogue import lesion_entry, reduced
from node.learn.lesion_feed import feed, of_run
from node.learn.lesion_set import AIR_HU, LesionSet, corner_of, crops, cut, load, moments, of_planes
from node.learn.nodule_crop import read_crop
from node.learn.nodule_cube import read_cube
from node.learn.planes import Plane, planes
from node.learn.runs import UNKNOWN_STEP_MM, cut_runs, draw, pieces, runs, whole
from node.learn.subtype_picture import read_subtype
from node.segment.preprocess.lesion_recipes import recipe
from node.segment.tiles import tiled, whole_and_tiled


def plane(z: int, stack: str = "A", size: int = 16, tumour: bool = False, step_mm: float | None = 2.0) -> Plane:
    ids = np.zeros((size, size), np.uint8)
    if tumour:
        ids[10:12, 2:4] = 1
    return Plane(f"{stack}{z}", stack, "hu", np.full((size, size), 10 * z, np.int16), ids, stack, z, step_mm)


def lesion_set(*found: Plane) -> LesionSet:
    return of_planes(found)


@pytest.fixture
def row(tmp_path: Path) -> Row:
    """A patient with two crops of 8 x 8 (or a cube of two slices) and a mask of reader bits."""
    grey = np.zeros((16, 8), np.uint8)
    grey[8:] = 255
    bits = np.zeros((16, 8), np.uint8)
    bits[8, :4] = [0b0001, 0b0101, 0b1111, 0b1000]
    Image.fromarray(grey).save(tmp_path / "image.png")
    Image.fromarray(bits).save(tmp_path / "mask.png")
    values = {
        "id": "n", "case": "A", "image": "image.png", "mask": "mask.png", "tile": "1", "width": "8", "height": "8",
        "pixel_mm": "0.7", "label": "bitmask: bit k", "domain": "perslice8", "split": "train",
    }  # fmt: skip
    return Row(tmp_path, values)


def test_a_tile_is_cut_out_of_its_stack_and_each_reader_has_a_mask(row):
    crop = read_crop(row)

    assert crop.hu_yx.shape == (8, 8)
    assert set(np.unique(crop.hu_yx)) == {400}
    assert crop.readers[:, 0, :4].tolist() == [
        [True, True, True, False],
        [False, False, True, False],
        [False, True, True, False],
        [False, False, True, True],
    ]
    assert crop.votes_yx[0, :5].tolist() == [1, 2, 4, 1, 0]
    assert crop.pixel_mm == 0.7


def test_two_of_four_readers_make_the_reference(row):
    (found,) = planes([row], 256)

    assert np.argwhere(found.tumour_yx).tolist() == [[0, 1], [0, 2]]


@pytest.mark.parametrize(
    ("change", "text"), [({"tile": "2"}, "tile 2 of 2"), ({"width": "4"}, "no stack"), ({"mask": "none.png"}, "mask")]
)
def test_a_stack_that_does_not_fit_is_refused(row, change, text):
    with pytest.raises(InputRefused, match=text):
        read_crop(replace(row, values=row.values | change))


def test_a_mask_with_a_fifth_bit_is_no_mask_of_four_readers(row):
    Image.fromarray(np.full((16, 8), 16, np.uint8)).save(row.root / "mask.png")

    with pytest.raises(InputRefused, match="16"):
        read_crop(row)


def test_a_cube_is_unstacked_in_hu_with_its_spacing(row):
    Image.fromarray(np.repeat(np.array([0, 255], np.uint8), 8)[:, None].repeat(8, 1)).save(row.root / "mask.png")
    told = {"depth": "2", "spacing_mm": "0.8", "hu_slope": "4", "hu_intercept": "-1024", "tile": ""}

    cube = read_cube(replace(row, values=row.values | told))

    assert cube.hu_zyx[:, 0, 0].tolist() == [-1024, -4]
    assert cube.nodule_zyx[:, 0, 0].tolist() == [False, True]
    assert cube.spacing_mm == 0.8


def test_a_cube_of_another_depth_is_refused(row):
    told = {"depth": "3", "spacing_mm": "0.8", "hu_slope": "4", "hu_intercept": "-1024"}

    with pytest.raises(InputRefused, match="3 expected"):
        read_cube(replace(row, values=row.values | told))


def test_a_subtype_is_one_of_four_and_nothing_else(row):
    known = replace(row, values=row.values | {"label": "large_cell"})

    assert read_subtype(known).label == 1
    assert float(read_subtype(known).grey_yx.max()) == 1.0
    with pytest.raises(InputRefused, match="small_cell"):
        read_subtype(replace(row, values=row.values | {"label": "small_cell"}))


def test_rows_in_which_nobody_looked_for_tumours_are_passed_over(small_set):
    rows = read_index(small_set, split="train")
    lungs = [replace(r, values=r.values | {"label": "255 = lung"}) for r in rows[:2]]

    assert len(load([*lungs, *rows[2:4]], 64)) == 2


def test_a_larger_slice_is_reduced_and_a_smaller_one_stays(small_set):
    rows = read_index(small_set, split="val")

    assert {p.hu_yx.shape for p in planes(rows, 32)} == {(32, 32)}
    assert {p.hu_yx.shape for p in planes(rows, 256)} == {(64, 64)}
    assert [int(p.tumour_yx.sum()) for p in planes(rows, 256)] == [36] * 4


def test_neighbours_are_those_of_the_same_stack_and_a_lone_slice_stands_for_itself():
    data = lesion_set(plane(3), plane(4), plane(6), plane(5, "B"))

    assert [[int(c[0, 0]) for c in data.channels(at, 1)] for at in range(4)] == [
        [30, 30, 40],
        [30, 40, 40],
        [60, 60, 60],
        [50, 50, 50],
    ]


def test_neighbours_of_neighbours_come_in_order_from_the_feet():
    data = lesion_set(*(plane(z) for z in range(5)))

    assert [int(c[0, 0]) for c in data.channels(2, 2)] == [0, 10, 20, 30, 40]
    assert [int(c[0, 0]) for c in data.channels(0, 2)] == [0, 0, 0, 10, 20]


def test_neighbours_that_are_strides_apart_stop_at_the_end_of_their_stack():
    data = lesion_set(*(plane(z) for z in range(8)))

    assert [int(c[0, 0]) for c in data.channels(4, 1, 3)] == [10, 40, 70]
    assert [int(c[0, 0]) for c in data.channels(2, 2, 2)] == [0, 0, 20, 40, 60]


@pytest.mark.parametrize(("step_mm", "drawn"), [(None, {1, 2, 3}), (1.0, {1, 2, 3}), (3.0, {1, 2}), (5.0, {1})])
def test_no_neighbour_is_drawn_from_farther_than_six_millimetres(step_mm: float | None, drawn: set[int]):
    data = lesion_set(*(plane(z, step_mm=step_mm) for z in range(4)))

    assert set(data.strides(np.arange(4).repeat(50), np.random.default_rng(0)).tolist()) == drawn


def test_a_crop_shows_its_neighbours_at_the_stride_that_it_is_given():
    data = lesion_set(*(plane(z, size=8) for z in range(8)))

    hu, _ = crops(
        data, np.array([4, 4]), np.random.default_rng(0), 8, neighbours=1, lesion_frac=0.0, strides=np.array([1, 3])
    )

    assert hu[:, :, 4, 4].tolist() == [[30, 40, 50], [10, 40, 70]]


def test_volumes_and_slices_of_one_patient_are_no_neighbours(data_dir):
    rows = read_index(data_dir / "vol3d", where=("case=PYRAD-lung1",))
    slices = read_index(data_dir / "tumour2d", where=("case=PYRAD-lung1",))

    data = load((*rows, *slices), 256)

    assert {p.domain for p in data.planes} == {"volume", "hu"}
    assert sorted(len(run) for run in runs(data))[-1] == 19
    assert sum(p.has_tumour for p in data.planes) == 6


def test_a_crop_round_a_lesion_holds_it_but_not_always_in_the_middle():
    tumour = np.zeros((64, 64), np.uint8)
    tumour[40, 20] = 1
    rng = np.random.default_rng(0)

    corners = [corner_of(tumour, rng, 32, 1.0) for _ in range(50)]

    assert all(top <= 40 < top + 32 and left <= 20 < left + 32 for top, left in corners)
    assert len({40 - top for top, _ in corners}) > 8
    assert all(0 <= top <= 32 and 0 <= left <= 32 for top, left in corners)


def test_the_stated_part_of_the_crops_is_centred_on_a_lesion():
    tumour = np.zeros((512, 512), np.uint8)
    tumour[400, 100] = 1
    rng = np.random.default_rng(0)

    def held(frac: float) -> float:
        corners = [corner_of(tumour, rng, 64, frac) for _ in range(400)]
        return float(np.mean([top <= 400 < top + 64 and left <= 100 < left + 64 for top, left in corners]))

    assert held(0.0) < 0.1
    assert held(0.5) == pytest.approx(0.5, abs=0.1)


def test_a_crop_larger_than_its_slice_is_filled_with_air():
    data = lesion_set(plane(5, size=16, tumour=True))

    hu, tumour = crops(data, np.array([0]), np.random.default_rng(0), 24, neighbours=1, lesion_frac=0.5)

    assert hu.shape == (1, 3, 24, 24)
    assert float(hu[0, 0, 0, 0]) == AIR_HU
    assert int((hu == 50).sum()) == 3 * 16 * 16
    assert int(tumour.sum()) == 4


def test_a_square_beyond_the_slice_is_cut_where_they_meet():
    into = np.zeros((3, 3), np.int16)

    cut(np.arange(16, dtype=np.int16).reshape(4, 4), (-1, 2), into)

    assert into.tolist() == [[0, 0, 0], [2, 3, 0], [6, 7, 0]]


def test_a_run_ends_where_a_slice_is_missing():
    data = lesion_set(plane(1), plane(2), plane(4), plane(5), plane(6), plane(9, "B"))

    assert [run.tolist() for run in runs(data)] == [[0, 1], [2, 3, 4], [5]]


def test_a_whole_run_is_answered_in_sequences_that_overlap_by_half():
    data = lesion_set(*(plane(z) for z in range(11)))

    found = [s.index for s in pieces(data, runs(data)[0], 4)]

    assert [index[0] for index in found] == [0, 2, 4, 6, 7]
    assert {i for index in found for i in index} == set(range(11))
    assert len(pieces(data, np.arange(3), 4)) == 1


def test_a_thinned_sequence_says_how_far_its_slices_are_apart():
    data = lesion_set(*(plane(z, step_mm=2.5) for z in range(30)))
    rng = np.random.default_rng(0)

    drawn = [draw(data, runs(data), rng, 8, np.full(30, 1 / 30)) for _ in range(40)]

    gaps = {sequence.gap_mm[1] for sequence in drawn}
    assert gaps == {2.5, 5.0, 7.5}
    assert all(s.gap_mm[0] == 0.0 and np.ptp(np.diff(s.index)) == 0 for s in drawn)
    assert all(np.diff(s.index)[0] * 2.5 == s.gap_mm[1] for s in drawn)


def test_an_unknown_distance_of_slices_is_taken_as_the_middle():
    data = lesion_set(plane(0, step_mm=None), plane(1, step_mm=None))

    assert pieces(data, runs(data)[0], 8)[0].gap_mm == (0.0, UNKNOWN_STEP_MM)


def test_short_runs_are_padded_and_masked_and_all_slices_are_cut_alike():
    data = lesion_set(*(plane(z, tumour=z == 2) for z in range(3)), plane(7, "B"))
    sequences = tuple(pieces(data, run, 4)[0] for run in runs(data))

    batch = cut_runs(data, sequences, np.random.default_rng(1), 8, length=4, lesion_frac=1.0)

    assert batch.hu.shape == (2, 4, 8, 8)
    assert batch.valid.tolist() == [[True, True, True, False], [True, False, False, False]]
    assert [int(batch.hu[0, t].unique()) for t in range(4)] == [0, 10, 20, AIR_HU]
    assert int(batch.tumour[0, 2].sum()) > 0
    assert batch.gap_mm.tolist() == [[0.0, 2.0, 2.0, 0.0], [0.0] * 4]


def test_the_gap_is_a_channel_of_its_own():
    data = lesion_set(plane(0), plane(1))

    given = of_run(whole(data, pieces(data, runs(data)[0], 8)[0]), recipe("windows"))

    assert given.x.shape == (1, 2, 3, 16, 16)
    assert given.x[0, :, 2, 0, 0].tolist() == pytest.approx([0.0, 0.2])
    assert given.target.shape == (1, 2, 1, 16, 16)


def test_both_windows_are_channels_from_0_to_1():
    hu = torch.tensor([-1350.0, -600.0, 150.0, -160.0, 40.0, 240.0]).reshape(1, 1, 1, 6)

    lung, body = recipe("windows")(hu)[0, :, 0]

    assert lung[:3].tolist() == pytest.approx([0.0, 0.5, 1.0])
    assert body[3:].tolist() == pytest.approx([0.0, 0.5, 1.0])


def test_the_z_score_is_that_of_the_training_rows():
    data = lesion_set(plane(0, size=8), replace(plane(1, size=8), hu_yx=np.full((8, 8), 2000, np.int16)))
    mean_hu, sd_hu = moments(data)

    assert (mean_hu, sd_hu) == (200.0, 200.0)
    assert recipe("zscore", mean_hu, sd_hu)(torch.tensor([[[[-3000.0, 400.0]]]])).ravel().tolist() == [-6.0, 1.0]


def test_the_z_score_of_a_scan_is_its_own():
    x = recipe("scan")(torch.rand(2, 1, 20, 20) * 300)

    assert x.mean((1, 2, 3)).tolist() == pytest.approx([0.0, 0.0], abs=1e-5)
    assert x.std((1, 2, 3)).tolist() == pytest.approx([1.0, 1.0], rel=1e-4)


def test_an_unknown_recipe_is_refused_with_those_that_there_are():
    with pytest.raises(Misconfigured, match="windows"):
        recipe("soup")


@pytest.mark.parametrize("shape", [(64, 64), (50, 73), (20, 90)], ids=str)
def test_tiles_of_a_network_that_changes_nothing_make_the_picture_again(shape):
    pictures = torch.rand(2, 1, *shape)

    assert torch.allclose(tiled(lambda x: x, pictures, side=32, stride=16), pictures, atol=1e-6)


def test_a_small_slice_goes_whole_and_a_large_one_in_tiles_beside_the_reduced_whole():
    seen = []

    def network(x: torch.Tensor) -> torch.Tensor:
        seen.append(tuple(x.shape[-2:]))
        return torch.full_like(x, 4.0 if len(seen) == 1 else 2.0)

    small = whole_and_tiled(network, torch.zeros(1, 1, 200, 256))
    seen.clear()
    large = whole_and_tiled(network, torch.zeros(1, 1, 512, 512))

    assert float(small.unique()) == 4.0
    assert seen == [(256, 256)] * (1 + 9)
    assert float(large.unique()) == 3.0  # half of the whole's 4, half of the tiles' 2


def test_where_tiles_overlap_their_logits_are_averaged():
    calls = iter([0.0, 1.0, 2.0])

    found = tiled(lambda x: torch.full_like(x, next(calls)), torch.zeros(1, 1, 4, 8), side=4, stride=2)

    assert found[0, 0, 0].tolist() == [0.0, 0.0, 0.5, 0.5, 1.5, 1.5, 2.0, 2.0]


def test_the_shared_crops_and_cubes_are_what_their_index_says(data_dir):
    crop_rows = read_index(data_dir / "nodule2d", split="val")[:20]
    cube_rows = read_index(data_dir / "nodule3d", split="val")[:5]

    for crop_row in crop_rows:
        votes = read_crop(crop_row).votes_yx
        assert int((votes >= 2).sum()) == int(crop_row["area_2of4_px"])
        assert int((votes >= 1).sum()) == int(crop_row["area_any_px"])
    for cube_row in cube_rows:
        cube = read_cube(cube_row)
        assert cube.nodule_zyx.sum() * cube.spacing_mm**3 == pytest.approx(float(cube_row["volume_mm3"]), rel=0.01)


def test_the_shared_tumour_slices_have_the_pixels_that_their_index_says(data_dir):
    rows = read_index(data_dir / "tumour2d", where=("case=MSD-S02",))

    data = load(rows, 256)

    with (data_dir / "tumour2d" / "index.csv").open(newline="") as file:
        told = [int(line["tumour_px"]) for line in csv.DictReader(file) if line["case"] == "MSD-S02"]
    assert [int(p.tumour_yx.sum()) for p in data.planes] == told


def test_a_sequence_holds_the_slice_that_was_drawn():
    data = lesion_set(*(plane(z) for z in range(40)), *(plane(z, "B") for z in range(3)))
    rng = np.random.default_rng(0)

    for at in (0, 7, 39, 41):
        for _ in range(20):
            assert at in draw(data, runs(data), rng, 8, np.eye(43)[at]).index


def test_domains_have_their_shares_and_a_case_shows_a_lesion_half_of_the_time():
    volume = [replace(plane(z, "V", tumour=z == 3), domain="volume") for z in range(9)]
    cubes = [replace(plane(z, f"C{n}"), domain="cube") for n in range(5) for z in range(4)]
    data = lesion_set(*volume, *cubes, plane(0, "H", tumour=True), plane(1, "H", tumour=True), plane(2, "H"))

    p = data.weights({"hu": 0.5, "volume": 0.3, "cube": 0.2})

    assert [p[:9].sum(), p[9:29].sum(), p[29:].sum()] == pytest.approx([0.3, 0.2, 0.5])
    assert p[3] == pytest.approx(0.15)  # one of nine slices, half of the draws
    assert p[29:] == pytest.approx([0.5 / 3] * 3)  # two of three slices have a lesion already


def test_small_cubes_share_a_crop_and_keep_their_neighbours_and_lesions():
    cubes = [plane(z, f"C{n}", size=8, tumour=False) for n in range(3) for z in range(10 * n, 10 * n + 3)]
    cubes[4].tumour_yx[2, 5] = 1
    data = lesion_set(*cubes)

    hu, tumour = crops(data, np.array([4]), np.random.default_rng(0), 24, neighbours=1, lesion_frac=1.0)

    assert hu.shape == (1, 3, 24, 24)
    assert int(hu.min()) > AIR_HU  # nine of them, and no air in between
    cells = hu[0].reshape(3, 3, 8, 3, 8).permute(1, 3, 0, 2, 4).reshape(9, 3, 64)
    middle = cells[:, 1, 0].tolist()
    assert 110.0 in middle  # the slice that was asked for
    for below, at, above in cells[:, :, 0].tolist():
        assert (below, above) == (max(at - 10, at // 100 * 100), min(at + 10, at // 100 * 100 + 20))
    on = [tuple(pixel) for pixel in tumour[0, 0].nonzero().tolist()]
    assert {(y % 8, x % 8) for y, x in on} == {(2, 5)}
    assert len(on) == middle.count(110.0)


@pytest.mark.parametrize("name", ["unet", "raemd-net"])
def test_the_target_of_a_tumour_network_is_its_tumour_and_nothing_drawn(name):
    data = lesion_set(*(plane(z, size=32, tumour=True) for z in range(12)))
    plan = replace(reduced(lesion_entry(name)), crop_px=32)

    targets = [given.target for given in feed(data, plan, recipe("windows"), np.random.default_rng(0))]

    assert set(torch.cat([t.unique() for t in targets]).tolist()) == {0.0, 1.0}


def test_that_a_slice_has_no_neighbours_says_nothing_of_a_lesion(monkeypatch):
    monkeypatch.setattr("node.learn.lesion_feed.augment", lambda hu, tumour, _: (hu, tumour))
    tumours = [plane(z, f"T{n}", tumour=True) for n in range(6) for z in range(5)]
    singles = [plane(z, f"T{n}") for n in range(6) for z in range(10, 30, 4)]
    data = lesion_set(*tumours, *singles, *(plane(z, f"T{n}") for n in range(6) for z in (32, 33)))
    plan = replace(reduced(lesion_entry("unet")), crop_px=16)

    alone, lesion = [], []
    for given in feed(data, plan, recipe("unit"), np.random.default_rng(0)):
        alone += (given.x == given.x[:, 1:2]).all(1).flatten(1).all(1).tolist()
        lesion += given.target.flatten(1).any(1).tolist()

    with_lesion, without = (np.array(alone)[np.array(lesion) == kind].mean() for kind in (True, False))
    assert with_lesion == pytest.approx(without, abs=0.15)
    assert 0.6 < without < 0.85  # five of seven


def test_half_of_the_crops_stand_on_their_head(monkeypatch):
    monkeypatch.setattr("node.learn.lesion_feed.augment", lambda hu, tumour, _: (hu, tumour))
    data = lesion_set(*(plane(z, size=32, tumour=True) for z in range(12)))
    plan = replace(reduced(lesion_entry("unet")), crop_px=32)

    given = torch.cat([given.x for given in feed(data, plan, recipe("unit"), np.random.default_rng(0))])

    feet_up = given[:, 0, 0, 0] > given[:, 2, 0, 0]
    assert float(feet_up.float().mean()) == pytest.approx(0.5, abs=0.08)


def test_where_both_kinds_have_neighbours_they_keep_them():
    data = lesion_set(*(plane(z, tumour=z < 4) for z in range(9)), replace(plane(0, "B"), domain="other"))

    assert data.alone_odds(np.full(10, 0.1)).tolist() == [0.0] * 10


def test_slices_of_one_patient_in_two_sets_are_no_neighbours(tmp_path):
    rows = []
    for name, z in (("one", 7), ("one", 8), ("other", 9)):
        (tmp_path / name).mkdir(exist_ok=True)
        for picture in ("image", "mask"):
            Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / name / f"{picture}.png")
        values = {
            "id": f"{name}{z}", "case": "A", "image": "image.png", "mask": "mask.png", "label": "255 = tumour",
            "domain": "hu", "hu_slope": "1", "hu_intercept": "0", "split": "train", "z_index": str(z),
        }  # fmt: skip
        rows.append(Row(tmp_path / name, values))

    data = load(rows, 8)  # each set counts its slices from another one

    assert [run.tolist() for run in runs(data)] == [[0, 1], [2]]
