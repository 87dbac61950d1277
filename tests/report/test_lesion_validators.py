"""Every kind of object of a case with three nodules before other people's tools."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK

from node.errors import Code, refuse, warn
from node.facts.folder import read_folder
from node.facts.series import SeriesFacts
from node.measure.lesions.lesions import measure_lesions
from node.report.check import self_check
from node.report.encode import ReportInput, encode_results
from node.report.uids import device_uid
from node.settings import Objects, Rung
from tests.report.conftest import BIN, CaseMaker, case_of, numbers, run_tool
from tests.report.lesion_case import GRID, chest, lesion_case, segmentation
from tests.report.test_validators import REAL_SERIES, not_allowed

# of a report that refers to a label map: the tool takes only the older class for a segmentation
FALSE_ALARM = (
    "ReferencedSegmentNumber(0062,000b)> - Shall not be present for Referenced SOP Class that is not segmentation"
)
TREES = {"SR", "OUTLINES", "KO"}


@pytest.mark.parametrize(
    "objects",
    [Objects(), Objects(sr_class="comprehensive", ohif_hydrate=True)],
    ids=["default", "fallbacks"],
)
def test_every_kind_of_object_has_no_error_and_only_allowed_warnings(
    maker: CaseMaker, out: Path, objects: Objects
) -> None:
    reasons = (warn(Code.HU_PAD, "63 % padding"), refuse(Code.ACQ_KERNEL, "kernel B70f"))
    case = lesion_case(maker, objects=objects, reasons=reasons)
    made = encode_results(case, out, frozenset(Rung))
    self_check(made, case.volume, case.segmentation, case.quantities, case.lesions)
    found = {one.path.name: not_allowed(one.path) for one in made}
    assert found == {one.path.name: [] for one in made}
    for one in made:
        if one.kind in TREES:
            run_tool("/usr/bin/dsrdump", "+Pl", one.path)
        run_tool("/usr/bin/dcmdump", "-q", one.path)


def with_nodules(series: SeriesFacts) -> ReportInput:
    """Return a case of a real series with made-up lungs and three made-up nodules in them, measured."""
    case = case_of(series)
    labels = case.segmentation.labels_zyx.copy()
    n, rows, columns = labels.shape
    dz, dy, dx = case.volume.spacing_zyx_mm
    z, y, x = np.ogrid[:n, :rows, :columns]
    for label, (cz, cy, cx, mm) in {
        3: (0.5, 0.45, 0.25, 9.0),
        4: (0.6, 0.5, 0.72, 17.0),
        5: (0.4, 0.5, 0.3, 6.0),
    }.items():
        near = ((z - cz * n) * dz) ** 2 + ((y - cy * rows) * dy) ** 2 + ((x - cx * columns) * dx) ** 2 < mm**2
        labels[near] = label
    hu = case.volume.hu_zyx.copy()
    hu[labels > 2] = 40
    volume, found = replace(case.volume, hu_zyx=hu), segmentation(labels)
    lesions = measure_lesions(volume, found, ())
    case = replace(case, volume=volume, segmentation=found, quantities=numbers(volume, labels), lesions=lesions)
    return replace(case, identity=replace(case.identity, device_uid=device_uid(found.models)))


@pytest.mark.parametrize("folder", REAL_SERIES)
def test_every_kind_of_object_of_real_series_is_valid(data_dir: Path, out: Path, folder: str) -> None:
    case = with_nodules(max(read_folder(data_dir / folder).series, key=lambda s: s.n_instances))
    made = encode_results(case, out, frozenset(Rung))
    self_check(made, case.volume, case.segmentation, case.quantities, case.lesions)
    assert {one.kind for one in made} == {"SEG", "SR", "OUTLINES", "SUMMARY", "SC", "PDF", "RTSTRUCT", "KO"}
    assert {one.path.name: not_allowed(one.path) for one in made} == {one.path.name: [] for one in made}
    for one in made:
        if one.kind in TREES:
            run_tool("/usr/bin/dsrdump", "+Pl", one.path)


def test_a_label_map_and_what_refers_to_it_is_valid_but_for_one_false_alarm(maker: CaseMaker, out: Path) -> None:
    """DCMTK 3.6.7, like the validator, does not take the new class for an image: hence off unless asked for."""
    case = lesion_case(maker, objects=Objects(seg_type="labelmap"))
    made = encode_results(case, out, frozenset(Rung))
    found = {one.path.name: [line for line in not_allowed(one.path) if FALSE_ALARM not in line] for one in made}
    assert found == {one.path.name: [] for one in made}


def test_a_report_that_nothing_was_found_is_valid(maker: CaseMaker, out: Path) -> None:
    labels, _ = chest()
    labels[labels > 2] = 0
    (only,) = encode_results(lesion_case(maker, labels=labels, with_lungs=False), out)
    assert not_allowed(only.path) == []
    run_tool("/usr/bin/dsrdump", "+Pl", only.path)


def test_dcmqi_reads_each_segment_equal_to_its_mask_the_overlapping_one_too(
    maker: CaseMaker, out: Path, tmp_path: Path
) -> None:
    case = lesion_case(maker)
    seg = encode_results(case, out)[0]
    run_tool(BIN / "segimage2itkimage", "--inputDICOM", seg.path, "--outputDirectory", tmp_path, "-t", "nrrd")
    labels = case.segmentation.labels_zyx
    dense = case.volume.hu_zyx >= -300
    expected = {
        1: labels == 1,
        2: labels == 2,
        3: labels == 4,
        4: (labels == 4) & dense,
        5: labels == 3,
        6: labels == 5,
    }
    for number, mask in expected.items():
        image = SimpleITK.ReadImage(str(tmp_path / f"{number}.nrrd"))
        read = SimpleITK.GetArrayFromImage(image) > 0
        found = {tuple(np.round(image.TransformIndexToPhysicalPoint(i[::-1].tolist()), 2)) for i in np.argwhere(read)}
        if number == 4:  # the opening takes thin parts out
            assert found <= _points(mask)
            assert len(found) == next(lesion.solid.n_voxels for lesion in case.lesions if lesion.solid)
        else:
            assert found == _points(mask)


def _points(mask: np.ndarray) -> set[tuple[float, ...]]:
    at = np.argwhere(mask)
    return {tuple(p) for p in np.round((np.c_[at, np.ones(len(at))] @ GRID.matrix.T)[:, :3], 2).tolist()}


def test_dcmqi_reads_one_group_per_segment_with_finding_tracking_and_volume(
    maker: CaseMaker, out: Path, tmp_path: Path
) -> None:
    case = lesion_case(maker)
    report = encode_results(case, out)[1]
    run_tool(BIN / "tid1500reader", "--inputDICOM", report.path, "--outputMetadata", tmp_path / "o.json")
    groups = [g for g in json.loads((tmp_path / "o.json").read_text())["Measurements"] if "ReferencedSegment" in g]
    groups.sort(key=lambda g: g["ReferencedSegment"])  # the report puts lesions before lungs
    assert [(g["ReferencedSegment"], g["TrackingIdentifier"], g["Finding"]["CodeValue"]) for g in groups] == [
        (1, "Right lung", "39607008"),
        (2, "Left lung", "39607008"),
        (3, "nodule-2", "4147007"),
        (4, "nodule-2-solid", "LN-F-SOLID"),
        (5, "nodule-1", "27925004"),
        (6, "nodule-3", "27925004"),
    ]
    volumes = {
        g["TrackingIdentifier"]: float(item["value"])
        for g in groups
        for item in g["measurementItems"]
        if item["quantity"]["CodeValue"] == "YEKZ"
    }
    measured = {lesion.name: lesion.size.volume_mm3 for lesion in case.lesions}
    assert {name: volumes[name] for name in measured} == pytest.approx(measured)
