"""The rule-based lungs: sides in the patient, airways, bowel gas, and the experts' outlines."""

from math import cos, radians, sin
from pathlib import Path

import numpy as np
import pytest

from node.errors import Code, Refusal
from node.segment.contract import ModelIdentity, Segmentation, SegmentKind, Task
from node.segment.rules import RuleLungs, lung_labels

IDENTITY = ModelIdentity("lungs-rule", "1", "0" * 64, Task.LUNGS, "cpu/int16/simpleitk")

ORIENTATIONS = {
    "head first": (1, 0, 0, 0, 1, 0),
    "feet first": (-1, 0, 0, 0, 1, 0),
    "prone": (-1, 0, 0, 0, -1, 0),
    "decubitus": (0, 1, 0, -1, 0, 0),
    "oblique": (cos(radians(7)), 0, -sin(radians(7)), 0, 1, 0),
}


def dice(one, other) -> float:
    return 2.0 * np.count_nonzero(one & other) / (np.count_nonzero(one) + np.count_nonzero(other))


@pytest.mark.parametrize("orientation", ORIENTATIONS.values(), ids=ORIENTATIONS.keys())
@pytest.mark.parametrize("side", [1, 2], ids=["right", "left"])
def test_each_lung_is_found_on_its_side_of_the_patient_however_the_scan_is_stored(thorax, orientation, side):
    phantom = thorax(orientation)
    found = lung_labels(phantom.hu_zyx, phantom.grid.lps_from_zyx)
    assert dice(found == side, phantom.labels_zyx == side) > 0.99


@pytest.mark.parametrize("axes", [(0,), (2,), (1, 2), (0, 1, 2)], ids=str)
def test_reversing_the_storage_of_a_scan_changes_no_voxel(thorax, axes):
    phantom = thorax()
    reversed_ = phantom.grid.lps_from_zyx.copy()
    for axis in axes:
        reversed_[:3, 3] += reversed_[:3, axis] * (phantom.hu_zyx.shape[axis] - 1)
        reversed_[:3, axis] *= -1
    found = lung_labels(np.ascontiguousarray(np.flip(phantom.hu_zyx, axes)), reversed_)
    assert np.array_equal(np.flip(found, axes), lung_labels(phantom.hu_zyx, phantom.grid.lps_from_zyx))


def test_a_scan_segmented_twice_gives_the_same_bits(thorax):
    phantom = thorax()
    one, other = (lung_labels(phantom.hu_zyx, phantom.grid.lps_from_zyx) for _ in range(2))
    assert one.tobytes() == other.tobytes()


def test_a_mirrored_patient_has_his_lungs_exchanged(thorax):
    phantom = thorax()
    mirrored = lung_labels(np.ascontiguousarray(phantom.hu_zyx[:, :, ::-1]), phantom.grid.lps_from_zyx)
    truth = phantom.labels_zyx[:, :, ::-1]
    assert dice(mirrored == 1, truth == 2) > 0.98


