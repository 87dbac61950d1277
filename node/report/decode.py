"""Read a BINARY segmentation back into the grid of its source: a reader that shares nothing with the writer.

pydicom parses the file and numpy unpacks the bits; each frame is placed by its position in patient space, not by its
index. highdicom and our own frame tables are not used here: what they got wrong would be read back wrongly as well.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset

from node.errors import OurMistake

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
    """

    numbers_zyx: NDArray[np.uint8]
    segments: tuple[DecodedSegment, ...]
    sources: frozenset[tuple[int, str, int]]


def decode_seg(path: Path, shape_zyx: tuple[int, int, int], lps_from_zyx: NDArray[np.float64]) -> DecodedSeg:
    """Read a segmentation whose segments do not overlap.

    Parameters
    ----------
    shape_zyx, lps_from_zyx : the grid that the frames must lie on, mm.

    Raises
    ------
    OurMistake
        SELF-CHECK where geometry, frame count or pixel length do not fit, or where segments overlap.
    """
    ds = dcmread(path)
    _require(ds.SegmentationType == "BINARY" and ds.BitsAllocated == 1, "the segmentation is not BINARY")
    _require((ds.Rows, ds.Columns) == shape_zyx[1:], "rows and columns differ from the source")
    _same_planes(ds, lps_from_zyx)
    groups = ds.PerFrameFunctionalGroupsSequence
    _require(len(groups) == int(ds.NumberOfFrames), "the number of frames does not fit the per-frame groups")
    placed = [_placed(group, lps_from_zyx, shape_zyx[0]) for group in groups]
    _require(len(set(placed)) == len(placed), "two frames of one segment lie on one slice")
    numbers_zyx = np.zeros(shape_zyx, np.uint8)
    counts = _unpack(ds.PixelData, placed, numbers_zyx)
    sources = frozenset(_source(group, z) for group, (_, z) in zip(groups, placed, strict=True))
    return DecodedSeg(numbers_zyx, tuple(_segment(item, counts) for item in ds.SegmentSequence), sources)


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise OurMistake("SELF-CHECK", otherwise)


def _same_planes(ds: Dataset, lps_from_zyx: NDArray[np.float64]) -> None:
    """Compare orientation and spacing of the frames with the volume's matrix."""
    shared = ds.SharedFunctionalGroupsSequence[0]
    orientation = np.array(shared.PlaneOrientationSequence[0].ImageOrientationPatient, float)
    measures = shared.PixelMeasuresSequence[0]
    down_mm, across_mm = (float(v) for v in measures.PixelSpacing)
    axes = np.stack([orientation[3:] * down_mm, orientation[:3] * across_mm], axis=1)
    fits = np.allclose(axes, lps_from_zyx[:3, 1:3], rtol=0, atol=_TOLERANCE_MM)
    step_mm = np.linalg.norm(lps_from_zyx[:3, 0])
    _require(fits, "orientation or pixel spacing differ from the source")
    step_differs = bool(abs(float(measures.SpacingBetweenSlices) - step_mm) >= _TOLERANCE_MM)
    _require(not step_differs, "slice spacing differs from the source")


def _placed(group: Dataset, lps_from_zyx: NDArray[np.float64], n_slices: int) -> tuple[int, int]:
    """Return (segment number, slice) of a frame, the slice found from its position."""
    position = np.array(group.PlanePositionSequence[0].ImagePositionPatient, float)
    step, origin = lps_from_zyx[:3, 0], lps_from_zyx[:3, 3]
    z = round(float((position - origin) @ step / (step @ step)))
    _require(0 <= z < n_slices, "a frame lies outside the source")
    off_mm = float(np.abs(origin + z * step - position).max())
    _require(off_mm < _tolerance_mm(step), f"a frame lies {off_mm:.4f} mm beside its slice")
    return int(group.SegmentIdentificationSequence[0].ReferencedSegmentNumber), z


def _source(group: Dataset, z: int) -> tuple[int, str, int]:
    image = group.DerivationImageSequence[0].SourceImageSequence[0]
    return z, str(image.ReferencedSOPInstanceUID), int(image.get("ReferencedFrameNumber", 1))


def _tolerance_mm(step: NDArray[np.float64]) -> float:
    """Return how far a slice may lie from the even grid: what GEO-UNEVEN lets through (1 % of the step or 0.05 mm)."""
    return max(0.01 * float(np.linalg.norm(step)), 0.05)


def _unpack(pixel_data: bytes, placed: list[tuple[int, int]], numbers_zyx: NDArray[np.uint8]) -> dict[int, int]:
    """Put the bits of each frame into the grid (PS3.5 8.2: least significant bit first); return voxels per segment."""
    _, rows, columns = numbers_zyx.shape
    n = rows * columns
    _require(len(pixel_data) == (n * len(placed) + 15) // 16 * 2, "the pixel data have another length than the frames")
    packed = np.frombuffer(pixel_data, np.uint8)
    counts: dict[int, int] = {}
    for i, (number, z) in enumerate(placed):
        first, end = i * n, (i + 1) * n
        bits = np.unpackbits(packed[first // 8 : (end + 7) // 8], bitorder="little")[first % 8 : first % 8 + n]
        counts[number] = counts.get(number, 0) + int(np.count_nonzero(bits.view(np.bool_)))
        np.multiply(bits, number, out=bits)
        plane = numbers_zyx[z].reshape(-1)
        np.add(plane, bits, out=plane)  # where two segments met the sum is wrong, and the count below shows it
    n_marked = sum(int(np.count_nonzero(plane)) for plane in numbers_zyx)
    _require(n_marked == sum(counts.values()), "segments overlap")
    return counts


def _segment(item: Dataset, counts: dict[int, int]) -> DecodedSegment:
    number = int(item.SegmentNumber)
    return DecodedSegment(
        number, str(item.SegmentLabel), str(item.TrackingID), str(item.TrackingUID), counts.get(number, 0)
    )
