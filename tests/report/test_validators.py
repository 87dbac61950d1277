"""Our objects before other people's tools: dciodvfy, DCMTK's dsrdump, dcmqi's readers."""

import json
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import SimpleITK
from pydicom import dcmread
from pydicom.dataset import Dataset

from node.errors import Code, Refusal, refuse, warn
from node.facts.folder import read_folder
from node.facts.series import SeriesFacts
from node.report.check import self_check
from node.report.deflate import deflate
from node.report.encode import encode_notice, encode_results
from node.report.encoded import EncodedObject
from node.report.implicit import implicit
from node.report.notice import NoticeInput
from node.settings import Objects
from tests.report.conftest import (
    BIN,
    LESIONS,
    LUNGS,
    NOW,
    CaseMaker,
    Grid,
    case_of,
    enhanced_case,
    identity,
    lungs,
    run_tool,
)

REAL_SERIES = (
    "ct/lung-dx-a0001-b", "ct/lung-dx-a0002-b40f", "ct/lung-dx-a0002-b70f", "ct/4d-lung-113", "ct/lidc-idri-0001",
    "petct/acrin-nsclc-fdg-pet-042/ct",
)  # fmt: skip
ODD_FOLDERS = (
    "abdomen-pelvis-ct", "charset", "ct-labelled-seg", "enhanced", "ge-tilted-head", "localizer", "malformed",
    "non-chest", "pet-part", "pet-single", "secondary-capture", "seg-sr", "transfer-syntax",
)  # fmt: skip
ALLOWED = [
    re.compile(line.split("\t")[0])
    for line in (Path(__file__).parent / "dciodvfy-allowed.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
IOD_NAMES = {
    "Segmentation",
    "Comprehensive3DSR",
    "ComprehensiveSR",
    "BasicTextSR",
    "LabelMapSegmentation",
    "RTStructureSet",
    "KeyObjectSelectionDocument",
    "SCImage",
    "EncapsulatedPDF",
}


def not_allowed(path: Path) -> list[str]:
    """Return what dciodvfy says beyond the name of the IOD and the list that is checked in."""
    done = subprocess.run([BIN / "dciodvfy", "-new", path], capture_output=True, check=False, timeout=120)
    said = (done.stdout + done.stderr).decode("utf-8", "replace")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    assert IOD_NAMES & set(lines), f"the tool did not recognise {path}: {lines[:3]}"
    return [line for line in lines if line not in IOD_NAMES and not any(p.fullmatch(line) for p in ALLOWED)]


def clean(objects: tuple[EncodedObject, ...]) -> None:
    assert {made.kind: not_allowed(made.path) for made in objects} == {made.kind: [] for made in objects}
    for made in objects:
        if made.kind != "SEG":
            run_tool("/usr/bin/dsrdump", "+Pl", made.path)


def with_everything(ds: Dataset) -> None:
    """Give the source whatever may be copied."""
    other, issuer = Dataset(), Dataset()
    other.PatientID, other.TypeOfPatientID, other.IssuerOfPatientID = "77", "TEXT", "OLD"
    issuer.LocalNamespaceEntityID = "RIS"
    ds.OtherPatientIDsSequence, ds.IssuerOfAccessionNumberSequence = [other], [issuer]
    request = Dataset()
    request.RequestedProcedureID, request.RequestedProcedureDescription = "RP1", "Thorax"
    ds.RequestAttributesSequence = [request]
    ds.TimezoneOffsetFromUTC = "-0330"
    ds.LossyImageCompression, ds.LossyImageCompressionRatio = "01", "12.5"
    ds.LossyImageCompressionMethod = "ISO_10918_1"


@pytest.mark.parametrize("sr_class", ["comprehensive-3d", "comprehensive"])
def test_objects_of_a_phantom_have_no_error_and_only_allowed_warnings(
    maker: CaseMaker, out: Path, sr_class: str
) -> None:
    labels = lungs(Grid().shape)
    labels[9:11, 10:13, 6:9] = 3
    case = maker.case(
        labels=labels,
        edit=with_everything,
        models=(LUNGS, LESIONS),
        unsure=("rules disagree",),
        reasons=(warn(Code.HU_PAD, "63 % padding"), refuse(Code.ACQ_KERNEL, "kernel B70f")),
        objects=Objects(sr_class=sr_class),
    )
    clean(encode_results(case, out))


def test_objects_of_an_enhanced_source_have_no_error_and_only_allowed_warnings(tmp_path: Path, out: Path) -> None:
    clean(encode_results(enhanced_case(tmp_path / "enhanced"), out))


def test_a_notice_has_no_error_and_only_allowed_warnings(maker: CaseMaker, out: Path) -> None:
    series = maker.series(Grid(), lungs(Grid().shape))
    refusal = Refusal((refuse(Code.GEO_GAP, "step 7.5 mm, limit 3.75 mm"), warn(Code.HU_PAD, "padding")))
    clean((encode_notice(NoticeInput(identity(), series, refusal, Objects(), NOW, (LUNGS,)), out),))


@pytest.mark.parametrize("folder", ODD_FOLDERS)
def test_a_notice_can_be_made_of_every_odd_series_and_is_valid(data_dir: Path, out: Path, folder: str) -> None:
    refusal = Refusal((refuse(Code.GEO_GAP, "step 7.5 mm, limit 3.75 mm"),))
    series = read_folder(data_dir / "odd" / folder).series
    assert series
    for one in series:
        own = identity(study_uid=one.study_instance_uid, source_series_uids=(one.series_instance_uid,))
        clean((encode_notice(NoticeInput(own, one, refusal, Objects(), NOW, (LUNGS,)), out),))


@pytest.mark.parametrize("folder", REAL_SERIES)
def test_objects_of_real_series_have_no_error_and_pass_the_self_check(data_dir: Path, out: Path, folder: str) -> None:
    series = max(read_folder(data_dir / folder).series, key=lambda s: s.n_instances)
    case = case_of(series)
    objects = encode_results(case, out)
    clean(objects)
    self_check(objects, case.volume, case.segmentation, case.quantities)


@pytest.mark.parametrize(
    "line",
    [
        "Error - </StudyID(0020,0010)> - Missing attribute Type 2 Required",
        "Warning - </SegmentSequence(0062,0002)[1]/TrackingUID(0062,0021)> - Value dubious",
        "Warning - </ContributingEquipmentSequence(0018,a001)[2]/DeviceUID(0018,1002)> - Attribute is not present in "
        "standard DICOM IOD and more",
    ],
)
def test_the_list_allows_nothing_beside_what_it_names(line: str) -> None:
    assert not any(pattern.fullmatch(line) for pattern in ALLOWED)


def test_the_tool_finds_a_fault_that_is_put_in(maker: CaseMaker, out: Path) -> None:
    seg = encode_results(maker.case(), out)[0]
    ds = dcmread(seg.path)
    del ds.SegmentSequence[0].SegmentAlgorithmType
    ds.save_as(seg.path)
    assert any("SegmentAlgorithmType" in line and line.startswith("Error") for line in not_allowed(seg.path))


def test_dcmqi_reads_each_segment_equal_to_the_mask_in_place(maker: CaseMaker, out: Path, tmp_path: Path) -> None:
    grid = Grid(orientation=(0.96, 0.0, 0.28, 0.0, 1.0, 0.0))
    case = maker.case(grid)
    seg = encode_results(case, out)[0]
    run_tool(BIN / "segimage2itkimage", "--inputDICOM", seg.path, "--outputDirectory", tmp_path, "-t", "nrrd")
    for number in (1, 2):
        image = SimpleITK.ReadImage(str(tmp_path / f"{number}.nrrd"))
        expected = np.argwhere(case.segmentation.labels_zyx == number)
        found = [
            image.TransformIndexToPhysicalPoint(i[::-1].tolist())
            for i in np.argwhere(SimpleITK.GetArrayFromImage(image))
        ]
        wanted = (np.c_[expected, np.ones(len(expected))] @ grid.matrix.T)[:, :3]
        assert np.allclose(_sorted(np.array(found)), _sorted(wanted), atol=2e-3)


def _sorted(points: np.ndarray) -> np.ndarray:
    return points[np.lexsort(np.round(points, 1).T)]


def test_dcmqi_reads_one_group_per_segment_with_finding_and_tracking(
    maker: CaseMaker, out: Path, tmp_path: Path
) -> None:
    case = maker.case()
    report = encode_results(case, out)[1]
    run_tool(BIN / "tid1500reader", "--inputDICOM", report.path, "--outputMetadata", tmp_path / "o.json")
    groups = [g for g in json.loads((tmp_path / "o.json").read_text())["Measurements"] if "ReferencedSegment" in g]
    assert [(g["ReferencedSegment"], g["TrackingIdentifier"], g["Finding"]["CodeValue"]) for g in groups] == [
        (1, "Right lung", "39607008"),
        (2, "Left lung", "39607008"),
    ]
    volumes = [float(g["measurementItems"][0]["value"]) for g in groups]
    expected = [q.value for q in case.quantities if q.name == "lung_volume"][:2]
    assert volumes == pytest.approx(expected)


def test_a_deflated_segmentation_reads_the_same(maker: CaseMaker, out: Path) -> None:
    seg = encode_results(maker.case(), out)[0]
    deflated = deflate(seg.path, out / "deflated.dcm")
    assert deflated.stat().st_size < seg.path.stat().st_size
    assert dcmread(deflated).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1.99"
    assert dcmread(deflated) == dcmread(seg.path)
    run_tool("/usr/bin/dcmdump", deflated)  # dciodvfy cannot inflate


@pytest.mark.parametrize("number", [0, 1], ids=["segmentation", "report"])
def test_a_copy_in_the_default_syntax_reads_the_same(maker: CaseMaker, out: Path, number: int) -> None:
    written = encode_results(maker.case(), out)[number].path
    copy = implicit(written, out / "implicit.dcm")
    assert dcmread(copy).file_meta.TransferSyntaxUID == "1.2.840.10008.1.2"
    back = out / "back.dcm"
    run_tool("/usr/bin/dcmconv", "+te", copy, back)
    assert _with_words(copy) == _with_words(back) == _with_words(written)


def _with_words(path: Path) -> Dataset:
    """Read an object; its pixels are words, as they are without VRs in any case (PS3.5 A.1)."""
    read = dcmread(path)
    if "PixelData" in read:
        read["PixelData"].VR = "OW"
    return read


def test_dcmtk_sees_the_entities_of_source_and_results_agree(maker: CaseMaker, out: Path) -> None:
    def ascii_names(ds: Dataset) -> None:  # the tool compares bytes, whatever the character sets are
        ds.PatientName, ds.ReferringPhysicianName = "Mueller^Joerg", "Weiss^Anna"

    case = maker.case(edit=ascii_names)
    made = encode_results(case, out)
    files = [*(f.path for f in case.volume.series.files), *(m.path for m in made)]
    done = subprocess.run([BIN / "dcentvfy", *files], capture_output=True, check=False, timeout=120)
    said = (done.stdout + done.stderr).decode("latin-1")  # it prints names as their bytes
    false_alarm = "Different information entities for attribute - Element=<AccessionNumber>"  # also in a sequence
    assert [line for line in said.splitlines() if line.strip() and false_alarm not in line] == []


def test_real_series_are_whole(data_dir: Path) -> None:
    counts = [max(s.n_instances for s in read_folder(data_dir / folder).series) for folder in REAL_SERIES]
    assert counts == [64, 30, 30, 99, 133, 135]
    assert isinstance(read_folder(data_dir / REAL_SERIES[0]).series[0], SeriesFacts)
