"""A small CT series on disk with two lungs of different shape, as any geometry, and the case that is made of it."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from node.errors import Affects, Code, refuse
from node.facts.read import read_facts
from node.facts.series import InstanceFile, SeriesFacts
from node.measure.quantity import Name, Quantity, Side
from node.report.encode import ReportInput
from node.report.uids import CaseIdentity, device_uid
from node.segment.contract import LungDefinition, ModelIdentity, Segment, Segmentation, SegmentKind, Task
from node.settings import Objects
from node.volume.volume import SourceFrame, Volume

BIN = Path(__file__).resolve().parents[2] / ".venv" / "bin"
CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
ENHANCED_CT = "1.2.840.10008.5.1.4.1.1.2.1"
STUDY, SERIES, FRAME = "1.2.826.0.1.3680043.8.498.1", "1.2.826.0.1.3680043.8.498.1.2", "1.2.826.0.1.3680043.8.498.9"
NOW = datetime(2026, 3, 4, 12, 30, 15, 250000, tzinfo=UTC)
LUNGS = ModelIdentity("lungs-rule", "1.0", "a" * 64, Task.LUNGS, "cpu/float32/simpleitk")
LESIONS = ModelIdentity("lesions-net", "2.0", "b" * 64, Task.LESIONS, "cpu/float32/torch")
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


@dataclass(frozen=True)
class Grid:
    """The geometry of a series."""

    shape: tuple[int, int, int] = (20, 24, 28)
    orientation: tuple[float, ...] = AXIAL
    spacing_yx_mm: tuple[float, float] = (0.8, 0.7)
    step_mm: float = 2.5
    origin_lps_mm: tuple[float, float, float] = (-91.25, -80.5, -300.125)

    @property
    def normal(self) -> np.ndarray:
        return np.cross(self.orientation[:3], self.orientation[3:])

    def position(self, z: int) -> list[float]:
        return [round(v, 6) for v in (np.array(self.origin_lps_mm) + z * self.step_mm * self.normal).tolist()]

    @property
    def matrix(self) -> np.ndarray:
        m = np.eye(4)
        m[:3, 0] = self.normal * self.step_mm
        m[:3, 1] = np.array(self.orientation[3:]) * self.spacing_yx_mm[0]
        m[:3, 2] = np.array(self.orientation[:3]) * self.spacing_yx_mm[1]
        m[:3, 3] = self.origin_lps_mm
        return m


def lungs(shape: tuple[int, int, int]) -> np.ndarray:
    """Return an asymmetric label map: 1 = right lung at low columns, 2 = left lung, smaller, both off the borders."""
    n, rows, columns = shape
    z, y, x = np.ogrid[:n, :rows, :columns]
    labels = np.zeros(shape, np.uint8)

    def ellipsoid(cz: float, cy: float, cx: float, rz: float, ry: float, rx: float) -> np.ndarray:
        return ((z / n - cz) / rz) ** 2 + ((y / rows - cy) / ry) ** 2 + ((x / columns - cx) / rx) ** 2 < 1

    labels[ellipsoid(0.5, 0.5, 0.28, 0.42, 0.36, 0.18)] = 1
    labels[ellipsoid(0.55, 0.46, 0.72, 0.33, 0.30, 0.16)] = 2
    return labels


def header(grid: Grid, z: int, hu_yx: np.ndarray) -> Dataset:
    """Return one CT slice, stored with intercept -1024."""
    ds = Dataset()
    ds.SpecificCharacterSet = "ISO_IR 100"
    ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    ds.SOPClassUID, ds.SOPInstanceUID = CT_IMAGE, f"{SERIES}.{z + 1}"
    ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber = "20250102", "101112.5", "S1", "ACC7"
    ds.StudyDescription, ds.ReferringPhysicianName = "Thorax nativ", "Weiß^Anna"
    ds.Modality, ds.Manufacturer, ds.ManufacturerModelName = "CT", "Scanner Works", "Tube 1"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Müller^Jörg", "P-1", "19500607", "M"
    ds.IssuerOfPatientID = "HOSPITAL"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = STUDY, SERIES, FRAME
    ds.SeriesNumber, ds.InstanceNumber, ds.PatientPosition, ds.PositionReferenceIndicator = 3, z + 1, "HFS", ""
    ds.KVP, ds.ConvolutionKernel, ds.SliceThickness = "120", "B30f", "2.5"
    ds.ImagePositionPatient, ds.ImageOrientationPatient = grid.position(z), list(grid.orientation)
    ds.PixelSpacing = list(grid.spacing_yx_mm)
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = hu_yx.shape
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "-1024", "1", "HU"
    ds.PixelData = (hu_yx.astype(np.int32) + 1024).astype("<u2").tobytes()
    return ds


def save(ds: Dataset, path: Path) -> Path:
    """Write a Part 10 file."""
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.save_as(path, enforce_file_format=True)
    return path


def hounsfield(labels: np.ndarray) -> np.ndarray:
    """Return tissue with air-like, slightly uneven lungs; integers, so that every number is exact."""
    rng = np.random.default_rng(7)
    return np.where(labels > 0, rng.integers(-980, -700, labels.shape), 40).astype(np.int16)


def numbers(volume: Volume, labels: np.ndarray) -> tuple[Quantity, ...]:
    """Return the lung quantities of 2.1, computed plainly from their definitions."""
    sides = {Side.RIGHT: labels == 1, Side.LEFT: labels == 2, Side.BOTH: (labels == 1) | (labels == 2)}
    made: list[Quantity] = []
    for side, mask in sides.items():
        if not mask.any():
            continue
        hu = volume.hu_zyx[mask].astype(float)
        values = {
            Name.LUNG_VOLUME: (mask.sum() * volume.voxel_ml, "ml"),
            Name.MEAN_LUNG_DENSITY: (hu.mean(), "HU"),
            Name.SD_LUNG_DENSITY: (hu.std(), "HU"),
            Name.LAA_950: (100 * (hu <= -950).mean(), "percent"),
            Name.LAA_910: (100 * (hu <= -910).mean(), "percent"),
            Name.PERC15: (np.percentile(hu, 15), "HU"),
            Name.PD15: (np.percentile(hu, 15) + 1000, "g/l"),
        }
        for name, (value, unit) in values.items():
            made.append(
                Quantity(
                    name, side, None, float(value), unit, f"{name} by definition", "lung-density/1", ("threshold=<=",)
                )
            )
    return tuple(made)


def withheld(quantities: tuple[Quantity, ...], names: set[Name], code: Code) -> tuple[Quantity, ...]:
    """Return the quantities with some of them refused."""
    reason = refuse(code, f"{code} found 3 mm, limit 2.5 mm", Affects.DENSITY)
    return tuple(replace(q, value=None, refused_by=(reason,)) if q.name in names else q for q in quantities)


def read_series(paths: list[Path]) -> SeriesFacts:
    """Read the headers of files as one series."""
    files = [InstanceFile(read_facts(path), path) for path in paths]
    return SeriesFacts(tuple(sorted(files, key=lambda f: f.facts.sop_instance_uid)))


def segmentation_of(labels: np.ndarray, *models: ModelIdentity, unsure: tuple[str, ...] = ()) -> Segmentation:
    """Return the segmentation of a label map: 1 right, 2 left, 3 and more lesions."""
    names = {1: (SegmentKind.RIGHT_LUNG, "Right lung"), 2: (SegmentKind.LEFT_LUNG, "Left lung")}
    segments = tuple(
        Segment(label, *names.get(label, (SegmentKind.LESION, f"nodule-{label - 2}")))
        for label in sorted(set(np.unique(labels).tolist()) - {0})
    )
    return Segmentation(labels, segments, LungDefinition.WITHOUT_LESIONS, models or (LUNGS,), (), unsure)


@dataclass
class CaseMaker:
    """Makes series and cases under one folder."""

    folder: Path

    def series(self, grid: Grid, labels: np.ndarray, edit: Callable[[Dataset], None] | None = None) -> SeriesFacts:
        """Write one file per slice and read the headers back."""
        hu = hounsfield(labels)
        self.folder.mkdir(exist_ok=True)
        paths = []
        for z in range(grid.shape[0]):
            ds = header(grid, z, hu[z])
            if edit is not None:
                edit(ds)
            paths.append(save(ds, self.folder / f"{z:04}.dcm"))
        return read_series(paths)

    def case(
        self,
        grid: Grid = Grid(),
        labels: np.ndarray | None = None,
        edit: Callable[[Dataset], None] | None = None,
        models: tuple[ModelIdentity, ...] = (LUNGS,),
        unsure: tuple[str, ...] = (),
        **changes: object,
    ) -> ReportInput:
        """Return everything that the objects of one case are made from."""
        labels = lungs(grid.shape) if labels is None else labels
        series = self.series(grid, labels, edit)
        by_position = sorted(
            series.files, key=lambda f: float(np.dot(f.facts.geometry.image_position_lps_mm, grid.normal))
        )
        frames = tuple(SourceFrame(f.facts.sop_class_uid, f.facts.sop_instance_uid, 1) for f in by_position)
        volume = Volume(hounsfield(labels), grid.matrix, frames, 2.5, 0.0, (), series)
        given = ReportInput(
            identity=identity(models),
            volume=volume,
            segmentation=segmentation_of(labels, *models, unsure=unsure),
            quantities=numbers(volume, labels),
            reasons=(),
            objects=Objects(),
            now=NOW,
        )
        return replace(given, **changes)


def identity(models: tuple[ModelIdentity, ...] = (LUNGS,), **changes: object) -> CaseIdentity:
    """Return a case's identity."""
    made = CaseIdentity(STUDY, (SERIES,), "d" * 64, device_uid(models), "cpu/float32/simpleitk", "c" * 64)
    return replace(made, **changes)


