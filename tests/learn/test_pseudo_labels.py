"""The rule that the networks learn from, and the set that it makes."""

import csv
import re

import numpy as np
import pytest

from node.errors import InputRefused
from node.learn import pseudo_drops, pseudo_set
from node.learn.index import read_index
from node.learn.nifti import read_nifti
from node.learn.pseudo_rule import close_p0, close_p1, lungs_of_slice, lungs_of_volume


def chest(size=128):
    """A slice of 2 mm pixels: body, two lungs, a windpipe with a wall, stomach gas, a table beneath."""
    y, x = np.mgrid[:size, :size]
    hu = np.full((size, size), -1000.0, np.float32)
    hu[np.hypot((y - 60) * 1.3, x - 64) < 56] = 40.0
    lungs = (np.hypot(y - 58, x - 40) < 18) | (np.hypot(y - 58, x - 88) < 18)
    hu[lungs] = -820.0
    hu[np.hypot(y - 42, x - 64) < 4] = -990.0  # windpipe, 200 mm2
    hu[np.hypot(y - 88, x - 80) < 6] = -995.0  # stomach gas
    hu[110:114, 20:108] = 100.0  # table
    hu[114:116, 20:108] = -600.0  # and what lies in it
    return hu, lungs


def test_lungs_are_found_and_windpipe_gas_and_table_are_not():
    hu, lungs = chest()

    assert np.array_equal(lungs_of_slice(hu, 2.0), lungs)


def test_an_empty_picture_has_no_lungs():
    assert not lungs_of_slice(np.full((32, 32), -1000, np.float32), 2.0).any()


def test_p0_closes_over_a_vessel_and_leaves_a_nodule_out():
    lungs = np.zeros((60, 60), bool)
    lungs[5:55, 5:55] = True
    vessel, nodule = np.zeros_like(lungs), np.zeros_like(lungs)
    vessel[20:23, 10:50] = True  # 3 mm wide
    nodule[30:45, 20:35] = True  # 225 mm2
    hollow = lungs & ~vessel & ~nodule

    closed = close_p0(hollow, np.zeros_like(lungs), 1.0)

    assert closed[vessel].all()
    assert not closed[32:43, 22:33].any()


def test_p1_holds_the_tumour_and_what_lies_between_it_and_the_lung():
    lungs, tumour = np.zeros((60, 60), bool), np.zeros((60, 60), bool)
    lungs[10:50, 5:30] = True
    tumour[20:40, 35:50] = True  # 5 mm beside the lung

    closed = close_p1(lungs, tumour, np.zeros_like(lungs), 1.0)

    assert closed[tumour].all()
    assert closed[25:35, 30:35].all()


def test_a_diaphragms_dome_stays_out_of_both():
    lungs = np.zeros((60, 60), bool)
    lungs[5:55, 5:55] = True
    lungs[15:45, 15:45] = False  # 900 mm2
    nothing = np.zeros_like(lungs)

    assert not close_p0(lungs, nothing, 1.0)[30, 30]
    assert not close_p1(lungs, nothing, nothing, 1.0)[30, 30]


@pytest.mark.parametrize(("case", "at_least"), [("LUNG1-002", 0.95), ("LUNG1-007", 0.975)])
def test_the_rule_agrees_with_the_experts_that_serve_for_choosing(data_dir, case, at_least):
    picture, label = (read_nifti(data_dir / "vol3d" / f"{case}_{name}.nii.gz") for name in ("ct", "label"))
    lungs, airway = lungs_of_volume(picture.voxels_zyx.astype(np.float32), picture.spacing_zyx_mm)
    pixel_mm = picture.spacing_zyx_mm[1]
    closed = np.stack([close_p0(a, b, pixel_mm) for a, b in zip(lungs, airway, strict=True)])
    reference = label.voxels_zyx == 1

    assert 2 * (closed & reference).sum() / (closed.sum() + reference.sum()) >= at_least


def test_ids_hold_both_definitions():
    lungs, tumour, node, airway = (np.zeros((40, 40), bool) for _ in range(4))
    lungs[5:35, 5:20] = True
    tumour[15:25, 22:32] = True
    node[0:3, 0:3] = True

    ids = pseudo_set._ids(lungs, airway, tumour, node, 1.0)

    assert set(np.unique(ids)) == {0, 1, 2, 3, 4}
    assert (ids[tumour] == 2).all()
    assert (ids[node] == 3).all()
    assert (ids[18:22, 20:22] == 4).all()


def test_every_drop_has_a_reason_and_names_a_case_of_the_sets(data_dir):
    known = {row.case for name in ("lung2d", "tumour2d", "vol3d") for row in read_index(data_dir / name)}
    tables = (*pseudo_drops._DROPPED, *pseudo_drops._DROPPED_FOR_P1)

    assert all(reason and case in known and first <= last for case, first, last, reason in tables)
    assert pseudo_drops.why_dropped("MSD-S43", 190)
    assert not pseudo_drops.why_dropped("MSD-S43", 150)
    assert {re.sub(r"^T_(.*)_z\d+$", r"\1", name) for name in pseudo_drops.EMPTIED} <= known


@pytest.mark.parametrize("name", pseudo_drops.GAS)
def test_named_gas_is_taken_off_and_the_lung_beside_it_stays(data_dir, name):
    (row,) = read_index(data_dir / "tumour2d", where=(f"id={name}",))
    hu, _, pixel_mm = pseudo_set._reduced(row)
    by_rule = lungs_of_slice(hu, pixel_mm)
    made = pseudo_set._of_tumour_row(row)

    assert all(by_rule[pixel] and made.mask_yx[pixel] == 0 for pixel in pseudo_drops.GAS[name])
    assert (made.mask_yx == 1).any()
    assert not made.drop
    assert not pseudo_drops.why_dropped(row.case, int(row["z_index"]))


@pytest.fixture
def few(data_dir, monkeypatch):
    """The first two rows of each source, so that the set is made in seconds."""
    whole = pseudo_set.read_index

    def some(root, **told):
        rows = whole(root, **told)
        if root.name == "vol3d":
            return tuple(row for row in rows if row.case == "LIDC-IDRI-0001")
        chosen = {}
        for row in rows:
            chosen.setdefault((row["source"], row.split), []).append(row)
        return tuple(row for found in chosen.values() for row in found[:2])

    monkeypatch.setattr(pseudo_set, "read_index", some)
    return data_dir


def test_the_set_is_in_the_sets_own_format_and_holds_free_rows_without_a_test_row(few, tmp_path):
    kept = pseudo_set.make_pseudo_set(few, tmp_path)

    rows = read_index(tmp_path)
    assert kept == sum(not row["drop"] for row in rows)
    assert all(row.is_free and row.split in {"train", "val"} for row in rows)
    with (tmp_path / "index.csv").open() as file:
        first = next(csv.DictReader(file))
    assert (first["width"], first["hu_slope"], first["label_origin"]) == ("256", "1", "rule")


def test_a_source_under_another_licence_is_refused(few, tmp_path, monkeypatch):
    monkeypatch.setattr(pseudo_set, "VOLUMES", ("LUNG1-002",))
    monkeypatch.setattr(pseudo_set, "read_index", lambda root, **told: read_index(few / root.name, **told))

    with pytest.raises(InputRefused) as caught:
        list(pseudo_set._from_volumes(few))
    assert caught.value.code == "SET-LICENCE"
