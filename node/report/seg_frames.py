"""The frames of a BINARY segmentation: pixel bits and per-frame functional groups, from one label map.

highdicom writes the rest of the object. The frames are ours because they are nine tenths of its time: what is equal in
all frames is encoded once by pydicom, the rest by hand, and a slice's pieces are used for each of its segments.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from highdicom.sr.coding import CodedConcept
from numpy.typing import NDArray
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag
from pydicom.valuerep import DSfloat

from node.measure.lesions.marks import Box
from node.report import codes
from node.report import explicit_little as little
from node.report.solid_part import SolidPart
from node.report.source import Source

_FRAMES_AT_ONCE = 8  # eight frames fill whole bytes, whatever rows and columns are


@dataclass(frozen=True, slots=True)
class Frame:
    """One segment on one slice; that of a solid component has its lesion's label."""

    label: int
    segment_number: int
    slice_index: int
    is_solid_component: bool = False


def slices_with(labels_zyx: NDArray[np.uint8], label: int, box: Box | None = None) -> list[int]:
    """Return the slices that hold a label; outside its box, where that is known, nothing is searched."""
    first, within = (0, labels_zyx) if box is None else (int(box[0].start), labels_zyx[box])
    return [first + z for z, plane in enumerate(within) if (plane == label).any()]


def pack(
    labels_zyx: NDArray[np.uint8], frames: Sequence[Frame], solids: Mapping[int, SolidPart] | None = None
) -> bytes:
    """Return the pixel bits, least significant first, without padding between frames (PS3.5 8.2), of even length."""
    packed: list[bytes] = []
    _, rows, columns = labels_zyx.shape
    bits = np.empty((_FRAMES_AT_ONCE, rows, columns), dtype=np.bool_)
    for start in range(0, len(frames), _FRAMES_AT_ONCE):
        chunk = frames[start : start + _FRAMES_AT_ONCE]
        for plane, frame in zip(bits, chunk, strict=False):
            if frame.is_solid_component and solids is not None:
                part = solids[frame.label]
                plane[:] = False
                plane[part.box[1:]] = part.mask_zyx[frame.slice_index - part.box[0].start]
            else:
                np.equal(labels_zyx[frame.slice_index], frame.label, out=plane)
        packed.append(np.packbits(bits[: len(chunk)], bitorder="little").tobytes())
    joined = b"".join(packed)
    return joined + b"\0" * (len(joined) % 2)


def per_frame_groups(frames: Sequence[Frame], source: Source) -> RawDataElement:
    """Return the encoded Per-Frame Functional Groups Sequence (5200,9230)."""
    slices = sorted({frame.slice_index for frame in frames})
    rank = {z: i for i, z in enumerate(slices, start=1)}
    derivation = _derivations(slices, source)
    position = {z: _position(source, z) for z in slices}
    segment = {number: _segment(number) for number in {frame.segment_number for frame in frames}}
    items = [
        b"".join(  # in the order of tags
            (
                derivation[frame.slice_index],
                _frame_content(frame.segment_number, rank[frame.slice_index]),
                position[frame.slice_index],
                segment[frame.segment_number],
            )
        )
        for frame in frames
    ]
    value = little.items(items)
    return RawDataElement(Tag("PerFrameFunctionalGroupsSequence"), "SQ", len(value), value, 0, False, True)


def frame_groups(slices: Sequence[int], source: Source) -> RawDataElement:
    """Return the encoded Per-Frame Functional Groups Sequence of a label map: one frame per slice."""
    derivation = _derivations(slices, source)
    items = [derivation[z] + _frame_content(rank) + _position(source, z) for rank, z in enumerate(slices, start=1)]
    value = little.items(items)
    return RawDataElement(Tag("PerFrameFunctionalGroupsSequence"), "SQ", len(value), value, 0, False, True)


def _derivations(slices: Sequence[int], source: Source) -> dict[int, bytes]:
    """Return the source image of each slice (PS3.3 C.7.6.16.2.6)."""
    purpose = Dataset()
    purpose.PurposeOfReferenceCodeSequence = [CodedConcept.from_code(codes.SOURCE_FOR_PROCESSING)]
    derivation = Dataset()
    derivation.DerivationCodeSequence = [CodedConcept.from_code(codes.SEGMENTATION)]
    preserved = little.element("SpatialLocationsPreserved", "CS", b"YES")
    of_every_image, of_every_item = preserved + little.dataset(purpose), little.dataset(derivation)
    encoded: dict[int, bytes] = {}
    for z in slices:
        frame = source.frames[z]
        image = little.element("ReferencedSOPClassUID", "UI", frame.sop_class_uid.encode())
        image += little.element("ReferencedSOPInstanceUID", "UI", frame.sop_instance_uid.encode())
        if source.is_multiframe:
            image += little.element("ReferencedFrameNumber", "IS", str(frame.frame_number).encode())
        images = little.sequence("SourceImageSequence", image + of_every_image)
        encoded[z] = little.sequence("DerivationImageSequence", images + of_every_item)
    return encoded


def _position(source: Source, z: int) -> bytes:
    text = "\\".join(str(DSfloat(value, auto_format=True)) for value in source.positions_lps_mm[z])
    return little.sequence("PlanePositionSequence", little.element("ImagePositionPatient", "DS", text.encode()))


def _segment(number: int) -> bytes:
    value = number.to_bytes(2, "little")
    return little.sequence("SegmentIdentificationSequence", little.element("ReferencedSegmentNumber", "US", value))


def _frame_content(*indices: int) -> bytes:
    """Return the frame's place along each dimension."""
    value = b"".join(index.to_bytes(4, "little") for index in indices)
    return little.sequence("FrameContentSequence", little.element("DimensionIndexValues", "UL", value))
