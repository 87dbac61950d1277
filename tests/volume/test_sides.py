"""Wherever the scanner stood and however the slices were sent, the patient's left stays left."""

from math import cos, radians, sin
from pathlib import Path

import numpy as np
import pytest

from node.errors import Code
from node.facts.folder import read_folder
from node.facts.series import SeriesFacts
from node.phantom.dicom import Order, SeriesOptions, write_series
from node.phantom.enhanced import write_enhanced
from node.phantom.grid import grid_at
from node.phantom.phantom import LEFT_LUNG, RIGHT_LUNG, Phantom
from node.phantom.simple import LUNG_HU, make_asymmetric
from node.volume.read import read_volume
from node.volume.volume import Volume

TURNED_8 = radians(8.0)

# row direction, column direction; what a scanner writes for these patient positions, and flips that archives make
ORIENTATIONS = {
    "head-first-supine": ("HFS", (1, 0, 0, 0, 1, 0)),
    "feet-first-supine": ("FFS", (-1, 0, 0, 0, 1, 0)),
    "head-first-prone": ("HFP", (-1, 0, 0, 0, -1, 0)),
    "feet-first-prone": ("FFP", (1, 0, 0, 0, -1, 0)),
    "head-first-decubitus-right": ("HFDR", (0, 1, 0, -1, 0, 0)),
    "head-first-decubitus-left": ("HFDL", (0, -1, 0, 1, 0, 0)),
    "feet-first-decubitus-right": ("FFDR", (0, 1, 0, 1, 0, 0)),
    "feet-first-decubitus-left": ("FFDL", (0, -1, 0, -1, 0, 0)),
    "oblique-about-l": ("HFS", (1, 0, 0, 0, cos(TURNED_8), sin(TURNED_8))),
    "oblique-about-p": ("HFS", (cos(TURNED_8), 0, -sin(TURNED_8), 0, 1, 0)),
    "rotated-in-plane": ("HFS", (cos(0.4), sin(0.4), 0, -sin(0.4), cos(0.4), 0)),
}


def read(folder: Path, **options: object) -> Volume:
    (series,) = read_folder(folder).series
    volume = read_volume(series, **options)
    assert isinstance(volume, Volume), volume
    return volume


def lungs_in_lps(volume: Volume, lps_mm: np.ndarray) -> np.ndarray:
    """HU at points of patient space, nearest voxel."""
    at = (np.linalg.inv(volume.lps_from_zyx) @ np.c_[lps_mm, np.ones(len(lps_mm))].T)[:3]
    z, y, x = np.rint(at).astype(int)
    return volume.hu_zyx[z, y, x]


def points_of(phantom: Phantom, label: int) -> np.ndarray:
    """Voxel centres of a label in patient space, mm."""
    at = np.argwhere(phantom.labels_zyx == label)
    return (phantom.grid.lps_from_zyx @ np.c_[at, np.ones(len(at))].T)[:3].T


def assert_same_patient(volume: Volume, phantom: Phantom) -> None:
    """Every labelled voxel of the truth is lung at its place, and nothing else of the volume is."""
    for label in (RIGHT_LUNG, LEFT_LUNG):
        assert (lungs_in_lps(volume, points_of(phantom, label)) == LUNG_HU).all()
    assert int((volume.hu_zyx == LUNG_HU).sum()) == int((phantom.labels_zyx > 0).sum())


@pytest.mark.parametrize("order", list(Order))
@pytest.mark.parametrize("name", ORIENTATIONS)
def test_every_voxel_keeps_its_place_in_the_patient(name: str, order: Order, tmp_path: Path) -> None:
    position, orientation = ORIENTATIONS[name]
    phantom = make_asymmetric(grid_at((2.0, -3.0, 1.0), (22, 40, 44), (7.0, 6.5, 5.5), orientation))
    write_series(phantom, tmp_path, SeriesOptions(patient_position=position, order=order))

    volume = read(tmp_path)

    assert_same_patient(volume, phantom)


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_the_matrix_is_the_grids(name: str, tmp_path: Path) -> None:
    position, orientation = ORIENTATIONS[name]
    phantom = make_asymmetric(grid_at((2.0, -3.0, 1.0), (22, 40, 44), (7.0, 6.5, 5.5), orientation))
    write_series(phantom, tmp_path, SeriesOptions(patient_position=position))

    volume = read(tmp_path)

    np.testing.assert_allclose(volume.lps_from_zyx, phantom.grid.lps_from_zyx, atol=1e-5)
    np.testing.assert_array_equal(volume.hu_zyx, phantom.hu_zyx)


