"""Write volumes in the format of the shared sets: ID_ct.nii.gz, ID_label.nii.gz and a line of index.csv.

A volume's id is its case's name, with a number behind it from a patient's second scan on (eight of LIDC-IDRI's patients
have two): the files are named by it, the patient stays one case.
"""

import csv
import json
import re
from collections.abc import Container, Iterable
from dataclasses import dataclass
from hashlib import sha256
from itertools import chain, count
from pathlib import Path

import numpy as np
import SimpleITK
from numpy.typing import NDArray

COLUMNS = (
    "id", "case", "ct", "label", "source", "domain", "size", "spacing_mm", "lung_label", "first_slice",
    "slices_of_scan", "tumour_ml", "split", "label_origin", "label_key", "scanner", "licence", "notes",
)  # fmt: skip
MARKS = "_marks.json"  # behind a volume's id: what readers marked without an outline
SMALL = "nodule < 3 mm"
_SAFE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_TRAIN, _VAL = 70, 85  # of a hundred: 70 / 15 / 15


@dataclass(frozen=True, slots=True)
class Case:
    """One volume with its labels, slices from the feet, rows to the back, columns to the left.

    Attributes
    ----------
    labels_zyx : 0 = none, 1 = lung, 2 = tumour or nodule, 3 = drawn by one reader only.
    origin_lps_mm : patient position of the first voxel.
    has_lung : whether somebody outlined the lungs; else 0 is not "no lung".
    small_zyx : voxels that readers marked as nodules under 3 mm, without an outline; see `scans`.
    """

    case: str
    hu_zyx: NDArray[np.int16]
    labels_zyx: NDArray[np.uint8]
    spacing_zyx_mm: tuple[float, float, float]
    origin_lps_mm: tuple[float, float, float]
    has_lung: bool
    source: str
    label_origin: str
    label_key: str
    licence: str
    small_zyx: tuple[tuple[int, int, int], ...] = ()


def write_set(cases: Iterable[Case], out: Path) -> int:
    """Write the set; return how many cases it has."""
    out.mkdir(parents=True, exist_ok=True)
    written: set[str] = set()
    patients: set[str] = set()
    with (out / "index.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for case in cases:
            volume_id = _unlike(case.case, written)
            writer.writerow(_write(case, volume_id, out))
            written.add(volume_id)
            patients.add(case.case)
    return len(patients)


def _unlike(wanted: str, written: Container[str]) -> str:
    """Return a name that no volume has yet."""
    others = (f"{wanted}-{number}" for number in count(2))
    return next(name for name in chain((wanted,), others) if name not in written)


def safe_name(wanted: str, otherwise: str) -> str:
    """Return a case's name that may be a file's: headers are input from strangers."""
    return wanted if _SAFE.fullmatch(wanted) else "case-" + sha256(otherwise.encode()).hexdigest()[:12]


def split_of(case: str) -> str:
    """Return the part that a case falls into, the same on every machine: about 70 / 15 / 15."""
    hundredth = int(sha256(case.encode()).hexdigest(), 16) % 100
    if hundredth < _TRAIN:
        return "train"
    return "val" if hundredth < _VAL else "test"


def _write(case: Case, volume_id: str, out: Path) -> dict[str, str]:
    """Write both volumes; return the line of the index."""
    names = {name: f"{volume_id}_{name}.nii.gz" for name in ("ct", "label")}
    for name, voxels in (("ct", case.hu_zyx), ("label", case.labels_zyx)):
        image = SimpleITK.GetImageFromArray(voxels)
        image.SetSpacing(case.spacing_zyx_mm[::-1])
        image.SetOrigin(case.origin_lps_mm)
        SimpleITK.WriteImage(image, str(out / names[name]), useCompression=True)
    if case.small_zyx:
        marks = [{"kind": SMALL, "voxel": [x, y, z]} for z, y, x in case.small_zyx]
        (out / f"{volume_id}{MARKS}").write_text(json.dumps({"marks": marks}, indent=1), encoding="utf-8")
    nz, ny, nx = case.hu_zyx.shape
    z, y, x = case.spacing_zyx_mm
    tumour_ml = float((case.labels_zyx == 2).sum()) * z * y * x / 1000.0
    return {
        "id": volume_id, "case": case.case, "ct": names["ct"], "label": names["label"], "source": case.source,
        "domain": "hu", "size": f"{nx}x{ny}x{nz}", "spacing_mm": f"{x:g}x{y:g}x{z:g}",
        "lung_label": "1" if case.has_lung else "",
        "first_slice": "0", "slices_of_scan": str(nz), "tumour_ml": f"{tumour_ml:.2f}", "split": split_of(case.case),
        "label_origin": case.label_origin, "label_key": case.label_key, "scanner": "", "licence": case.licence,
        "notes": "",
    }  # fmt: skip