@pytest.fixture
def maker(tmp_path: Path) -> CaseMaker:
    """Cases under a folder of the test's own."""
    return CaseMaker(tmp_path / "series")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where results are written."""
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def run_tool(*command: str | Path) -> str:
    """Run a command that must succeed and return everything that it printed."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def case_of(series: SeriesFacts, **changes: object) -> ReportInput:
    """Return a case of a real series, with an asymmetric made-up mask and made-up attenuation in it."""
    first = series.first.geometry
    orientation = np.array(first.image_orientation)
    normal = np.cross(orientation[:3], orientation[3:])
    files = sorted(series.files, key=lambda f: float(np.dot(f.facts.geometry.image_position_lps_mm, normal)))
    start, end = (np.array(files[i].facts.geometry.image_position_lps_mm) for i in (0, -1))
    matrix = np.eye(4)
    matrix[:3, 0] = (end - start) / (len(files) - 1)
    matrix[:3, 1] = orientation[3:] * first.pixel_spacing_yx_mm[0]
    matrix[:3, 2] = orientation[:3] * first.pixel_spacing_yx_mm[1]
    matrix[:3, 3] = start
    labels = lungs((len(files), first.rows, first.columns))
    frames = tuple(SourceFrame(f.facts.sop_class_uid, f.facts.sop_instance_uid, 1) for f in files)
    volume = Volume(hounsfield(labels), matrix, frames, first.slice_thickness_mm, 0.0, (), series)
    own = identity(study_uid=series.study_instance_uid, source_series_uids=(series.series_instance_uid,))
    given = ReportInput(own, volume, segmentation_of(labels), numbers(volume, labels), (), Objects(), NOW)
    return replace(given, **changes)


