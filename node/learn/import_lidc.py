"""LIDC-IDRI as it is published, DICOM series with the readers' XML, in the format of the shared sets.

A voxel belongs to a nodule where it lies inside the outlines of at least two readers (label 2) or of one (3); by the
collection's rule the outline itself runs just outside the nodule. Marks of nodules under 3 mm have one point and no
inside: they leave no voxel, but a list of their places, where a mark is neither found nor false.
"""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree  # expat here refuses entity bombs; the files come from the collection

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from node.errors import InputRefused, Refusal
from node.facts.folder import read_folder
from node.learn.set_writer import Case, safe_name
from node.volume.read import read_volume
from node.volume.volume import Volume

_NS = {"n": "http://www.nih.gov"}
_LARGEST_BYTES = 64 << 20


def lidc_cases(root: Path) -> Iterator[Case]:
    """Read every series under `root` that a reading (XML beside or above it) belongs to.

    Raises
    ------
    InputRefused
        IMPORT-NONE if no reading belongs to any series; IMPORT-UNREAD if a series with a reading cannot be read.
    """
    readings = _readings(root)
    found = False
    for series in read_folder(root).series:
        reading = readings.get(series.series_instance_uid)
        if reading is None:
            continue
        found = True
        volume = read_volume(series, minimum_age_years=0.0)
        if isinstance(volume, Refusal):
            text = f"series {series.series_instance_uid}, which has a reading: {volume.leading.text}"
            raise InputRefused("IMPORT-UNREAD", f"{text}; take it out of {root} to import the others")
        yield _case(safe_name(series.first.patient.patient_id, series.series_instance_uid), volume, reading)
    if not found:
        raise InputRefused("IMPORT-NONE", f"no series under {root} has a reading (XML) of its own")


def small_nodules(root: Path, volume: Volume) -> tuple[tuple[int, int, int], ...]:
    """Return the voxels (z, y, x) that readers marked as nodules under 3 mm in a series' own reading."""
    reading = _readings(root).get(volume.series.series_instance_uid)
    return () if reading is None else _small(volume, reading)


def _small(volume: Volume, reading: ElementTree.Element) -> tuple[tuple[int, int, int], ...]:
    at = {frame.sop_instance_uid: z for z, frame in enumerate(volume.frames)}
    found = set()
    for roi in reading.findall("n:readingSession/n:unblindedReadNodule/n:roi", _NS):
        z = at.get(roi.findtext("n:imageSOP_UID", "", _NS).strip())
        edges = roi.findall("n:edgeMap", _NS)
        if z is not None and len(edges) == 1:
            x, y = (int(edges[0].findtext(f"n:{axis}Coord", "0", _NS)) for axis in "xy")
            found.add((z, y, x))
    return tuple(sorted(found))


def _readings(root: Path) -> dict[str, ElementTree.Element]:
    """Return the readings by Series Instance UID."""
    readings = {}
    for path in sorted(root.rglob("*.xml")):
        if path.stat().st_size > _LARGEST_BYTES:
            continue
        try:
            tree = ElementTree.parse(path).getroot()  # noqa: S314 - see the import
        except ElementTree.ParseError:
            continue
        uid = tree.findtext("n:ResponseHeader/n:SeriesInstanceUid", "", _NS).strip()
        if uid:
            readings[uid] = tree
    return readings


def _case(name: str, volume: Volume, reading: ElementTree.Element) -> Case:
    """Return one scan with the readers' consensus."""
    drawn = np.zeros(volume.hu_zyx.shape, np.uint8)
    at = {frame.sop_instance_uid: z for z, frame in enumerate(volume.frames)}
    for session in reading.findall("n:readingSession", _NS):
        drawn += _reader(session, at, volume.hu_zyx.shape)
    labels = np.where(drawn >= 2, 2, np.where(drawn == 1, 3, 0)).astype(np.uint8)
    x, y, z = (float(v) for v in volume.lps_from_zyx[:3, 3])
    return Case(
        name, volume.hu_zyx, labels, volume.spacing_zyx_mm, (x, y, z), False, "LIDC-IDRI", "expert",
        "2 = nodule (at least 2 readers), 3 = nodule of one reader; lungs not outlined", "CC BY 3.0",
        _small(volume, reading),
    )  # fmt: skip


def _reader(session: ElementTree.Element, at: dict[str, int], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return what one reader outlined."""
    mask = np.zeros(shape, bool)
    nodules = (nodule.findall("n:roi", _NS) for nodule in session.findall("n:unblindedReadNodule", _NS))
    for roi in (
        roi for rois in nodules for roi in sorted(rois, key=_is_hole)
    ):  # a hole may be listed before its nodule
        z = at.get(roi.findtext("n:imageSOP_UID", "", _NS).strip())
        points = [
            (int(edge.findtext("n:xCoord", "0", _NS)), int(edge.findtext("n:yCoord", "0", _NS)))
            for edge in roi.findall("n:edgeMap", _NS)
        ]
        if z is None or len(points) < 3:
            continue
        inside = _inside(points, (shape[1], shape[2]))
        if _is_hole(roi):
            mask[z] &= ~inside
        else:
            mask[z] |= inside
    return mask


def _is_hole(roi: ElementTree.Element) -> bool:
    return roi.findtext("n:inclusion", "TRUE", _NS).strip().upper() == "FALSE"


def _inside(points: list[tuple[int, int]], shape_yx: tuple[int, int]) -> NDArray[np.bool_]:
    """Return the pixels inside an outline, without the outline."""
    filled = Image.new("1", (shape_yx[1], shape_yx[0]))
    ImageDraw.Draw(filled).polygon(points, fill=1, outline=1)
    outline = Image.new("1", filled.size)
    ImageDraw.Draw(outline).line([*points, points[0]], fill=1)
    inside: NDArray[np.bool_] = np.asarray(filled) & ~np.asarray(outline)
    return inside
