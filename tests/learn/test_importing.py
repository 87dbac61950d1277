"""Public originals become sets: the real LIDC scan, and made files for what is not at hand."""

import csv
import json
from dataclasses import replace

import numpy as np
import pydicom
import pytest
import SimpleITK

from node.cli.data import app
from node.errors import Affects, Code, InputRefused, Refusal, refuse
from node.learn.cases import items
from node.learn.import_lidc import lidc_cases
from node.learn.import_volumes import luna16_cases, msd_cases
from node.learn.index import read_index
from node.learn.scans import scans
from node.learn.set_writer import Case, safe_name, split_of, write_set
from node.phantom.study import StudyPlan, write_study
from node.segment.contract import LungDefinition, Task


@pytest.fixture(scope="module")
def lidc(data_dir):
    """The one complete scan with its readers."""
    (case,) = lidc_cases(data_dir / "ct" / "lidc-idri-0001")
    return case


def test_the_consensus_of_two_readers_has_the_known_volume(lidc):
    tumour_ml = (lidc.labels_zyx == 2).sum() * np.prod(lidc.spacing_zyx_mm) / 1000

    assert tumour_ml == pytest.approx(6.7, abs=0.2)


def test_the_nodule_lies_on_the_slices_that_the_readers_marked(lidc):
    slices = np.nonzero((lidc.labels_zyx == 2).any((1, 2)))[0]

    assert (slices.min(), slices.max()) == (86, 93)  # files 0087 to 0095; the last has one reader only
    assert lidc.hu_zyx.shape == (133, 512, 512)


def test_an_imported_scan_is_read_back_voxel_by_voxel(lidc, tmp_path):
    write_set([lidc], tmp_path)

    (item,) = items(read_index(tmp_path), Task.LESIONS, LungDefinition.WITHOUT_LESIONS)

    assert np.array_equal(item.hu_zyx, lidc.hu_zyx)
    assert np.array_equal(item.reference_zyx, lidc.labels_zyx == 2)
    assert item.spacing_zyx_mm == pytest.approx(lidc.spacing_zyx_mm)


def _image(voxels, spacing=(1.0, 1.0, 2.0), origin=(-10.0, -20.0, -30.0), direction=None):
    image = SimpleITK.GetImageFromArray(voxels)
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    if direction:
        image.SetDirection(direction)
    return image


@pytest.fixture
def luna(tmp_path):
    """One scan with lungs, windpipe and a nodule."""
    lungs = np.zeros((10, 20, 20), np.uint8)
    lungs[2:8, 5:15, 2:8], lungs[2:8, 5:15, 12:18], lungs[2:8, 9:11, 9:11] = 3, 4, 5
    (tmp_path / "subset0").mkdir()
    (tmp_path / "seg-lungs-LUNA16").mkdir()
    hu = np.full((10, 20, 20), -3000, np.int16)
    SimpleITK.WriteImage(_image(hu), str(tmp_path / "subset0" / "1.2.3.mhd"))
    SimpleITK.WriteImage(_image(lungs), str(tmp_path / "seg-lungs-LUNA16" / "1.2.3.mhd"))
    (tmp_path / "annotations.csv").write_text("seriesuid,coordX,coordY,coordZ,diameter_mm\n1.2.3,-5,-10,-20,4.2\n")
    return tmp_path


def test_luna_lungs_leave_the_windpipe_out_and_nodules_are_balls(luna):
    (case,) = luna16_cases(luna)

    z, y, x = np.argwhere(case.labels_zyx == 2).mean(0)
    assert (z, y, x) == pytest.approx((5, 10, 5))
    assert (case.labels_zyx == 1).sum() + (case.labels_zyx == 2).sum() == 2 * 6 * 10 * 6
    assert case.hu_zyx.min() == -1024
    assert case.has_lung


