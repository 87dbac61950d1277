"""LUNA16 and the Medical Segmentation Decathlon as they are published, in the format of the shared sets.

LUNA16: `subset*/UID.mhd` with `seg-lungs-LUNA16/UID.mhd` (3, 4 = lungs, 5 = windpipe) and `annotations.csv` (centre
and diameter of each nodule, drawn here as a ball: label 2). MSD Task06: `imagesTr/NAME.nii.gz` with `labelsTr`.
"""

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from node.errors import InputRefused
from node.learn.set_writer import Case

_LUNA_LUNGS = (3, 4)
_LUNA_KEY = "1 = lung (automatic), 2 = nodule as a ball of the mean diameter"
_MSD_KEY = "2 = primary tumour; lungs not outlined"


def luna16_cases(root: Path) -> Iterator[Case]:
    """Read every scan of LUNA16.

    Raises
    ------
    InputRefused
        IMPORT-NONE if there is no scan with a lung mask, or no list of nodules: all scans would pass as free of them;
        IMPORT-UNREAD if that list or a scan cannot be read.
    """
    masks = {path.name: path for path in sorted(root.glob("**/seg-lungs-LUNA16/*.mhd"))}
    nodules = _annotations(root)
    scans = [
        path for path in sorted(root.rglob("*.mhd")) if path.parent.name != "seg-lungs-LUNA16" and path.name in masks
    ]
    if not scans:
        raise InputRefused("IMPORT-NONE", f"{root} holds no scan with a mask in seg-lungs-LUNA16")
    for path in scans:
        image = _oriented(path)
        lungs = SimpleITK.GetArrayFromImage(_oriented(masks[path.name]))
        labels = np.isin(lungs, _LUNA_LUNGS).astype(np.uint8)
        for centre_lps_mm, diameter_mm in nodules[path.stem]:
            labels[_ball(image, centre_lps_mm, diameter_mm)] = 2
        yield _case(path.stem, image, labels, "LUNA16", "unknown", _LUNA_KEY, "CC BY 4.0", has_lung=True)


def msd_cases(root: Path) -> Iterator[Case]:
    """Read every labelled scan of MSD Task06.

    Raises
    ------
    InputRefused
        IMPORT-NONE if there is none.
    """
    labels = sorted((root / "labelsTr").glob("[!.]*.nii.gz"))
    if not labels:
        raise InputRefused("IMPORT-NONE", f"{root} holds no labelsTr/*.nii.gz")
    for path in labels:
        drawn = SimpleITK.GetArrayFromImage(_oriented(path))
        image = _oriented(root / "imagesTr" / path.name)
        name = path.name.removesuffix(".nii.gz")
        tumour = np.where(drawn > 0, 2, 0).astype(np.uint8)
        yield _case(name, image, tumour, "MSD Task06 Lung", "expert", _MSD_KEY, "CC BY-SA 4.0", has_lung=False)


def _case(
    name: str, image: SimpleITK.Image, labels: NDArray[np.uint8], source: str, origin: str, key: str, licence: str, *,
    has_lung: bool,
) -> Case:  # fmt: skip
    hu = np.clip(SimpleITK.GetArrayFromImage(image), -1024, 3071).astype(np.int16)
    x, y, z = image.GetSpacing()
    return Case(name, hu, labels, (z, y, x), image.GetOrigin(), has_lung, source, origin, key, licence)


def _oriented(path: Path) -> SimpleITK.Image:
    """Read a volume with its axes to the left, the back and the head.

    Raises
    ------
    InputRefused
        IMPORT-UNREAD if it cannot be read.
    """
    try:
        image: SimpleITK.Image = SimpleITK.DICOMOrient(SimpleITK.ReadImage(str(path)), "LPS")
    except RuntimeError as error:
        raise InputRefused("IMPORT-UNREAD", f"{path.name} cannot be read") from error
    return image


def _annotations(root: Path) -> dict[str, list[tuple[tuple[float, float, float], float]]]:
    """Return the nodules of each scan: centre in patient space and diameter, mm."""
    path = next(iter(sorted(root.rglob("annotations.csv"))), None)
    if path is None:
        raise InputRefused("IMPORT-NONE", f"{root} holds no annotations.csv, the list of nodules; put it there")
    nodules: dict[str, list[tuple[tuple[float, float, float], float]]] = defaultdict(list)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                centre = (float(row["coordX"]), float(row["coordY"]), float(row["coordZ"]))
                nodules[row["seriesuid"]].append((centre, float(row["diameter_mm"])))
    except (UnicodeDecodeError, KeyError, TypeError, ValueError) as error:
        text = f"{path}: want seriesuid, coordX, coordY, coordZ and diameter_mm as numbers: {error!r}"
        raise InputRefused("IMPORT-UNREAD", text) from error
    return nodules


def _ball(image: SimpleITK.Image, centre_lps_mm: tuple[float, float, float], diameter_mm: float) -> NDArray[np.bool_]:
    """Return the voxels whose centres lie in a ball."""
    x, y, z = image.TransformPhysicalPointToContinuousIndex(centre_lps_mm)
    nx, ny, nz = image.GetSize()
    sx, sy, sz = image.GetSpacing()
    at = np.ogrid[:nz, :ny, :nx]
    squared = sum(((axis - c) * s) ** 2 for axis, c, s in zip(at, (z, y, x), (sz, sy, sx), strict=True))
    inside: NDArray[np.bool_] = np.asarray(squared <= (diameter_mm / 2.0) ** 2)
    return inside
