"""A Segmentation of another maker, frame by frame on the grid of the CT that it was drawn on.

Geometry comes first: rows, columns, spacing, orientation and every position must be those of the CT, or nothing of it
is read. BINARY, FRACTIONAL (half of the maximum and more counts) and LABELMAP, native or compressed.
"""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.pixels import iter_pixels

from node.errors import Code, InputRefused, Reason, Refusal, refuse
from node.facts.segmentation import SegmentationFacts, items, segmentation_facts

_KINDS = ("BINARY", "FRACTIONAL", "LABELMAP")
_SPACING_MM = 1e-3  # some makers write six significant digits
_COSINES = 1e-3
_DAMAGED = (RuntimeError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, OSError)


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the CT lies: (slices, rows, columns), the matrix from (z, y, x, 1) to LPS mm, its frame of reference."""

    shape_zyx: tuple[int, int, int]
    lps_from_zyx: NDArray[np.float64]
    frame_of_reference_uid: str


@dataclass(frozen=True, slots=True)
class Plane:
    """The voxels of one segment on one slice; `inside_yx` is (rows, columns) bool."""

    segment_number: int
    slice_index: int
    inside_yx: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ReadableSegmentation:
    """A Segmentation that fits its CT. `placed` holds (segment number, slice) per frame; number 0 in a LABELMAP."""

    facts: SegmentationFacts
    data_set: Dataset
    placed: tuple[tuple[int, int], ...]

    def planes(self) -> Iterator[Plane]:
        """Yield every segment on every slice on which it has voxels.

        Raises
        ------
        InputRefused
            PIX-TRUNC where the pixels are cut off or cannot be decoded.
        """
        try:
            for (number, z), values_yx in zip(self.placed, self._frames(), strict=True):
                yield from self._split(number, z, values_yx)
        except _DAMAGED as error:
            raise InputRefused(
                Code.PIX_TRUNC, f"the segmentation's pixels cannot be decoded: {type(error).__name__}"
            ) from error

    def _frames(self) -> Iterator[NDArray[np.generic]]:
        ds = self.data_set
        if ds.file_meta.TransferSyntaxUID.is_encapsulated or ds.BitsAllocated != 1:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield from iter_pixels(ds)
            return
        n = int(ds.Rows) * int(ds.Columns)
        packed = np.frombuffer(ds.PixelData, np.uint8)
        if packed.size * 8 < n * len(self.placed):
            raise ValueError("the pixel data are shorter than the frames")
        for i in range(len(self.placed)):
            first = i * n  # PS3.5 8.2: least significant bit first, no padding between frames
            bits = np.unpackbits(packed[first // 8 : (first + n + 7) // 8], bitorder="little")
            yield bits[first % 8 : first % 8 + n].reshape(int(ds.Rows), int(ds.Columns))

    def _split(self, number: int, z: int, values_yx: NDArray[np.generic]) -> Iterator[Plane]:
        if self.facts.kind == "LABELMAP":
            for value in np.unique(values_yx).tolist():
                if value:
                    yield Plane(int(value), z, values_yx == value)
            return
        maximum = int(self.data_set.get("MaximumFractionalValue", 255)) if self.facts.kind == "FRACTIONAL" else 1
        inside_yx = values_yx.astype(np.float32) * 2 >= maximum
        if inside_yx.any():
            yield Plane(number, z, inside_yx)


def read_segmentation(path: Path) -> SegmentationFacts:
    """Read the header alone.

    Raises
    ------
    InputRefused
        FILE-UNREAD where it cannot be parsed.
    """
    return segmentation_facts(_read(path, without_pixels=True))


def open_segmentation(path: Path, grid: Grid) -> ReadableSegmentation | Refusal:
    """Open a Segmentation and check that it lies on the CT's grid.

    Returns
    -------
    The Segmentation, or why not: COR-FOR another frame of reference, COR-GEOM another grid.

    Raises
    ------
    InputRefused
        FILE-UNREAD where it cannot be parsed.
    """
    ds = _read(path)
    facts = segmentation_facts(ds)
    if facts.frame_of_reference_uid != grid.frame_of_reference_uid:
        return Refusal((refuse(Code.COR_FOR, "the segmentation's frame of reference is not that of the CT"),))
    try:
        placed = _placed(ds, facts, grid)
    except _DAMAGED as error:
        return _other(f"the geometry of the frames cannot be read: {type(error).__name__}")
    return placed if isinstance(placed, Refusal) else ReadableSegmentation(facts, ds, placed)


def _read(path: Path, *, without_pixels: bool = False) -> Dataset:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dcmread(path, stop_before_pixels=without_pixels)
    except (*_DAMAGED, EOFError) as error:
        raise InputRefused(Code.FILE_UNREAD, f"the segmentation cannot be parsed: {type(error).__name__}") from error


def _placed(ds: Dataset, facts: SegmentationFacts, grid: Grid) -> tuple[tuple[int, int], ...] | Refusal:
    """Return segment and slice of every frame."""
    if facts.kind not in _KINDS:
        return _other(f"Segmentation Type {facts.kind[:16] or 'missing'} is not known")
    if (int(ds.Rows), int(ds.Columns)) != grid.shape_zyx[1:]:
        n_rows, n_columns = grid.shape_zyx[1:]
        return _other(f"{ds.Rows} x {ds.Columns} pixels, the CT has {n_rows} x {n_columns}")
    shared = next(iter(items(ds, "SharedFunctionalGroupsSequence")), Dataset())
    groups = list(items(ds, "PerFrameFunctionalGroupsSequence"))
    if len(groups) != int(ds.NumberOfFrames):
        return _other(f"{ds.NumberOfFrames} frames, but {len(groups)} say where they lie")
    placed = []
    for group in groups:
        z = _slice(group, shared, grid)
        if isinstance(z, Reason):
            return Refusal((z,))
        placed.append((0 if facts.kind == "LABELMAP" else _segment_number(group, shared), z))
    return tuple(placed)


def _slice(group: Dataset, shared: Dataset, grid: Grid) -> int | Reason:
    """Return the slice on which a frame lies, or why it lies on none."""
    matrix = grid.lps_from_zyx
    down_mm, across_mm = (float(v) for v in _macro(group, shared, "PixelMeasuresSequence").PixelSpacing)
    cosines = np.array(_macro(group, shared, "PlaneOrientationSequence").ImageOrientationPatient, float)
    position = np.array(_macro(group, shared, "PlanePositionSequence").ImagePositionPatient, float)
    spacing_mm = np.linalg.norm(matrix[:3, 1:3], axis=0)
    if not np.allclose((down_mm, across_mm), spacing_mm, rtol=0, atol=_SPACING_MM):
        return _reason(
            f"pixels of {down_mm:g} x {across_mm:g} mm, those of the CT {spacing_mm[0]:g} x {spacing_mm[1]:g}"
        )
    directions = (matrix[:3, [2, 1]] / spacing_mm[::-1]).T.ravel()
    if not np.allclose(cosines, directions, rtol=0, atol=_COSINES):
        return _reason("the frames are oriented otherwise than the CT's slices")
    step, origin = matrix[:3, 0], matrix[:3, 3]
    z = round(float((position - origin) @ step / (step @ step)))
    if not 0 <= z < grid.shape_zyx[0]:
        return _reason("a frame lies outside the CT")
    off_mm = float(np.abs(origin + z * step - position).max())
    if off_mm > max(0.01 * float(np.linalg.norm(step)), 0.05):
        return _reason(f"a frame lies {off_mm:.2f} mm beside its slice")
    return z


def _macro(group: Dataset, shared: Dataset, keyword: str) -> Dataset:
    found: Dataset = (group.get(keyword) or shared[keyword].value)[0]
    return found


def _segment_number(group: Dataset, shared: Dataset) -> int:
    return int(_macro(group, shared, "SegmentIdentificationSequence").ReferencedSegmentNumber)


def _reason(text: str) -> Reason:
    return refuse(Code.COR_GEOM, text)


def _other(text: str) -> Refusal:
    return Refusal((_reason(text),))
