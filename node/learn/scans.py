"""Whole scans with what is known on them: volumes of a set, and DICOM series named in a `known-lesions.json`.

A lesion is known by an outline (mask), by boxes on slices, or by a ball; `counts` says whether a detector has to find
it (outlined by at least two readers where there were several). Marks that hit nothing are false only on scans that
were read completely, and not near a place that a reader marked as a nodule under 3 mm. Such a file may say `case` and
`licence` of a scan; without, the case is its PatientID, and the licence that of a public patient or not known.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.errors import InputRefused, Refusal
from node.facts.folder import read_folder
from node.facts.series import SeriesFacts
from node.learn.import_lidc import lidc_cases, small_nodules
from node.learn.index import Row, read_index
from node.learn.nifti import read_nifti
from node.learn.outlines import filled
from node.learn.public_patients import READ_COMPLETELY, case_of, licence_of_case
from node.learn.set_writer import MARKS, SMALL
from node.learn.truth import tumour_truth
from node.volume.read import read_volume
from node.volume.volume import Volume

KNOWN = "known-lesions.json"
_WIDE_MM, _HIGH_MM = 200.0, 150.0  # smaller volumes are regions round a lesion, no scans

Mask = NDArray[np.bool_]
Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Known:
    """One known lesion, by one of three.

    Attributes
    ----------
    mask_zyx : bool on the scan's grid.
    ball_lps_mm : centre and radius.
    box_lps_mm : (x, y, z) ranges; the mark's centre must lie in it.
    volume_mm3 : of the outline, None where there is none.
    counts : whether a detector has to find it.
    """

    mask_zyx: Mask | None = None
    ball_lps_mm: tuple[Point, float] | None = None
    box_lps_mm: tuple[tuple[float, float], tuple[float, float], tuple[float, float]] | None = None
    volume_mm3: float | None = None
    counts: bool = True


@dataclass(frozen=True, slots=True)
class Scan:
    """One scan.

    Attributes
    ----------
    name : as in the set; case : the patient, who decides whether a model has seen it.
    known : its lesions.
    read_completely : whether marks elsewhere are false.
    spared_lps_mm : places where a mark is neither found nor false.
    """

    name: str
    case: str
    split: str
    volume: Volume
    known: tuple[Known, ...]
    read_completely: bool
    spared_lps_mm: tuple[Point, ...] = ()
    licence: str = ""

    def is_of(self, cases: frozenset[str]) -> bool:
        """Tell whether the patient is among these; a DICOM scan's folder may name it as the sets do."""
        names = {self.case.lower(), self.name.lower(), self.name.lower().rpartition("/")[2]}
        return any(case.lower() in names for case in cases)


def scans(data: Path, splits: frozenset[str], names: frozenset[str] = frozenset()) -> Iterator[Scan]:
    """Yield the whole scans of a folder: one with a `known-lesions.json`, or a set with volumes.

    Raises
    ------
    InputRefused
        SET-UNREAD if it holds neither, or a scan cannot be read.
    """
    if not has_scans(data):
        wide, high = f"{_WIDE_MM:.0f} mm wide", f"{_HIGH_MM:.0f} mm high"
        text = f"{data} holds no {KNOWN}, and no volume of its index.csv is at least {wide} and {high}"
        raise InputRefused("SET-UNREAD", f"{text}: there is no whole scan")
    if (data / KNOWN).is_file():
        yield from _dicom_scans(data, splits, names)
        return
    for row in read_index(data):
        if row.split in splits and row["ct"] and (not names or {row.id, row.case} & names) and _is_scan(row):
            yield _of_row(row)


def has_scans(data: Path) -> bool:
    """Tell whether a folder holds whole scans."""
    return (data / KNOWN).is_file() or any(row["ct"] and _is_scan(row) for row in read_index(data))


def _is_scan(row: Row) -> bool:
    try:
        x, _, z = (
            int(n) * float(mm) for n, mm in zip(row["size"].split("x"), row["spacing_mm"].split("x"), strict=True)
        )
    except ValueError:
        return False
    return x >= _WIDE_MM and z >= _HIGH_MM


def _is_read_completely(row: Row) -> bool:
    """Tell whether readers looked at all of both lungs: LIDC-IDRI's do."""
    return row["source"].startswith("LIDC-IDRI") or row.case in READ_COMPLETELY or row["read_completely"] == "1"