def test_msd_volumes_are_turned_to_the_sets_axes(tmp_path):
    hu = np.arange(4 * 5 * 6, dtype=np.int16).reshape(4, 5, 6)
    label = (hu == 7).astype(np.uint8)
    for folder, voxels in (("imagesTr", hu), ("labelsTr", label)):
        (tmp_path / folder).mkdir()
        ras = _image(np.ascontiguousarray(voxels[:, ::-1, ::-1]), direction=(-1, 0, 0, 0, -1, 0, 0, 0, 1))
        SimpleITK.WriteImage(ras, str(tmp_path / folder / "lung_001.nii.gz"))

    (case,) = msd_cases(tmp_path)

    assert np.array_equal(case.hu_zyx, hu)
    assert np.array_equal(case.labels_zyx == 2, hu == 7)


@pytest.mark.parametrize("reader", [lidc_cases, luna16_cases, msd_cases])
def test_a_folder_without_the_original_is_refused(reader, tmp_path):
    with pytest.raises(InputRefused) as caught:
        list(reader(tmp_path))
    assert caught.value.code == "IMPORT-NONE"


def test_the_command_writes_an_index_that_is_read_back(luna, tmp_path, capsys):
    app(["import", "luna16", str(luna), "--out", str(tmp_path / "out"), "--json"], standalone_mode=False)

    assert json.loads(capsys.readouterr().out)["n_cases"] == 1
    with (tmp_path / "out" / "index.csv").open() as file:
        (line,) = csv.DictReader(file)
    assert (line["case"], line["size"], line["spacing_mm"], line["lung_label"]) == ("1.2.3", "20x20x10", "1x1x2", "1")


def test_a_patient_with_two_scans_keeps_both_and_stays_one_case(tmp_path):
    one = Case(
        "LIDC-IDRI-0132", np.full((3, 4, 5), -800, np.int16), np.zeros((3, 4, 5), np.uint8), (2.5, 0.7, 0.7),
        (0.0, 0.0, 0.0), False, "LIDC-IDRI", "expert", "2 = nodule", "CC BY 3.0",
    )  # fmt: skip
    other = replace(one, hu_zyx=one.hu_zyx + 100)

    n_cases = write_set([one, other], tmp_path)

    rows = read_index(tmp_path)
    assert (n_cases, [row.id for row in rows]) == (1, ["LIDC-IDRI-0132", "LIDC-IDRI-0132-2"])
    assert {row.case for row in rows} == {"LIDC-IDRI-0132"}
    found = list(items(rows, Task.LESIONS, LungDefinition.WITHOUT_LESIONS))
    assert [int(item.hu_zyx.max()) for item in found] == [-800, -700]


def test_both_scans_of_a_patient_are_searched_under_names_of_their_own(tmp_path):
    chest = np.full((30, 4, 90), -800, np.int16)  # 240 x 360 mm: a whole scan
    one = Case(
        "P1", chest, np.zeros_like(chest, np.uint8), (8.0, 4.0, 4.0), (0.0, 0.0, 0.0), False, "mine", "expert",
        "2 = nodule", "CC BY 4.0",
    )  # fmt: skip
    write_set([one, one], tmp_path)
    parts = frozenset({"train", "val", "test"})

    assert [(scan.name, scan.case) for scan in scans(tmp_path, parts)] == [("P1", "P1"), ("P1-2", "P1")]
    assert [scan.name for scan in scans(tmp_path, parts, frozenset({"P1-2"}))] == ["P1-2"]


def test_the_places_of_small_nodules_come_along_and_are_spared(tmp_path):
    chest = np.full((30, 4, 90), -800, np.int16)
    small = ((7, 1, 30),)
    one = Case(
        "P1", chest, np.zeros_like(chest, np.uint8), (8.0, 4.0, 4.0), (0.0, 0.0, 0.0), False, "LIDC-IDRI", "expert",
        "2 = nodule", "CC BY 3.0", small,
    )  # fmt: skip

    write_set([one], tmp_path)

    (scan,) = scans(tmp_path, frozenset({"train", "val", "test"}))
    assert scan.spared_lps_mm == ((120.0, 4.0, 56.0),)  # as the set's volumes are placed: from the first voxel