def enhanced_case(folder: Path, grid: Grid = Grid()) -> ReportInput:
    """Return a case whose series is one Enhanced CT object, its frames stored from head to feet."""
    labels = lungs(grid.shape)
    hu = hounsfield(labels)
    ds = header(grid, 0, hu[0])
    for keyword in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        delattr(ds, keyword)
    for keyword in ("RescaleIntercept", "RescaleSlope", "RescaleType"):
        delattr(ds, keyword)
    ds.SOPClassUID, ds.SOPInstanceUID = ENHANCED_CT, f"{SERIES}.77"
    ds.NumberOfFrames = grid.shape[0]
    stored = list(reversed(range(grid.shape[0])))
    ds.SharedFunctionalGroupsSequence = [_shared(grid)]
    ds.PerFrameFunctionalGroupsSequence = [_per_frame(grid, z) for z in stored]
    ds.PixelData = (hu[stored].astype(np.int32) + 1024).astype("<u2").tobytes()
    folder.mkdir(exist_ok=True)
    series = read_series([save(ds, folder / "enhanced.dcm")])
    frames = tuple(SourceFrame(ENHANCED_CT, f"{SERIES}.77", grid.shape[0] - z) for z in range(grid.shape[0]))
    volume = Volume(hu, grid.matrix, frames, 2.5, 0.0, (), series)
    return ReportInput(identity(), volume, segmentation_of(labels), numbers(volume, labels), (), Objects(), NOW)


def _shared(grid: Grid) -> Dataset:
    group, orientation, measures, values = Dataset(), Dataset(), Dataset(), Dataset()
    orientation.ImageOrientationPatient = list(grid.orientation)
    measures.PixelSpacing, measures.SliceThickness = list(grid.spacing_yx_mm), 2.5
    values.RescaleIntercept, values.RescaleSlope, values.RescaleType = "-1024", "1", "HU"
    group.PlaneOrientationSequence, group.PixelMeasuresSequence = [orientation], [measures]
    group.PixelValueTransformationSequence = [values]
    return group


def _per_frame(grid: Grid, z: int) -> Dataset:
    group, position = Dataset(), Dataset()
    position.ImagePositionPatient = grid.position(z)
    group.PlanePositionSequence = [position]
    return group


def children(item: Dataset, code_value: str | None = None) -> list[Dataset]:
    """Return the content items below one, those of one concept where it is given."""
    return [
        child
        for child in item.get("ContentSequence", [])
        if code_value is None or child.ConceptNameCodeSequence[0].CodeValue == code_value
    ]


def every_item(item: Dataset) -> list[Dataset]:
    """Return all content items of a tree."""
    return [found for child in children(item) for found in (child, *every_item(child))]


def groups_of(report: Dataset) -> list[Dataset]:
    """Return the measurement groups of a report."""
    return children(children(report, "126010")[0], "125007")
