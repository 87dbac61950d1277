"""Pictures, volumes and what their masks say."""

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest

from node.errors import InputRefused
from node.learn.index import Row, read_index
from node.learn.nifti import read_nifti
from node.learn.slices import read_slice
from node.learn.truth import lung_truth, tumour_truth
from node.segment.contract import LungDefinition


@pytest.mark.parametrize("axes", [("L", "P", "S"), ("R", "A", "S"), ("L", "A", "I"), ("R", "P", "S")], ids="".join)
@pytest.mark.parametrize("by", ["sform", "qform"])
def test_a_volume_is_turned_to_left_back_head_whatever_its_axes(tmp_path, axes, by):
    voxels = np.arange(2 * 3 * 4, dtype=np.int16).reshape(2, 3, 4)
    lps = nibabel.Nifti1Image(voxels, np.diag([-0.7, -0.8, 2.5, 1.0]))
    codes = nibabel.orientations.axcodes2ornt(axes)
    turned = lps.as_reoriented(nibabel.orientations.ornt_transform(nibabel.io_orientation(lps.affine), codes))
    affine = turned.affine
    turned.set_qform(affine, 1)
    turned.set_sform(affine, 1 if by == "sform" else 0)
    nibabel.save(turned, tmp_path / "a.nii.gz")

    found = read_nifti(tmp_path / "a.nii.gz")

    assert np.array_equal(found.voxels_zyx, voxels.transpose(2, 1, 0))
    assert found.spacing_zyx_mm == pytest.approx((2.5, 0.8, 0.7))


def test_oblique_axes_are_refused(tmp_path):
    turn = np.eye(4)
    turn[:2, :2] = [[0.8, -0.6], [0.6, 0.8]]
    nibabel.save(nibabel.Nifti1Image(np.zeros((2, 2, 2), np.int16), turn), tmp_path / "a.nii.gz")

    with pytest.raises(InputRefused) as caught:
        read_nifti(tmp_path / "a.nii.gz")
    assert caught.value.code == "NIFTI-AXES"


def test_a_file_of_another_kind_is_refused(tmp_path):
    (tmp_path / "a.nii.gz").write_bytes(gzip.compress(b"no volume" * 100))

    with pytest.raises(InputRefused) as caught:
        read_nifti(tmp_path / "a.nii.gz")
    assert caught.value.code == "NIFTI-UNREAD"


def test_a_slope_is_applied(tmp_path):
    image = nibabel.Nifti1Image(np.array([[[100]], [[300]]], np.int16), np.diag([-1.0, -1.0, 1.0, 1.0]))
    image.header.set_slope_inter(0.01, 0.0)
    nibabel.save(image, tmp_path / "pet.nii.gz")
    stored = nibabel.load(tmp_path / "pet.nii.gz").get_fdata()

    assert read_nifti(tmp_path / "pet.nii.gz").voxels_zyx.ravel() == pytest.approx(stored.ravel())


def test_a_row_is_read_in_hounsfield_units(small_set):
    piece = read_slice(read_index(small_set, where=("id=A_0",))[0])

    assert piece.hu_yx[0, 0] == pytest.approx(-1000, abs=100)
    assert piece.spacing_yx_mm == (2.0, 2.0)
    assert set(np.unique(piece.mask_yx)) == {0, 1, 2}


def test_a_missing_picture_is_refused(small_set):
    (small_set / "images" / "A_0.png").unlink()

    with pytest.raises(InputRefused, match="A_0"):
        read_slice(read_index(small_set, where=("id=A_0",))[0])


IDS = np.array([0, 1, 2, 3, 4], np.uint8)


def _row(**values):
    return Row(root=Path(), values=values)  # no file is read


@pytest.mark.parametrize(
    ("definition", "expected"),
    [(LungDefinition.WITHOUT_LESIONS, [0, 1, 0, 0, 0]), (LungDefinition.WITH_LESIONS, [0, 1, 1, 0, 1])],
)
def test_ids_mean_a_lung_by_definition(definition, expected):
    row = _row(label="ids: 1 = lung, 2 = primary tumour", lung_px="9")

    assert lung_truth(row, IDS, definition).tolist() == [bool(v) for v in expected]


def test_a_lung_that_nobody_outlined_is_unknown_and_not_empty():
    row = _row(label="ids: 2 = primary tumour; lungs not outlined", lung_px="")

    assert lung_truth(row, IDS, LungDefinition.WITHOUT_LESIONS) is None


def test_a_lung_mask_says_nothing_of_tumours():
    row = _row(label="255 = lung with tumours and other dense lung lesions inside")

    assert tumour_truth(row, np.array([0, 255])) is None


def test_a_tumour_mask_says_nothing_of_lungs():
    row = _row(label="255 = tumour")

    assert tumour_truth(row, np.array([0, 255])).tolist() == [False, True]
    assert lung_truth(row, np.array([0, 255]), LungDefinition.WITHOUT_LESIONS) is None