def _reading(root, *outlines):
    """Write a phantom's CT and a nodule of outlines on its third slice from the feet; return the series' UID.

    An outline is whether it belongs to the nodule, and its points.
    """
    write_study(root, StudyPlan(n_slices=40, size=32))
    slices = sorted(map(pydicom.dcmread, (root / "CT").iterdir()), key=lambda ds: float(ds.ImagePositionPatient[2]))
    rois = ""
    for belongs, edges in outlines:
        points = "".join(f"<edgeMap><xCoord>{x}</xCoord><yCoord>{y}</yCoord></edgeMap>" for x, y in edges)
        told = f"<inclusion>{str(belongs).upper()}</inclusion>{points}"
        rois += f"<roi><imageSOP_UID>{slices[2].SOPInstanceUID}</imageSOP_UID>{told}</roi>"
    uid = str(slices[0].SeriesInstanceUID)
    reader = f"<readingSession><unblindedReadNodule>{rois}</unblindedReadNodule></readingSession>"
    (root / "reading.xml").write_text(
        f'<LidcReadMessage xmlns="http://www.nih.gov"><ResponseHeader><SeriesInstanceUid>{uid}</SeriesInstanceUid>'
        f"</ResponseHeader>{reader}{reader}</LidcReadMessage>"
    )
    return uid


def test_a_mark_of_one_point_becomes_a_place(tmp_path):
    _reading(tmp_path, (True, [(11, 20)]))

    (case,) = lidc_cases(tmp_path)

    assert case.small_zyx == ((2, 20, 11),)
    assert not case.labels_zyx.any()


def test_a_hole_stays_one_wherever_it_is_listed(tmp_path):
    hole = (False, [(12, 12), (16, 12), (16, 16), (12, 16)])
    nodule = (True, [(8, 8), (20, 8), (20, 20), (8, 20)])
    _reading(tmp_path, hole, nodule)

    (case,) = lidc_cases(tmp_path)

    assert (case.labels_zyx[2] == 2).sum() == 11 * 11 - 3 * 3  # outlines themselves lie just outside


def test_a_series_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    uid = _reading(tmp_path, (True, [(11, 20)]))
    refused = Refusal((refuse(Code.GEO_THICK, "too thick", Affects.SERIES),))
    monkeypatch.setattr("node.learn.import_lidc.read_volume", lambda *_, **__: refused)

    with pytest.raises(InputRefused, match=f"{uid}.*too thick.*take it out") as caught:
        list(lidc_cases(tmp_path))
    assert caught.value.code == "IMPORT-UNREAD"


def test_luna_without_its_list_of_nodules_is_refused(luna):
    (luna / "annotations.csv").unlink()

    with pytest.raises(InputRefused, match=r"annotations\.csv") as caught:
        list(luna16_cases(luna))
    assert caught.value.code == "IMPORT-NONE"


@pytest.mark.parametrize(
    "text", ["seriesuid,x,y,z\n1.2.3,0,0,0\n", "seriesuid,coordX,coordY,coordZ,diameter_mm\n1.2.3,a\n"]
)
def test_a_list_of_nodules_with_other_columns_is_refused(luna, text):
    (luna / "annotations.csv").write_text(text)

    with pytest.raises(InputRefused, match="coordX") as caught:
        list(luna16_cases(luna))
    assert caught.value.code == "IMPORT-UNREAD"


def test_cases_fall_into_parts_of_70_15_15():
    parts = [split_of(f"case-{i}") for i in range(4000)]

    assert [parts.count(part) / 4000 for part in ("train", "val", "test")] == pytest.approx([0.7, 0.15, 0.15], abs=0.03)


@pytest.mark.parametrize("wanted", ["../../etc/passwd", "", ".hidden", "a b", "x" * 65])
def test_a_patient_id_never_becomes_a_path(wanted):
    assert safe_name(wanted, "1.2.3").startswith("case-")


def test_an_ordinary_patient_id_stays():
    assert safe_name("LIDC-IDRI-0001", "1.2.3") == "LIDC-IDRI-0001"
