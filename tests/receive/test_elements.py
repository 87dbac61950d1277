"""The bounded walk: what it finds, and each bound."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom.dsutils import encode

from node.facts.limits import MOST_ELEMENTS
from node.receive.elements import walk
from node.receive.status import Status, Unacceptable
from tests.receive.conftest import ct_slice

ANSWERS = {Status.SUCCESS, Status.CANNOT_PARSE, Status.NESTED_TOO_DEEP, Status.TRUNCATED}


def answer(data: bytes, *, implicit: bool) -> Status:
    """Walk and return the status that it would be answered with."""
    try:
        walk(data, 0, implicit=implicit)
    except Unacceptable as refusal:
        return refusal.answer.status
    return Status.SUCCESS


def explicit(tag: int, vr: bytes, value: bytes) -> bytes:
    """Encode a short element."""
    return struct.pack("<HH2sH", tag >> 16, tag & 0xFFFF, vr, len(value)) + value


def sequence(tag: int, content: bytes, *, defined: bool) -> bytes:
    """Encode a sequence with one item."""
    item = struct.pack("<HHL", 0xFFFE, 0xE000, len(content)) + content
    if defined:
        return struct.pack("<HH2sHL", tag >> 16, tag & 0xFFFF, b"SQ", 0, len(item)) + item
    return (
        struct.pack("<HH2sHL", tag >> 16, tag & 0xFFFF, b"SQ", 0, 0xFFFFFFFF)
        + struct.pack("<HHL", 0xFFFE, 0xE000, 0xFFFFFFFF) + content + struct.pack("<HHL", 0xFFFE, 0xE00D, 0)
        + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)
    )  # fmt: skip


@pytest.mark.parametrize("implicit", [True, False], ids=["implicit", "explicit"])
def test_the_uids_and_sizes_are_those_that_pydicom_wrote(implicit: bool) -> None:
    ds = ct_slice()
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    encoded = encode(ds, implicit, True)
    first = walk(encoded, 0, implicit=implicit)
    assert (first.uid("sop"), first.uid("study")) == (ds.SOPInstanceUID, ds.StudyInstanceUID)
    assert (first.short("rows", 0), first.short("columns", 0), first.pixel_bytes) == (64, 32, len(ds.PixelData))


@pytest.mark.parametrize("defined", [True, False], ids=["defined length", "undefined length"])
@pytest.mark.parametrize(("depth", "fits"), [(16, True), (17, False)])
def test_sequences_may_be_sixteen_deep_and_no_deeper(depth: int, fits: bool, defined: bool) -> None:
    data = explicit(0x00100020, b"LO", b"x ")
    for _ in range(depth):
        data = sequence(0x00081110, data, defined=defined)
    if fits:
        walk(data, 0, implicit=False)
    else:
        with pytest.raises(Unacceptable) as caught:
            walk(data, 0, implicit=False)
        assert caught.value.answer.status is Status.NESTED_TOO_DEEP


def test_more_elements_than_the_bound_are_refused() -> None:
    data = explicit(0x00100020, b"LO", b"") * (MOST_ELEMENTS + 1)
    with pytest.raises(Unacceptable) as caught:
        walk(data, 0, implicit=False)
    assert caught.value.answer.status is Status.NESTED_TOO_DEEP


def test_an_element_longer_than_what_is_left_is_truncated() -> None:
    with pytest.raises(Unacceptable) as caught:
        walk(explicit(0x00100020, b"LO", b"abcdef")[:-2], 0, implicit=False)
    assert caught.value.answer.status is Status.TRUNCATED


def test_encapsulated_pixels_have_no_announced_length() -> None:
    fragments = struct.pack("<HHL", 0xFFFE, 0xE000, 0) + struct.pack("<HHL", 0xFFFE, 0xE000, 4) + b"\xff\xd8\xff\xd9"
    data = struct.pack("<HH2sHL", 0x7FE0, 0x0010, b"OB", 0, 0xFFFFFFFF) + fragments
    assert walk(data + struct.pack("<HHL", 0xFFFE, 0xE0DD, 0), 0, implicit=False).pixel_bytes is None


def test_an_element_without_a_vr_among_explicit_ones_is_passed_over() -> None:
    odd = struct.pack("<HHL", 0x0009, 0x0010, 4) + b"abcd"
    first = walk(odd + explicit(0x0020000D, b"UI", b"1.2\0"), 0, implicit=False)
    assert first.uid("study") == "1.2"


@given(st.binary(max_size=400), st.booleans())
def test_noise_ends_in_an_answer_and_never_in_another_exception(noise: bytes, implicit: bool) -> None:
    assert answer(noise, implicit=implicit) in ANSWERS


@given(st.data())
def test_a_data_set_with_one_byte_changed_ends_in_an_answer(data: st.DataObject) -> None:
    encoded = bytearray(encode(ct_slice(PixelData=bytes(64 * 32 * 2)), False, True)[:600])
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] = data.draw(st.integers(0, 255))
    assert answer(bytes(encoded), implicit=False) in ANSWERS
