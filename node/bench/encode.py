"""Encoding a segmentation beside highdicom's: three segments on 300 slices of 512 x 512.

Ours is everything that a case pays before sending: encode, write, read back with the other reader, compare each voxel.
The peer is highdicom's encoding alone, into memory, warm, in the same run.
"""

import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import highdicom
import numpy as np
from highdicom.seg import Segmentation as SegmentationObject
from highdicom.seg import SegmentationTypeValues
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from node.bench.row import Row
from node.facts.read import Unread, read_facts
from node.facts.series import InstanceFile, SeriesFacts
from node.report.check import self_check
from node.report.deflate import deflate
from node.report.encode import ReportInput, encode_results, encode_segmentation
from node.report.segments import Tracked, describe
from node.report.uids import CT_IMAGE, CaseIdentity, device_uid
from node.segment.contract import LungDefinition, ModelIdentity, Segment, Segmentation, SegmentKind, Task
from node.settings import Objects
from node.volume.volume import SourceFrame, Volume

_SHAPE = (300, 512, 512)
_ROUNDS = 5  # the fastest of these counts, for both sides
_STUDY, _SERIES, _FRAME = "2.25.101", "2.25.102", "2.25.103"
_MODELS = (
    ModelIdentity("lungs-bench", "1", "0" * 64, Task.LUNGS, "cpu"),
    ModelIdentity("lesions-bench", "1", "1" * 64, Task.LESIONS, "cpu"),
)
_SEGMENTS = (
    Segment(1, SegmentKind.RIGHT_LUNG, "Right lung"),
    Segment(2, SegmentKind.LEFT_LUNG, "Left lung"),
    Segment(3, SegmentKind.LESION, "nodule-1"),
)


def bench_encode(shape: tuple[int, int, int] = _SHAPE, rounds: int = _ROUNDS) -> list[Row]:
    """Time encoding and checking, and measure the size of what is sent.

    Parameters
    ----------
    shape : (slices, rows, columns) of the series that is made up for it.
    """
    folder = Path(tempfile.mkdtemp(prefix="lungnode-bench-"))
    try:
        return _rows(folder, shape, rounds)
    finally:
        shutil.rmtree(folder)


def _rows(folder: Path, shape: tuple[int, int, int], rounds: int) -> list[Row]:
    case, headers = _case(folder, shape)
    ours_s, peer_s, report_s = [], [], []
    for _ in range(rounds + 1):  # the first round warms both sides up
        peer_s.append(_seconds(lambda: _highdicom(case, headers)))
        ours_s.append(_seconds(lambda: _seg_alone(case, folder)))
        report_s.append(_seconds(lambda: _everything(case, folder)))
    made = encode_results(case, folder)
    plain_bytes = made[0].path.stat().st_size
    deflated_bytes = deflate(made[0].path, folder / "deflated.dcm").stat().st_size
    return [
        Row(
            "SEG: encode, write, read back, compare",
            min(ours_s[1:]),
            "s",
            min(peer_s[1:]),
            "highdicom encode",
            at_most=2,
        ),
        Row("SEG and SR: encode, write, whole self-check", min(report_s[1:]), "s"),
        Row("SEG deflated", deflated_bytes / 1e6, "MB", at_most=1.0),
        Row("SEG not deflated", plain_bytes / 1e6, "MB"),
    ]


def _seconds(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _seg_alone(case: ReportInput, folder: Path) -> None:
    self_check(encode_segmentation(case, folder), case.volume, case.segmentation, ())


def _everything(case: ReportInput, folder: Path) -> None:
    self_check(encode_results(case, folder), case.volume, case.segmentation, ())


def _highdicom(case: ReportInput, headers: list[Dataset]) -> SegmentationObject:
    tracked = [
        Tracked(n, s, f"2.25.{n}", _MODELS[s.kind is SegmentKind.LESION]) for n, s in enumerate(_SEGMENTS, start=1)
    ]
    return SegmentationObject(
        source_images=headers,
        pixel_array=case.segmentation.labels_zyx,
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[describe(t, "bench") for t in tracked],
        series_instance_uid=highdicom.UID(),
        series_number=1,
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="bench",
        manufacturer_model_name="bench",
        software_versions="1",
        device_serial_number="1",
    )


def _case(folder: Path, shape: tuple[int, int, int]) -> tuple[ReportInput, list[Dataset]]:
    labels_zyx = _labels(shape)
    paths = [_write_header(folder, z, shape) for z in range(shape[0])]
    files = []
    for path in paths:
        facts = read_facts(path)
        if not isinstance(facts, Unread):
            files.append(InstanceFile(facts, path))
    matrix = np.diag([1.0, 0.7, 0.7, 1.0])[[2, 1, 0, 3]]
    matrix[:3, 3] = (-180.0, -180.0, 0.0)
    frames = tuple(SourceFrame(f.facts.sop_class_uid, f.facts.sop_instance_uid, 1) for f in files)
    hu_zyx = np.where(labels_zyx > 0, -850, 40).astype(np.int16)
    series = SeriesFacts(tuple(sorted(files, key=lambda f: f.facts.sop_instance_uid)))
    case = ReportInput(
        identity=CaseIdentity(_STUDY, (_SERIES,), "0" * 64, device_uid(_MODELS), "cpu", "0" * 64),
        volume=Volume(hu_zyx, matrix, frames, 1.0, 0.0, (), series),
        segmentation=Segmentation(labels_zyx, _SEGMENTS, LungDefinition.WITHOUT_LESIONS, _MODELS),
        quantities=(),
        reasons=(),
        objects=Objects(),
        now=datetime.now(UTC),
    )
    return replace(case), [dcmread(path) for path in paths]


def _labels(shape: tuple[int, int, int]) -> NDArray[np.uint8]:
    """Return two ellipsoid lungs that fill 254 of 300 slices, and a nodule in the right one."""
    z, y, x = np.ogrid[: shape[0], : shape[1], : shape[2]]
    z, y, x = z / shape[0] - 0.5, y / shape[1] - 0.5, x / shape[2] - 0.5
    labels = np.zeros(shape, np.uint8)
    labels[(z / 0.423) ** 2 + (y / 0.31) ** 2 + ((x + 0.2) / 0.16) ** 2 < 1] = 1
    labels[(z / 0.423) ** 2 + (y / 0.31) ** 2 + ((x - 0.2) / 0.16) ** 2 < 1] = 2
    labels[(z / 0.04) ** 2 + (y / 0.027) ** 2 + ((x + 0.2) / 0.027) ** 2 < 1] = 3
    return labels


def _write_header(folder: Path, z: int, shape: tuple[int, int, int]) -> Path:
    """Write one slice without pixels: nothing here reads them."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = CT_IMAGE, f"2.25.200{z:04}"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = _STUDY, _SERIES, _FRAME
    ds.PatientID, ds.PatientName, ds.PatientBirthDate, ds.PatientSex = "bench", "Bench^Bench", "", ""
    ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20250101", "120000", "1", ""
    ds.Modality, ds.SeriesNumber, ds.InstanceNumber, ds.PositionReferenceIndicator = "CT", 1, z + 1, ""
    ds.Rows, ds.Columns = shape[1:]
    ds.PixelSpacing, ds.SliceThickness = [0.7, 0.7], 1.0
    ds.ImageOrientationPatient, ds.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-180, -180, float(z)]
    path = folder / f"{z:04}.dcm"
    ds.save_as(path, enforce_file_format=True)
    return path
