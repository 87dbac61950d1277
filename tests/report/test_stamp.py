"""What every object carries: numbers and descriptions by rule, dates, equipment, file meta, derived UIDs."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from pydicom import config as pydicom_config
from pydicom import dcmread
from pydicom.dataset import Dataset

from node.report.encode import ReportInput, encode_results
from node.report.kinds import KINDS, NOTICE, SEG, SR, series_number
from node.report.stamp import parse_offset
from node.settings import Objects
from node.store.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME
from tests.report.conftest import LESIONS, LUNGS, NOW, CaseMaker, identity


def written(case: ReportInput, out: Path) -> list[Dataset]:
    return [dcmread(made.path) for made in encode_results(case, out)]


@pytest.mark.parametrize(
    ("anchor", "expected"),
    [(3, (900031, 900032, 900038)), (None, (900001, 900002, 900008)), (10007, (900071, 900072, 900078))],
    ids=["its number", "none", "above ten thousand"],
)
def test_series_numbers_follow_from_the_anchors_number(anchor: int | None, expected: tuple[int, ...]) -> None:
    assert tuple(series_number(kind, anchor, 900000) for kind in (SEG, SR, NOTICE)) == expected


def test_the_base_of_series_numbers_is_a_setting(maker: CaseMaker, out: Path) -> None:
    case = maker.case(objects=Objects(series_number_base=5000))
    assert [int(ds.SeriesNumber) for ds in written(case, out)] == [5031, 5032]


def test_descriptions_begin_with_the_product_and_results_say_ai(maker: CaseMaker, out: Path) -> None:
    assert [ds.SeriesDescription for ds in written(maker.case(), out)] == [
        "lungnode SEG (AI)",
        "lungnode measurements (AI)",
    ]
    assert all(kind.description.startswith("lungnode ") for kind in KINDS)
    assert len({kind.offset for kind in KINDS}) == len(KINDS)


def test_each_object_has_a_series_of_its_own_with_one_instance(maker: CaseMaker, out: Path) -> None:
    objects = encode_results(maker.case(), out)
    uids = [(m.series_instance_uid, m.sop_instance_uid) for m in objects]
    assert len({uid for pair in uids for uid in pair}) == 4
    for made in objects:
        ds = dcmread(made.path)
        assert (ds.SeriesInstanceUID, ds.SOPInstanceUID) == (made.series_instance_uid, made.sop_instance_uid)
        assert (ds.SOPClassUID, int(ds.SeriesNumber)) == (made.sop_class_uid, made.series_number)
        assert int(ds.InstanceNumber) == 1


def test_dates_are_one_reading_of_the_clock_and_the_studys_stay_the_sources(maker: CaseMaker, out: Path) -> None:
    local = NOW.astimezone()
    for ds in written(maker.case(), out):
        for name in ("Series", "Content", "InstanceCreation"):
            assert ds[f"{name}Date"].value == local.strftime("%Y%m%d")
            assert ds[f"{name}Time"].value == local.strftime("%H%M%S.%f")
        assert (ds.StudyDate, ds.StudyTime) == ("20250102", "101112.5")
        assert "TimezoneOffsetFromUTC" not in ds


def test_times_are_written_in_the_offset_that_the_source_names(maker: CaseMaker, out: Path) -> None:
    def edit(ds: Dataset) -> None:
        ds.TimezoneOffsetFromUTC = "-0330"

    case = maker.case(edit=edit, now=datetime(2026, 3, 4, 1, 15, tzinfo=UTC))
    for ds in written(case, out):
        assert ds.TimezoneOffsetFromUTC == "-0330"
        assert (ds.SeriesDate, ds.SeriesTime) == ("20260303", "214500.000000")
        assert ds.ContributingEquipmentSequence[1].ContributionDateTime == "20260303214500.000000-0330"


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("+0100", timezone(timedelta(hours=1))),
        ("-0330", timezone(timedelta(hours=-3, minutes=-30))),
        ("", None),
        ("0100", None),
        ("+1", None),
        ("+01a0", None),
    ],
)
def test_an_offset_is_read_or_not_guessed(text: str, offset: timezone | None) -> None:
    assert parse_offset(text) == offset


def test_equipment_is_the_node_with_all_four_attributes(maker: CaseMaker, out: Path) -> None:
    objects = Objects(manufacturer="Hospital", station_name="NODE7", device_serial_number="42")
    for ds in written(maker.case(objects=objects), out):
        assert (ds.Manufacturer, ds.ManufacturerModelName, ds.DeviceSerialNumber) == ("Hospital", "lungnode", "42")
        assert ds.SoftwareVersions
        assert ds.StationName == "NODE7"


def test_contributing_equipment_is_the_scanner_then_the_node(maker: CaseMaker, out: Path) -> None:
    case = maker.case()
    for ds in written(case, out):
        scanner, node = ds.ContributingEquipmentSequence
        assert scanner.PurposeOfReferenceCodeSequence[0].CodeValue == "109101"
        assert (scanner.Manufacturer, scanner.ManufacturerModelName) == ("Scanner Works", "Tube 1")
        assert node.PurposeOfReferenceCodeSequence[0].CodeValue == "109102"
        assert node.DeviceUID == case.identity.device_uid
        assert node.ContributionDescription.endswith("(AI)")


def test_without_a_maker_the_scanner_is_not_named(maker: CaseMaker, out: Path) -> None:
    def edit(ds: Dataset) -> None:
        ds.Manufacturer = ""

    for ds in written(maker.case(edit=edit), out):
        assert [i.PurposeOfReferenceCodeSequence[0].CodeValue for i in ds.ContributingEquipmentSequence] == ["109102"]


def test_each_of_several_algorithms_is_named(maker: CaseMaker, out: Path) -> None:
    for ds in written(maker.case(models=(LUNGS, LESIONS)), out):
        models = [i.ManufacturerModelName for i in ds.ContributingEquipmentSequence[2:]]
        assert models == ["lungs-rule", "lesions-net"]


def test_file_meta_names_this_implementation(maker: CaseMaker, out: Path) -> None:
    for ds in written(maker.case(), out):
        assert ds.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1"
        assert ds.file_meta.ImplementationClassUID == IMPLEMENTATION_CLASS_UID
        assert ds.file_meta.ImplementationVersionName == IMPLEMENTATION_VERSION_NAME
        assert len(IMPLEMENTATION_VERSION_NAME) <= 16
        assert ds.file_meta.MediaStorageSOPInstanceUID == ds.SOPInstanceUID


def test_only_an_object_with_private_codes_identifies_their_scheme(maker: CaseMaker, out: Path) -> None:
    seg, report = written(maker.case(), out)
    assert "CodingSchemeIdentificationSequence" not in seg
    assert "CodingSchemeIdentificationSequence" in report


def test_the_same_case_gives_the_same_bytes(maker: CaseMaker, out: Path, tmp_path: Path) -> None:
    case = maker.case()
    first = {m.path.name: m.path.read_bytes() for m in encode_results(case, out)}
    again_dir = tmp_path / "again"
    again_dir.mkdir()
    assert {m.path.name: m.path.read_bytes() for m in encode_results(case, again_dir)} == first


def test_another_run_gives_other_uids_but_the_same_series_numbers_and_tracking(maker: CaseMaker, out: Path) -> None:
    case = maker.case()
    later = replace(case, identity=identity(run=2))
    one, two = encode_results(case, out), encode_results(later, out)
    for before, after in zip(one, two, strict=True):
        assert before.sop_instance_uid != after.sop_instance_uid
        assert before.series_instance_uid != after.series_instance_uid
        assert before.series_number == after.series_number
    tracking = [[s.TrackingUID for s in dcmread(objects[0].path).SegmentSequence] for objects in (one, two)]
    assert tracking[0] == tracking[1]


def test_no_unfinished_file_is_left(maker: CaseMaker, out: Path) -> None:
    objects = encode_results(maker.case(), out)
    assert sorted(p.name for p in out.iterdir()) == sorted(m.path.name for m in objects)


def test_objects_made_in_several_threads_are_whole_and_leave_pydicom_as_it_was(
    maker: CaseMaker, tmp_path: Path
) -> None:
    def make(number: int) -> tuple[str, ...]:
        folder = tmp_path / str(number)
        folder.mkdir()
        return tuple(str(m.path.stat().st_size) for m in encode_results(case, folder))

    case = maker.case()
    before = (pydicom_config.settings.reading_validation_mode, pydicom_config.settings.writing_validation_mode)
    with ThreadPoolExecutor(4) as pool:
        sizes = set(pool.map(make, range(8)))
    assert len(sizes) == 1
    after = (pydicom_config.settings.reading_validation_mode, pydicom_config.settings.writing_validation_mode)
    assert after == before