def _of_row(row: Row) -> Scan:
    picture, label = (read_nifti(row.root / row[column]) for column in ("ct", "label"))
    tumour = tumour_truth(row, label.voxels_zyx)
    hu = np.ascontiguousarray(picture.voxels_zyx.astype(np.int16))
    volume = without_headers(hu, picture.spacing_zyx_mm)
    lesions = np.zeros(hu.shape, bool) if tumour is None else tumour
    others = np.isin(label.voxels_zyx, (2, 3)) & ~lesions  # drawn by one reader, or nodes: neither known nor false
    known = (*_parts(lesions, volume, counts=True), *_parts(others, volume, counts=False))
    return Scan(
        row.id, row.case, row.split, volume, known, _is_read_completely(row), _spared(row, volume), row["licence"]
    )


def without_headers(hu_zyx: NDArray[np.int16], spacing_zyx_mm: tuple[float, float, float]) -> Volume:
    """Return an axial volume, slices from the feet, of which nothing else is known."""
    z, y, x = spacing_zyx_mm
    lps_from_zyx = np.array([[0, 0, x, 0], [0, y, 0, 0], [z, 0, 0, 0], [0, 0, 0, 1]], np.float64)
    return Volume(hu_zyx, lps_from_zyx, (), None, 0.0, (), SeriesFacts(()))


def _parts(mask_zyx: Mask, volume: Volume, *, counts: bool) -> Iterator[Known]:
    """Yield the connected parts of a mask, each as one lesion."""
    labels, n = ndimage.label(mask_zyx, ndimage.generate_binary_structure(3, 3))
    for number in range(1, n + 1):
        part = labels == number
        yield Known(mask_zyx=part, volume_mm3=float(part.sum()) * volume.voxel_ml * 1000.0, counts=counts)


def _spared(row: Row, volume: Volume) -> tuple[Point, ...]:
    path = row.root / f"{row.id}{MARKS}"
    if not path.is_file():
        return ()
    told = json.loads(path.read_text(encoding="utf-8"))
    small = [mark["voxel"] for mark in told["marks"] if mark["kind"] == SMALL]
    return tuple(_place((int(z), int(y), int(x)), volume) for x, y, z in small)


def _place(at_zyx: tuple[int, int, int], volume: Volume) -> Point:
    return _point((volume.lps_from_zyx @ (*at_zyx, 1.0))[:3])


def _point(values: Any) -> Point:
    x, y, z = (float(value) for value in values)
    return (x, y, z)


def _dicom_scans(data: Path, splits: frozenset[str], names: frozenset[str]) -> Iterator[Scan]:
    told = json.loads((data / KNOWN).read_text(encoding="utf-8"))
    for name, known in told["scans"].items():
        if known["split"] in splits and (not names or name in names):
            yield _of_series(data / name, name, known)


def _of_series(folder: Path, name: str, told: dict[str, Any]) -> Scan:
    series = max(read_folder(folder).series, key=lambda one: len(one.files), default=None)
    volume = None if series is None else read_volume(series, minimum_age_years=0.0, refuse_without_patient_id=False)
    if series is None or volume is None or isinstance(volume, Refusal):
        raise InputRefused("SET-UNREAD", f"{name}: no series that can be read")
    known = tuple(one for lesion in told["lesions"] for one in _known_of(lesion, folder, volume))
    spared = tuple(_place(at, volume) for at in small_nodules(folder, volume))
    case = told.get("case") or case_of(series.first.patient.patient_id)
    return Scan(
        name,
        case,
        told["split"],
        volume,
        known,
        bool(told["read_completely"]),
        spared,
        told.get("licence") or licence_of_case(case),
    )


def _known_of(lesion: dict[str, Any], folder: Path, volume: Volume) -> Iterator[Known]:
    if "centre_lps_mm" in lesion:
        yield Known(ball_lps_mm=(_point(lesion["centre_lps_mm"]), float(lesion["radius_mm"])))
    elif "extent_lps_mm" in lesion:
        x, y, z = ((float(low), float(high)) for low, high in (lesion["extent_lps_mm"][f"{a}_mm"] for a in "xyz"))
        half_mm = volume.spacing_zyx_mm[0] / 2.0
        yield Known(box_lps_mm=(x, y, (z[0] - half_mm, z[1] + half_mm)))
    else:
        told = json.loads((folder / "annotations.json").read_text(encoding="utf-8"))
        nodes = "nodes" in lesion["kind"]
        mask = _agreed(folder) if "readers" in told else _structure(told, "LN_" if nodes else "Tumor_", volume)
        yield from _parts(mask, volume, counts=not nodes)


def _agreed(folder: Path) -> Mask:
    """Return what at least two readers of a LIDC scan outlined."""
    agreed: Mask = next(lidc_cases(folder)).labels_zyx == 2
    return agreed


def _structure(told: dict[str, Any], prefix: str, volume: Volume) -> Mask:
    outlines = [
        (float(c["z_mm"]), c["points_lps_xy_mm"])
        for structure in told["structures"]
        if structure["name"].startswith(prefix)
        for c in structure["contours"]
    ]
    return filled(outlines, volume)
