"""A small CT, our result of it, and readers' segmentations as OHIF and 3D Slicer write them."""

import json
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import highdicom
import numpy as np
import SimpleITK as sitk  # noqa: N813 - the library's own usual name
from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
from highdicom.sr.coding import CodedConcept
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from node.phantom.dicom import write_series
from node.phantom.grid import Grid as PhantomGrid
from node.phantom.grid import grid_at
from node.phantom.simple import make_asymmetric
from node.segment.contract import LungDefinition, ModelIdentity, Segment, Segmentation, SegmentKind, Task
from node.volume.segmentation import Grid

BIN = Path(__file__).resolve().parents[2] / ".venv" / "bin"
OUR_TRACKING = "1.2.3.77"
EXPLICIT, DEFLATED = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99"
LUNG = ("91723000", "SCT", "Anatomical Structure")
MARK = ("49755003", "SCT", "Morphologically Abnormal Structure")
CODES = {
    "right": (LUNG, ("3341006", "SCT", "Right lung")),
    "left": (LUNG, ("44029006", "SCT", "Left lung")),
    "lung": (LUNG, ("39607008", "SCT", "Lung")),
    "nodule": (MARK, ("27925004", "SCT", "Nodule")),
    "tissue": (("85756007", "SCT", "Tissue"), ("85756007", "SCT", "Tissue")),
}


@dataclass(frozen=True)
class Part:
    """One segment of a reader's object."""

    label: str
    mask_zyx: np.ndarray
    code: str = "tissue"
    algorithm: str = "MANUAL"
    tracking_uid: str = ""