def test_the_foot_of_the_l_lies_in_the_right_anterior_base(tmp_path: Path) -> None:
    phantom = make_asymmetric(grid_at((0.0, 0.0, 0.0), (30, 50, 50), (5.0, 5.0, 5.0), (-1, 0, 0, 0, -1, 0)))
    write_series(phantom, tmp_path, SeriesOptions(order=Order.SHUFFLED))

    volume = read(tmp_path)
    foot, beside, above = np.array([[-35.0, -35.0, -40.0], [35.0, -40.0, -55.0], [-35.0, -35.0, 20.0]])

    assert lungs_in_lps(volume, np.stack([foot, beside, above])).tolist() == [LUNG_HU, 0, 0]


def test_slices_are_sorted_by_position_and_not_by_instance_number(tmp_path: Path) -> None:
    phantom = make_asymmetric(grid_at((0.0, 0.0, 0.0), (20, 40, 40), (6.0, 6.0, 6.0)))
    write_series(phantom, tmp_path / "a", SeriesOptions(order=Order.ASCENDING))
    write_series(phantom, tmp_path / "b", SeriesOptions(order=Order.DESCENDING))

    up, down = read(tmp_path / "a"), read(tmp_path / "b")

    np.testing.assert_array_equal(up.hu_zyx, down.hu_zyx)


def test_a_wrong_slice_location_changes_nothing(tmp_path: Path) -> None:
    phantom = make_asymmetric(grid_at((0.0, 0.0, 0.0), (20, 40, 40), (6.0, 6.0, 6.0)))
    lies = {i: {"SliceLocation": f"{-7.0 * i}"} for i in range(20)}
    write_series(phantom, tmp_path, SeriesOptions(slices=lies))

    np.testing.assert_array_equal(read(tmp_path).hu_zyx, phantom.hu_zyx)


def test_source_frames_stand_in_the_order_of_the_slices(tmp_path: Path) -> None:
    phantom = make_asymmetric(grid_at((0.0, 0.0, 0.0), (20, 40, 40), (6.0, 6.0, 6.0)))
    write_series(phantom, tmp_path, SeriesOptions(order=Order.SHUFFLED))
    (series,) = read_folder(tmp_path).series
    z_mm = {f.facts.sop_instance_uid: f.facts.geometry.image_position_lps_mm[2] for f in series.files}

    volume = read(tmp_path)

    assert [z_mm[f.sop_instance_uid] for f in volume.frames] == sorted(z_mm.values())


def test_files_in_any_order_give_the_same_volume(tmp_path: Path) -> None:
    phantom = make_asymmetric(grid_at((0.0, 0.0, 0.0), (20, 40, 40), (6.0, 6.0, 6.0)))
    write_series(phantom, tmp_path, SeriesOptions())
    (series,) = read_folder(tmp_path).series
    rng = np.random.default_rng(3)
    shuffled = SeriesFacts(tuple(series.files[i] for i in rng.permutation(20)))

    volume = read_volume(shuffled)

    assert isinstance(volume, Volume)
    np.testing.assert_array_equal(volume.hu_zyx, phantom.hu_zyx)


@pytest.mark.parametrize("legacy", [False, True], ids=["enhanced", "legacy-converted"])
@pytest.mark.parametrize("name", ["head-first-supine", "feet-first-prone", "oblique-about-l"])
def test_frames_of_one_object_keep_their_places(name: str, legacy: bool, tmp_path: Path) -> None:
    phantom = make_asymmetric(grid_at((2.0, -3.0, 1.0), (22, 40, 44), (7.0, 6.5, 5.5), ORIENTATIONS[name][1]))
    order = np.random.default_rng(1).permutation(22).tolist()
    write_enhanced(phantom, tmp_path / "one.dcm", legacy=legacy, frame_order=order)

    volume = read(tmp_path)

    assert_same_patient(volume, phantom)
    assert [f.frame_number for f in volume.frames] == [order.index(z) + 1 for z in range(22)]


@pytest.mark.parametrize("name", ["head-first-prone", "head-first-decubitus-right", "feet-first-prone"])
def test_an_unusual_position_withholds_density_and_nothing_else(name: str, tmp_path: Path) -> None:
    position, orientation = ORIENTATIONS[name]
    phantom = make_asymmetric(grid_at((0.0, 0.0, 0.0), (30, 40, 44), (2.5, 6.5, 5.5), orientation))
    write_series(phantom, tmp_path, SeriesOptions(patient_position=position))

    (found,) = [r for r in read(tmp_path).reasons if r.code is Code.ACQ_PRONE]

    assert [a.value for a in found.affects] == ["density"]