def test_lungs_that_touch_in_front_are_parted_at_the_wall_between_them(thorax):
    phantom = thorax()
    hu = phantom.hu_zyx.copy()
    z = np.nonzero((phantom.labels_zyx > 0).any(axis=(1, 2)))[0]
    middle = slice(int(z[len(z) // 2]), int(z[len(z) // 2]) + 8)
    row = int(np.nonzero((phantom.labels_zyx[middle] > 0).any(axis=(0, 2)))[0].mean())
    bridge = (slice(middle.start, middle.stop), slice(row - 12, row - 6))
    for plane, truth in zip(hu[bridge], phantom.labels_zyx[bridge], strict=True):
        for line, sides in zip(plane, truth, strict=True):
            if (sides == 1).any() and (sides == 2).any():
                gap = slice(int(np.nonzero(sides == 1)[0][-1]), int(np.nonzero(sides == 2)[0][0]) + 1)
                line[gap] = -850
                line[(gap.start + gap.stop) // 2] = -600
    found = lung_labels(hu, phantom.grid.lps_from_zyx)
    assert min(dice(found == side, phantom.labels_zyx == side) for side in (1, 2)) > 0.97


def test_a_missing_left_lung_leaves_the_right_one_on_the_right(thorax, as_volume):
    phantom = thorax()
    hu = np.where(phantom.labels_zyx == 2, 30, phantom.hu_zyx).astype(np.int16)
    found = RuleLungs(IDENTITY).segment(as_volume(hu, phantom.grid.lps_from_zyx))
    assert isinstance(found, Segmentation)
    assert [segment.kind for segment in found.segments] == [SegmentKind.RIGHT_LUNG]


def test_the_windpipe_is_not_lung(thorax):
    phantom = thorax()
    hu, truth = phantom.hu_zyx, phantom.labels_zyx
    found = lung_labels(hu, phantom.grid.lps_from_zyx)
    upper = slice(int(0.55 * len(hu)), int(0.7 * len(hu)))
    lumen = (hu[upper] < -950) & (truth[upper] == 0)
    middle = slice(60, 100)
    assert np.count_nonzero(lumen[:, :, middle]) > 100
    assert not (found[upper][:, :, middle][lumen[:, :, middle]] > 0).any()


def test_a_body_without_lungs_is_refused_as_empty(thorax, as_volume):
    phantom = thorax()
    hu = np.where(phantom.labels_zyx > 0, 30, phantom.hu_zyx).astype(np.int16)
    answer = RuleLungs(IDENTITY).segment(as_volume(hu, phantom.grid.lps_from_zyx))
    assert isinstance(answer, Refusal)
    assert answer.leading.code is Code.SEG_EMPTY


def test_a_scan_of_air_is_refused_as_empty(as_volume):
    answer = RuleLungs(IDENTITY).segment(as_volume(np.full((20, 64, 64), -1000, np.int16), np.diag([5.0, 5, 5, 1])))
    assert isinstance(answer, Refusal)
    assert answer.leading.code is Code.SEG_EMPTY


def test_the_answer_cannot_be_written_to(thorax, as_volume):
    phantom = thorax()
    found = RuleLungs(IDENTITY).segment(as_volume(phantom.hu_zyx, phantom.grid.lps_from_zyx))
    assert isinstance(found, Segmentation)
    with pytest.raises(ValueError, match="read-only"):
        found.labels_zyx[0, 0, 0] = 1


def test_lungs_cut_by_the_field_of_view_are_kept_up_to_its_border(thorax):
    phantom = thorax()
    width = phantom.hu_zyx.shape[2]
    lungs = np.nonzero((phantom.labels_zyx > 0).any(axis=(0, 1)))[0]
    inset = slice(int(lungs[0]) + 6, int(lungs[-1]) - 5)
    assert inset.start > 0
    assert inset.stop < width
    matrix = phantom.grid.lps_from_zyx.copy()
    matrix[:3, 3] += matrix[:3, 2] * inset.start
    found = lung_labels(np.ascontiguousarray(phantom.hu_zyx[:, :, inset]), matrix)
    assert dice(found > 0, phantom.labels_zyx[:, :, inset] > 0) > 0.9


def _volume_and_labels(path: Path):
    import nibabel  # noqa: PLC0415  only for the labelled sets

    image = nibabel.load(path)
    labels = nibabel.load(str(path).replace("_ct", "_label"))
    lps_from_xyz = np.diag([-1.0, -1.0, 1.0, 1.0]) @ image.affine
    lps_from_zyx = lps_from_xyz[:, [2, 1, 0, 3]]
    hu_zyx = np.ascontiguousarray(np.asarray(image.dataobj).astype(np.int16).T)
    return hu_zyx, lps_from_zyx, np.asarray(labels.dataobj).astype(np.uint8).T


@pytest.mark.data
@pytest.mark.parametrize(("case", "least"), [("LUNG1-002", 0.960), ("LUNG1-007", 0.975)])
def test_the_lungs_agree_with_the_experts_outside_the_tumour(data_dir, case, least):
    (path,) = (data_dir / "vol3d").rglob(f"{case}_ct.nii.gz")
    hu_zyx, lps_from_zyx, labels = _volume_and_labels(path)
    outside_tumour = labels < 2
    assert dice((lung_labels(hu_zyx, lps_from_zyx) > 0) & outside_tumour, labels == 1) >= least


@pytest.mark.data
@pytest.mark.parametrize("case", ["LUNG1-007", "LIDC-IDRI-0002", "COVIDCTMD-normal001"])
def test_the_right_lung_is_on_the_side_of_the_liver(data_dir, case):
    (path,) = (data_dir / "vol3d").rglob(f"{case}_ct.nii.gz")
    hu_zyx, lps_from_zyx, _ = _volume_and_labels(path)
    found = lung_labels(hu_zyx, lps_from_zyx)
    x_mm = [float((np.argwhere(found == side) @ lps_from_zyx[0, :3]).mean()) for side in (1, 2)]
    assert x_mm[0] + 80.0 < x_mm[1]