@dataclass(frozen=True)
class Scan:
    """A CT on disk with our result of it."""

    files: tuple[Path, ...]
    phantom: PhantomGrid
    ours: Segmentation
    folder: Path

    @property
    def grid(self) -> Grid:
        frame = str(dcmread(self.files[0], stop_before_pixels=True).FrameOfReferenceUID)
        return Grid(self.phantom.shape_zyx, self.phantom.lps_from_zyx, frame)

    def mask(self, label: int) -> np.ndarray:
        return self.ours.labels_zyx == label

    def parts_of_lungs(self) -> list[Part]:
        """Our lungs as a reader saves them."""
        return [Part("Right lung", self.mask(1), "right"), Part("Left lung", self.mask(2), "left")]

    def parts(self, **changed: np.ndarray) -> list[Part]:
        """Our own segments as a reader saves them, masks replaced by name."""
        return [
            Part("Right lung", changed.get("right", self.mask(1)), "right"),
            Part("Left lung", changed.get("left", self.mask(2)), "left"),
            Part("nodule-1", changed.get("nodule", self.mask(3)), "nodule"),
        ]

    def like_ohif(
        self, parts: Sequence[Part], *, kind: str = "BINARY", change: Callable[[Dataset], None] = lambda _: None,
        syntax: str = "1.2.840.10008.1.2.1",
    ) -> Path:  # fmt: skip
        """A SEG on the CT's own frames, one series for each saving, with the reader's name."""
        described = [
            SegmentDescription(
                i, p.label, CodedConcept(*CODES[p.code][0]), CodedConcept(*CODES[p.code][1]),
                SegmentAlgorithmTypeValues[p.algorithm],
                algorithm_identification=None if p.algorithm == "MANUAL" else highdicom.AlgorithmIdentificationSequence(
                    "other", CodedConcept("123110", "DCM", "Artificial Intelligence"), "1"
                ),
                tracking_uid=p.tracking_uid or None, tracking_id=p.label if p.tracking_uid else None,
            )
            for i, p in enumerate(parts, start=1)
        ]  # fmt: skip
        pixels = np.stack([p.mask_zyx for p in parts], axis=-1).astype(np.float32 if kind == "FRACTIONAL" else np.uint8)
        if kind == "LABELMAP":
            pixels = sum((p.mask_zyx * i for i, p in enumerate(parts, start=1)), np.zeros(pixels.shape[:3])).astype(
                np.uint8
            )
        ds = highdicom.seg.Segmentation(
            [dcmread(path) for path in self.files], pixels, kind, described, generate_uid(), 300, generate_uid(), 1,
            "Viewer Works", "OHIF", "3.9", "0", content_creator_name="Reader^Ruth", series_description="Edited",
            omit_empty_frames=kind != "FRACTIONAL", transfer_syntax_uid=EXPLICIT if syntax == DEFLATED else syntax,
        )  # fmt: skip
        ds.ContentDate, ds.ContentTime = "20260304", "121314.5"
        change(ds)
        ds.file_meta.TransferSyntaxUID = syntax
        path = self.folder / f"{ds.SOPInstanceUID}.dcm"
        ds.save_as(path)
        return path

    def like_slicer(self, parts: Sequence[Part]) -> Path:
        """A SEG that dcmqi made, the library that 3D Slicer saves with."""
        meta = {
            "ContentCreatorName": "Slicer^Sam", "SeriesDescription": "Segmentation", "SeriesNumber": "301",
            "InstanceNumber": "1", "ClinicalTrialSeriesID": "1", "ClinicalTrialTimePointID": "1",
            "segmentAttributes": [],
        }  # fmt: skip
        files = []
        for i, part in enumerate(parts, start=1):
            image = sitk.GetImageFromArray((part.mask_zyx * 1).astype(np.int16))
            matrix = self.phantom.lps_from_zyx[:3, [2, 1, 0]]
            spacing = np.linalg.norm(matrix, axis=0)
            image.SetSpacing(spacing.tolist())
            image.SetDirection((matrix / spacing).ravel().tolist())
            image.SetOrigin(self.phantom.lps_from_zyx[:3, 3].tolist())
            files.append(self.folder / f"slicer-{i}.nrrd")
            sitk.WriteImage(image, str(files[-1]))
            category, kind = CODES[part.code]
            keys = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
            meta["segmentAttributes"].append([{
                "labelID": 1, "SegmentLabel": part.label, "SegmentDescription": part.label,
                "SegmentAlgorithmType": part.algorithm, "SegmentAlgorithmName": "Threshold",
                "SegmentedPropertyCategoryCodeSequence": dict(zip(keys, category, strict=True)),
                "SegmentedPropertyTypeCodeSequence": dict(zip(keys, kind, strict=True)),
            }])  # fmt: skip
        (self.folder / "meta.json").write_text(json.dumps(meta))
        out = self.folder / "slicer.dcm"
        done = subprocess.run(
            [BIN / "itkimage2segimage", "--inputImageList", ",".join(map(str, files)),
             "--inputDICOMList", ",".join(map(str, self.files)), "--outputDICOM", out,
             "--inputMetadata", self.folder / "meta.json", "--skip"],
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert out.exists(), done.stdout + done.stderr
        return out


def make_scan(folder: Path) -> Scan:
    """20 slices of 33 x 37, so that no frame begins on a byte; a lesion of 27 voxels in the right lung."""
    phantom = make_asymmetric(grid_at((1.0, 2.0, 3.0), (20, 33, 37), (8.0, 5.0, 5.5)))
    files = write_series(phantom, folder / "ct")
    labels = phantom.labels_zyx.copy()
    z, y, x = (int(v) for v in np.argwhere(labels == 1)[len(np.argwhere(labels == 1)) // 2])
    labels[z - 1 : z + 2, y : y + 3, x : x + 3] = 3
    labels.setflags(write=False)
    segments = (
        Segment(1, SegmentKind.RIGHT_LUNG, "Right lung"),
        Segment(2, SegmentKind.LEFT_LUNG, "Left lung"),
        Segment(3, SegmentKind.LESION, "nodule-1"),
    )
    models = (ModelIdentity("lungs-rule", "1", "a" * 64, Task.LUNGS, "cpu"),)
    ours = Segmentation(labels, segments, LungDefinition.WITHOUT_LESIONS, models)
    return Scan(files, phantom.grid, ours, folder)
