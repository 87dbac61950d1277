"""Pixel bits and encoded elements: laws that hold for any mask and any text."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO

from node.report import explicit_little as little
from node.report.seg_frames import Frame, pack, slices_with

label_maps = st.tuples(st.integers(1, 11), st.integers(1, 7), st.integers(1, 9)).flatmap(
    lambda shape: arrays(np.uint8, shape, elements=st.integers(0, 2))
)


@given(label_maps)
@settings(deadline=None)
def test_bits_of_all_frames_follow_each_other_without_padding(labels: np.ndarray) -> None:
    frames = [Frame(label, label, z) for label in (1, 2) for z in slices_with(labels, label)]
    packed = pack(labels, frames)
    masks = [labels[f.slice_index] == f.label for f in frames]
    expected = np.concatenate([m.ravel() for m in masks]) if masks else np.zeros(0, bool)
    bits = np.unpackbits(np.frombuffer(packed, np.uint8), bitorder="little")
    assert np.array_equal(bits[: expected.size], expected)
    assert not bits[expected.size :].any()
    assert len(packed) % 2 == 0
    assert len(packed) * 8 - expected.size < 16


@given(label_maps)
@settings(deadline=None)
def test_slices_of_a_label_are_those_that_hold_it(labels: np.ndarray) -> None:
    assert slices_with(labels, 1) == [z for z in range(len(labels)) if 1 in labels[z]]


@given(st.text(alphabet="abcXYZ 019", max_size=40), st.text(alphabet="abc", min_size=1, max_size=300))
@settings(deadline=None)
def test_elements_are_read_back_by_pydicom(short: str, long: str) -> None:
    encoded = little.element("StudyDescription", "LO", short.encode())
    encoded += little.element("PatientID", "LO", b"7")
    item = little.element("LocalNamespaceEntityID", "UT", long.encode())
    encoded += little.sequence("OtherPatientIDsSequence", item)
    read = dcmread(DicomBytesIO(_part_10(encoded)))
    assert str(read.StudyDescription) == short.rstrip(" ")
    assert read.OtherPatientIDsSequence[0].LocalNamespaceEntityID == long


def test_what_pydicom_encodes_is_what_is_encoded_by_hand() -> None:
    ds, item = Dataset(), Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.840", "1.2.3.4"
    ds.SourceImageSequence = [item]
    by_hand = little.sequence(
        "SourceImageSequence",
        little.element("ReferencedSOPClassUID", "UI", b"1.2.840")
        + little.element("ReferencedSOPInstanceUID", "UI", b"1.2.3.4"),
    )
    assert by_hand == little.dataset(ds)


def _part_10(encoded: bytes) -> bytes:
    meta = little.element("TransferSyntaxUID", "UI", b"1.2.840.10008.1.2.1")
    length = b"\2\0\0\0UL\4\0" + len(meta).to_bytes(4, "little")
    return b"\0" * 128 + b"DICM" + length + meta + encoded
