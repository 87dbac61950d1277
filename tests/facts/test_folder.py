"""Folders of real files: every file is accounted for, and what we read agrees with pydicom."""

import os
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import dcmread

from node.errors import Code
from node.facts.folder import group, read_folder
from node.facts.header import source_dataset
from node.facts.series import InstanceFile

FOLDERS = {"ct": (6, 357), "petct": (10, 412)}


@pytest.mark.parametrize(("name", "counts"), FOLDERS.items(), ids=FOLDERS.keys())
def test_a_folder_gives_its_series_and_instances(name, counts, data_dir):
    folder = read_folder(data_dir / name)

    assert (len(folder.series), sum(series.n_instances for series in folder.series)) == counts


def test_every_file_of_the_odd_folders_is_accounted_for(data_dir):
    folder = read_folder(data_dir / "odd")

    seen = [file.path for series in folder.series for file in series.files] + [file.path for file in folder.unread]
    assert sorted(seen) == sorted(path for path in (data_dir / "odd").rglob("*") if path.is_file())


def test_a_file_that_is_not_dicom_is_listed_with_its_reason(data_dir):
    unread = {file.path.name: file.code for file in read_folder(data_dir / "ct" / "lung-dx-a0001-b").unread}

    assert unread["annotations.json"] is Code.FILE_UNREAD


def test_a_single_file_is_a_folder_of_one(data_dir):
    folder = read_folder(data_dir / "odd" / "non-chest" / "CT_small.dcm")

    assert [series.n_instances for series in folder.series] == [1]


def test_series_and_instances_are_sorted_whatever_the_order_of_arrival(data_dir):
    files = [file for series in read_folder(data_dir / "odd" / "localizer").series for file in series.files]

    assert group(reversed(files)) == group(files)


ODD = {
    "dose-report": {"sop_class_uid": "1.2.840.10008.5.1.4.1.1.88.67", "modality": "SR", "image_type": ()},
    "scout": {"image_type": ("ORIGINAL", "PRIMARY", "LOCALIZER")},
    "scout-without-the-word": {"image_type": ("ORIGINAL", "PRIMARY")},
}


@pytest.mark.parametrize("changes", ODD.values(), ids=ODD)
def test_a_scout_or_dose_report_with_the_lowest_uid_does_not_speak_for_its_series(changes, data_dir):
    (series,) = read_folder(data_dir / "ct" / "lung-dx-a0002-b40f").series
    nowhere = replace(series.first.geometry, image_position_lps_mm=None, image_orientation=None)
    odd = InstanceFile(replace(series.first, sop_instance_uid="1.2.3", geometry=nowhere, **changes), Path("odd"))

    (found,) = group((odd, *series.files))

    assert found.first == series.first
    assert found.stack == series.files
    assert found.files == (*series.files, odd)


def test_one_series_uid_in_two_studies_stays_two_series(data_dir):
    (series,) = read_folder(data_dir / "odd" / "non-chest" / "CT_small.dcm").series
    fields = {name: getattr(series.first, name) for name in type(series.first).__dataclass_fields__}
    moved = type(series.first)(**(fields | {"study_instance_uid": "1.2.3"}))

    assert len(group([*series.files, InstanceFile(moved, series.files[0].path)])) == 2


AGREED = {
    "SOPClassUID": lambda f: f.sop_class_uid,
    "SOPInstanceUID": lambda f: f.sop_instance_uid,
    "Modality": lambda f: f.modality,
    "PatientID": lambda f: f.patient.patient_id,
    "SeriesDescription": lambda f: f.series_description,
    "Manufacturer": lambda f: f.manufacturer,
    "AccessionNumber": lambda f: f.accession_number,
    "BodyPartExamined": lambda f: f.body_part_examined,
    "Rows": lambda f: f.geometry.rows or "",
    "BitsStored": lambda f: f.pixels.bits_stored or "",
    "FrameOfReferenceUID": lambda f: f.geometry.frame_of_reference_uid,
}


@pytest.mark.parametrize("name", ["ct", "petct", "odd"])
def test_what_is_read_agrees_with_pydicom(name, data_dir):
    different = []
    for series in read_folder(data_dir / name).series:
        file = series.files[0]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = dcmread(file.path, stop_before_pixels=True, force=True)
            different += [
                (file.path.name, keyword, str(theirs.get(keyword) or ""), str(ours(file.facts)))
                for keyword, ours in AGREED.items()
                if str(theirs.get(keyword) or "").strip() != str(ours(file.facts))
            ]
    assert different == []


def test_the_source_header_is_given_without_pixels_and_without_warnings(data_dir):
    dataset = source_dataset(data_dir / "ct" / "lidc-idri-0001" / "0001.dcm")

    assert "PixelData" not in dataset
    assert dataset.PatientID


@pytest.mark.timeout(20)
def test_a_pipe_in_a_folder_is_listed_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")

    (unread,) = read_folder(tmp_path).unread

    assert (unread.code, unread.text) == (Code.FILE_UNREAD, "is no regular file")
