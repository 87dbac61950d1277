"""Read a BINARY segmentation back into the grid of its source: a reader that shares nothing with the writer.

pydicom parses the file and numpy unpacks the bits; each frame is placed by its position in patient space, not by its
index. highdicom and our own frame tables are not used here: what they got wrong would be read back wrongly as well.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset

from node.errors import OurMistake

Over = dict[int, dict[int, NDArray[np.bool_]]]

_TOLERANCE_MM = 1e-3  # with which viewers match spacing, orientation and position


@dataclass(frozen=True, slots=True)
class DecodedSegment:
    """What the Segment Sequence says of one segment."""

    number: int
    label: str
    tracking_id: str
    tracking_uid: str
    n_voxels: int


@dataclass(frozen=True, slots=True)
class DecodedSeg:
    """Masks as they will be read by others.

    Attributes
    ----------
    numbers_zyx : (slices, rows, columns) uint8, segment numbers on the grid of the volume, 0 = none.
    sources : (slice, SOP Instance UID, frame number) that the frames name as their source images.
    over : what lies over another segment: by segment number, then slice, (rows, columns) bool. Such a frame is here
        and not in `numbers_zyx`.
    """

    numbers_zyx: NDArray[np.uint8]
    segments: tuple[DecodedSegment, ...]
    sources: frozenset[tuple[int, str, int]]
    over: Over = field(default_factory=dict)


def decode_seg(path: Path, shape_zyx: tuple[int, int, int], lps_from_zyx: NDArray[np.float64]) -> DecodedSeg:
    """Read a segmentation; segments overlap only where the object says so.

    Parameters
    ----------
    shape_zyx, lps_from_zyx : the grid that the frames must lie on, mm.

    Raises
    ------
    OurMistake
        SELF-CHECK where geometry, frame count or pixel length do not fit, or where segments overlap but should not.
    """
    ds = dcmread(path)
    require(ds.SegmentationType == "BINARY" and ds.BitsAllocated == 1, "the segmentation is not BINARY")
    require((ds.Rows, ds.Columns) == shape_zyx[1:], "rows and columns differ from the source")
    same_planes(ds, lps_from_zyx)
    groups = ds.PerFrameFunctionalGroupsSequence
    require(len(groups) == int(ds.NumberOfFrames), "the number of frames does not fit the per-frame groups")
    placed = [_placed(group, lps_from_zyx, shape_zyx[0]) for group in groups]
    require(len(set(placed)) == len(placed), "two frames of one segment lie on one slice")
    numbers_zyx = np.zeros(shape_zyx, np.uint8)
    over: Over = {}
    counts = _unpack(ds.PixelData, placed, numbers_zyx, over if ds.SegmentsOverlap == "YES" else None)
    require(bool(over) == (ds.SegmentsOverlap == "YES"), "segments do not overlap as the object says")
    sources = frozenset(source_of(group, z) for group, (_, z) in zip(groups, placed, strict=True))
    return DecodedSeg(numbers_zyx, tuple(described(item, counts) for item in ds.SegmentSequence), sources, over)


def require(holds: bool, otherwise: str) -> None:
    """Stop with SELF-CHECK unless something holds."""
    if not holds:
        raise OurMistake("SELF-CHECK", otherwise)


def same_planes(ds: Dataset, lps_from_zyx: NDArray[np.float64]) -> None:
    """Compare orientation and spacing of the frames with the volume's matrix."""
    shared = ds.SharedFunctionalGroupsSequence[0]
    orientation = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    measures = shared.PixelMeasuresSequence[0]
    down_mm, across_mm = (float(v) for v in measures.PixelSpacing)
    axes = np.stack([orientation[3:] * down_mm, orientation[:3] * across_mm], axis=1)
    fits = np.allclose(axes, lps_from_zyx[:3, 1:3], rtol=0, atol=_TOLERANCE_MM)
    step_mm = np.linalg.norm(lps_from_zyx[:3, 0])
    require(fits, "orientation or pixel spacing differ from the source")
    step_differs = bool(abs(float(measures.SpacingBetweenSlices) - step_mm) >= _TOLERANCE_MM)
    require(not step_differs, "slice spacing differs from the source")


def _placed(group: Dataset, lps_from_zyx: NDArray[np.float64], n_slices: int) -> tuple[int, int]:
    """Return (segment number, slice) of a frame."""
    z = place(group, lps_from_zyx, n_slices)
    return int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber), z


def place(group: Dataset, lps_from_zyx: NDArray[np.float64], n_slices: int) -> int:
    """Return the slice that a frame lies on, found from its position."""
    position = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
    step, origin = lps_from_zyx[:3, 0], lps_from_zyx[:3, 3]
    z = round(float((position - origin) @ step / (step @ step)))
    require(0 <= z < n_slices, "a frame lies outside the source")
    off_mm = float(np.abs(origin + z * step - position).max())
    require(off_mm < _tolerance_mm(step), f"a frame lies {off_mm:.4f} mm beside its slice")
    return z


def source_of(group: Dataset, z: int) -> tuple[int, str, int]:
    """Return the slice and the source image that a frame on it names."""
    image = group.DerivationImageSequence[0].SourceImageSequence[0]
    return z, str(image.ReferencedSOPInstanceUID), int(image.get("ReferencedFrameNumber", 1))


def _tolerance_mm(step: NDArray[np.float64]) -> float:
    """Return how far a slice may lie from the even grid: what GEO-UNEVEN lets through (1 % of the step or 0.05 mm)."""
    return max(0.01 * float(np.linalg.norm(step)), 0.05)


def _unpack(
    pixel_data: bytes, placed: list[tuple[int, int]], numbers_zyx: NDArray[np.uint8], over: Over | None
) -> dict[int, int]:
    """Put the bits of each frame into the grid (PS3.5 8.2: least significant bit first); return voxels per segment.

    A frame that meets another segment goes into `over` where there may be such.
    """
    _, rows, columns = numbers_zyx.shape
    n = rows * columns
    require(len(pixel_data) == (n * len(placed) + 15) // 16 * 2, "the pixel data have another length than the frames")
    packed = np.frombuffer(pixel_data, np.uint8)
    counts: dict[int, int] = {}
    for i, (number, z) in enumerate(placed):
        first, end = i * n, (i + 1) * n
        bits = np.unpackbits(packed[first // 8 : (end + 7) // 8], bitorder="little")[first % 8 : first % 8 + n]
        counts[number] = counts.get(number, 0) + int(np.count_nonzero(bits.view(np.bool_)))
        plane = numbers_zyx[z].reshape(-1)
        if over is not None and plane[bits.view(np.bool_)].any():
            over.setdefault(number, {})[z] = bits.view(np.bool_).reshape(rows, columns)
            continue
        np.multiply(bits, number, out=bits)
        np.add(plane, bits, out=plane)  # where two segments met the sum is wrong, and the count below shows it
    n_marked = sum(int(np.count_nonzero(plane)) for plane in numbers_zyx)
    n_marked += sum(int(plane.sum()) for planes in (over or {}).values() for plane in planes.values())
    require(n_marked == sum(counts.values()), "segments overlap")
    return counts


def described(item: Dataset, counts: dict[int, int]) -> DecodedSegment:
    """Return what an item of the Segment Sequence says."""
    number = int(item.SegmentNumber)
    return DecodedSegment(
        number, str(item.SegmentLabel), str(item.TrackingID), str(item.TrackingUID), counts.get(number, 0)
    )
