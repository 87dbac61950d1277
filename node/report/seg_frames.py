"""The frames of a BINARY segmentation: pixel bits and per-frame functional groups, from one label map.

highdicom writes the rest of the object; the frames are ours because they are nine tenths of its time. Each element is
still encoded by pydicom, once per slice or segment instead of once per frame, and the encoded pieces are joined.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from highdicom.sr.coding import CodedConcept
from numpy.typing import NDArray
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pydicom.tag import BaseTag, Tag
from pydicom.valuerep import DSfloat

from node.report import codes
from node.report.source import Source

_FRAMES_AT_ONCE = 8  # eight frames fill whole bytes, whatever rows and columns are
_ITEM = b"\xfe\xff\x00\xe0"
_PER_FRAME_GROUPS = Tag("PerFrameFunctionalGroupsSequence")


@dataclass(frozen=True, slots=True)
class Frame:
    """One segment on one slice."""

    label: int
    segment_number: int
    slice_index: int


def frames_with_voxels(labels_zyx: NDArray[np.uint8], labels_in_order: Sequence[int]) -> list[Frame]:
    """Return the frames that are not empty: by segment, then by slice."""
    occupied = {label: [z for z, plane in enumerate(labels_zyx) if (plane == label).any()] for label in labels_in_order}
    return [Frame(label, number, z) for number, label in enumerate(labels_in_order, start=1) for z in occupied[label]]


def pack(labels_zyx: NDArray[np.uint8], frames: Sequence[Frame]) -> bytes:
    """Return the pixel bits, least significant first, without padding between frames (PS3.5 8.2), of even length."""
    packed: list[bytes] = []
    _, rows, columns = labels_zyx.shape
    bits = np.empty((_FRAMES_AT_ONCE, rows, columns), dtype=np.bool_)
    for start in range(0, len(frames), _FRAMES_AT_ONCE):
        chunk = frames[start : start + _FRAMES_AT_ONCE]
        for plane, frame in zip(bits, chunk, strict=False):
            np.equal(labels_zyx[frame.slice_index], frame.label, out=plane)
        packed.append(np.packbits(bits[: len(chunk)], bitorder="little").tobytes())
    joined = b"".join(packed)
    return joined + b"\0" * (len(joined) % 2)


def per_frame_groups(frames: Sequence[Frame], source: Source) -> RawDataElement:
    """Return the encoded Per-Frame Functional Groups Sequence (5200,9230)."""
    slices = sorted({frame.slice_index for frame in frames})
    rank = {z: i for i, z in enumerate(slices, start=1)}
    derivation = {z: _encoded(_derivation(source, z)) for z in slices}
    position = {z: _encoded(_position(source, z)) for z in slices}
    segment = {f.segment_number: _encoded(_segment(f.segment_number)) for f in frames}
    items: list[bytes] = []
    for frame in frames:
        z = frame.slice_index
        content = _encoded(_frame_content(frame.segment_number, rank[z]))
        item = derivation[z] + content + position[z] + segment[frame.segment_number]  # in the order of tags
        items.append(_ITEM + struct.pack("<I", len(item)) + item)
    value = b"".join(items)
    return RawDataElement(BaseTag(_PER_FRAME_GROUPS), "SQ", len(value), value, 0, False, True)


def _encoded(dataset: Dataset) -> bytes:
    buffer = DicomBytesIO()
    buffer.is_little_endian, buffer.is_implicit_VR = True, False
    write_dataset(buffer, dataset)
    return bytes(buffer.getvalue())


def _derivation(source: Source, z: int) -> Dataset:
    """Return the source image of a slice (PS3.3 C.7.6.16.2.6)."""
    frame = source.frames[z]
    image = Dataset()
    image.ReferencedSOPClassUID = frame.sop_class_uid
    image.ReferencedSOPInstanceUID = frame.sop_instance_uid
    if source.is_multiframe:
        image.ReferencedFrameNumber = frame.frame_number
    image.SpatialLocationsPreserved = "YES"
    image.PurposeOfReferenceCodeSequence = [CodedConcept.from_code(codes.SOURCE_FOR_PROCESSING)]
    item = Dataset()
    item.SourceImageSequence = [image]
    item.DerivationCodeSequence = [CodedConcept.from_code(codes.SEGMENTATION)]
    return _wrapped("DerivationImageSequence", item)


def _position(source: Source, z: int) -> Dataset:
    item = Dataset()
    item.ImagePositionPatient = [DSfloat(value, auto_format=True) for value in source.positions_lps_mm[z]]
    return _wrapped("PlanePositionSequence", item)


def _segment(number: int) -> Dataset:
    item = Dataset()
    item.ReferencedSegmentNumber = number
    return _wrapped("SegmentIdentificationSequence", item)


def _frame_content(segment_number: int, rank: int) -> Dataset:
    item = Dataset()
    item.DimensionIndexValues = [segment_number, rank]
    return _wrapped("FrameContentSequence", item)


def _wrapped(keyword: str, item: Dataset) -> Dataset:
    outer = Dataset()
    setattr(outer, keyword, [item])
    return outer
