"""Files from strangers: whatever their form, they become facts or a coded reason, and never an exception."""

import io
import struct
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from node.errors import Code
from node.facts.instance import InstanceFacts
from node.facts.read import Unread, read_facts

SYNTAXES = {
    "implicit": ImplicitVRLittleEndian,
    "explicit": ExplicitVRLittleEndian,
    "big-endian": ExplicitVRBigEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
}
MALFORMED = {
    "ExplVR_BigEndNoMeta.dcm": None,
    "ExplVR_LitEndNoMeta.dcm": None,
    "MR_small_padded.dcm": None,
    "MR_truncated.dcm": None,
    "J2K_pixelrep_mismatch.dcm": None,
    "JPEG2000-embedded-sequence-delimiter.dcm": None,
    "explicit_VR-UN.dcm": None,
    "emri_small_jpeg_2k_lossless_too_short.dcm": None,
    "D_CLUNIE_CT1_RLE_FRAGS.dcm": None,
    "CT0012.fragmented_no_bot_jpeg_baseline.51.dcm": None,
    "badVR.dcm": Code.ID_NOUID,  # file meta group and data set name two instances
    "bad_sequence.dcm": Code.ID_NOUID,
    "UN_sequence.dcm": Code.ID_NOUID,
    "FreezePattern.dcm": Code.ID_NOUID,
    "GH220.dcm": Code.ID_NOUID,
    "GH223.dcm": Code.ID_NOUID,
    "GH487.dcm": Code.ID_NOUID,
    "GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length.dcm": Code.FILE_UNREAD,
    "PrivateGEImplicitVRBigEndianTransferSyntax16Bits.dcm": Code.TS_PRIV,
}


def ct(**changes: object) -> Dataset:
    """One axial slice's header with two bytes of pixels."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.Modality = CTImageStorage, "CT"
    dataset.SOPInstanceUID, dataset.SeriesInstanceUID, dataset.StudyInstanceUID = "1.2.3.4", "1.2.3", "1.2"
    dataset.PatientID, dataset.PatientName, dataset.PatientBirthDate, dataset.PatientSex = "7", "A^B", "19600102", "F"
    dataset.StudyDate = "20200102"
    dataset.Rows = dataset.Columns = 1
    dataset.ImageOrientationPatient, dataset.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [-10.5, 2, 30]
    dataset.PixelSpacing, dataset.SliceThickness = [0.7, 0.8], 2.5
    dataset.RescaleSlope, dataset.RescaleIntercept = 1, -1024
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 12, 11, 0
    dataset.add_new("PixelData", "OW", b"\1\0")
    for keyword, value in changes.items():
        setattr(dataset, keyword, value)
    return dataset


def write(dataset: Dataset, path: Path, syntax: str = ExplicitVRLittleEndian) -> Path:
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "1.2.3.4")
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.save_as(path, enforce_file_format=True)
    return path


def encoded(dataset: Dataset) -> bytes:
    """The data set alone, explicit little endian, without preamble and meta group."""
    buffer = io.BytesIO()
    dataset.save_as(buffer, implicit_vr=False, little_endian=True, enforce_file_format=False)
    return buffer.getvalue()


def read(path: Path) -> InstanceFacts:
    facts = read_facts(path)
    assert isinstance(facts, InstanceFacts), facts
    return facts


def code_of(path: Path) -> Code | None:
    facts = read_facts(path)
    return facts.code if isinstance(facts, Unread) else None


@pytest.mark.parametrize("syntax", SYNTAXES.values(), ids=SYNTAXES.keys())
def test_the_same_header_gives_the_same_facts_in_every_uncompressed_syntax(syntax, tmp_path):
    facts = read(write(ct(), tmp_path / "a", syntax))

    assert facts.geometry.image_position_lps_mm == (-10.5, 2.0, 30.0)
    assert facts.geometry.pixel_spacing_yx_mm == (0.7, 0.8)
    assert (facts.pixels.bits_stored, facts.pixels.rescale_intercept) == (12, -1024.0)
    assert facts.patient.age_years == pytest.approx(60.0, abs=0.01)
    assert facts.pixels.has_pixel_data
    assert facts.transfer_syntax_uid == syntax


@pytest.mark.parametrize(("name", "code"), MALFORMED.items(), ids=MALFORMED.keys())
def test_each_malformed_file_ends_as_the_table_says(name, code, data_dir):
    assert code_of(data_dir / "odd" / "malformed" / name) == code


def test_the_table_of_malformed_files_is_complete(data_dir):
    assert {path.name for path in (data_dir / "odd" / "malformed").iterdir()} == set(MALFORMED)


def test_a_file_without_preamble_and_meta_group_is_read(tmp_path):
    (tmp_path / "a").write_bytes(encoded(ct()))

    assert read(tmp_path / "a").sop_instance_uid == "1.2.3.4"


def test_a_meta_group_without_preamble_is_read(tmp_path):
    whole = write(ct(), tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(whole[132:])

    assert read(tmp_path / "a").transfer_syntax_uid == ExplicitVRLittleEndian


def test_a_data_set_that_contradicts_its_meta_group_is_read_as_it_is_written(tmp_path):
    whole = write(ct(), tmp_path / "a").read_bytes()
    (tmp_path / "a").write_bytes(whole.replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2\0\0\0"))

    assert read(tmp_path / "a").geometry.rows == 1


def test_an_instance_without_pixels_is_read_and_says_so(tmp_path):
    dataset = ct()
    del dataset.PixelData

    assert not read(write(dataset, tmp_path / "a")).pixels.has_pixel_data


@pytest.mark.parametrize("content", [b"", b"{}", b"\0" * 200, b"\x08\0", b"\0" * 128 + b"DICM"], ids=repr)
def test_what_is_not_dicom_is_unread(content, tmp_path):
    (tmp_path / "a").write_bytes(content)

    assert code_of(tmp_path / "a") is Code.FILE_UNREAD


def test_a_file_that_is_not_there_is_unread(tmp_path):
    assert code_of(tmp_path / "nothing") is Code.FILE_UNREAD


def test_a_dicomdir_is_named_as_such(tmp_path):
    path = write(ct(), tmp_path / "a")
    path.write_bytes(path.read_bytes().replace(b"1.2.840.10008.5.1.4.1.1.2\0", b"1.2.840.10008.1.3.10\0\0\0\0\0\0"))

    assert code_of(path) is Code.RT_SOP


@pytest.mark.parametrize("keyword", ["SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID"])
@pytest.mark.parametrize("uid", ["", "1.2.x", "1." * 32 + "1", "1..2", ".1"], ids=repr)
def test_a_missing_or_invalid_uid_leaves_the_instance_out(keyword, uid, tmp_path):
    raw = encoded(ct(**{keyword: "7.7.7"})).replace(b"UI\x06\x007.7.7\0", b"UI" + _sized(uid))
    (tmp_path / "a").write_bytes(raw)

    assert code_of(tmp_path / "a") is Code.ID_NOUID


def _sized(text: str) -> bytes:
    raw = text.encode() + b"\0" * (len(text) % 2)
    return struct.pack("<H", len(raw)) + raw


def test_a_uid_component_with_a_leading_zero_is_kept_verbatim(tmp_path):
    (tmp_path / "a").write_bytes(encoded(ct(SeriesInstanceUID="7.7.7")).replace(b"7.7.7\0", b"7.007\0"))

    assert read(tmp_path / "a").series_instance_uid == "7.007"


def test_a_meta_group_that_names_another_instance_leaves_the_instance_out(tmp_path):
    path = write(ct(), tmp_path / "a")
    path.write_bytes(path.read_bytes().replace(b"1.2.3.4\0", b"1.2.3.5\0", 1))

    assert code_of(path) is Code.ID_NOUID


def test_a_value_longer_than_the_file_is_refused_before_it_is_read(tmp_path):
    head = encoded(ct())
    lie = struct.pack("<HH2sHL", 0x0009, 0x1001, b"UN", 0, 0xFFFFFFF0)
    (tmp_path / "a").write_bytes(head[: head.index(b"\x10\0\x10\0PN")] + lie + b"short")

    assert code_of(tmp_path / "a") is Code.SIZE_NEST


def _nested(depth: int) -> Dataset:
    dataset = Dataset()
    dataset.CodeValue = "x"
    for _ in range(depth):
        outer = Dataset()
        outer.DerivationCodeSequence = Sequence([dataset])
        outer["DerivationCodeSequence"].is_undefined_length = True
        dataset.is_undefined_length_sequence_item = True
        dataset = outer
    return dataset


@pytest.mark.parametrize(("depth", "code"), [(16, None), (17, Code.SIZE_NEST), (60, Code.SIZE_NEST)])
def test_nesting_is_bounded(depth, code, tmp_path):
    dataset = ct()
    dataset.update(_nested(depth))

    assert code_of(write(dataset, tmp_path / "a")) is code


def test_nesting_without_end_is_refused_not_recursed(tmp_path):
    opening = struct.pack("<HH2sHL", 0x0008, 0x9215, b"SQ", 0, 0xFFFFFFFF) + struct.pack(
        "<HHL", 0xFFFE, 0xE000, 2**32 - 1
    )
    (tmp_path / "a").write_bytes(encoded(ct())[:40] + opening * 5000)

    assert code_of(tmp_path / "a") is Code.SIZE_NEST


def test_more_elements_than_the_bound_are_refused(tmp_path):
    element = struct.pack("<HH2sH", 0x0009, 0x1001, b"LO", 0)
    (tmp_path / "a").write_bytes(encoded(ct())[:40] + element * 200_001)

    assert code_of(tmp_path / "a") is Code.SIZE_NEST


def test_a_deflate_bomb_ends_at_the_bound(tmp_path):
    packer = zlib.compressobj(9, wbits=-zlib.MAX_WBITS)
    start = encoded(ct())[:40] + struct.pack("<HH2sHL", 0x0009, 0x1001, b"UN", 0, 1 << 28)
    squeezed = packer.compress(start) + packer.compress(bytes(1 << 28)) + packer.flush()
    path = write(ct(), tmp_path / "a", DeflatedExplicitVRLittleEndian)
    whole = path.read_bytes()
    meta_end = whole.index(b"1.2.840.10008.1.2.1.99") + 22
    path.write_bytes(whole[:meta_end] + squeezed)

    assert path.stat().st_size < 1 << 20
    assert code_of(path) is Code.SIZE_NEST


def test_a_header_longer_than_the_first_read_is_read_to_its_end(tmp_path):
    dataset = ct()
    dataset.add_new(0x00091001, "UN", bytes(300_000))

    assert read(write(dataset, tmp_path / "a")).geometry.rows == 1


@pytest.mark.parametrize("text", ["1,5", "5 mm", "nan", "inf", "1_0", "0x1", "1.5\\2.5"])
def test_a_decimal_that_cannot_be_parsed_is_missing_and_named(text, tmp_path):
    raw = encoded(ct(SliceThickness="8.88888")).replace(b"DS\x08\x008.88888 ", b"DS" + _padded(text))
    (tmp_path / "a").write_bytes(raw)

    facts = read(tmp_path / "a")

    assert facts.geometry.slice_thickness_mm is None
    assert facts.unparsable == ("SliceThickness",)


def _padded(text: str) -> bytes:
    raw = text.encode() + b" " * (len(text) % 2)
    return struct.pack("<H", len(raw)) + raw


def test_a_decimal_of_more_than_sixteen_characters_is_read_as_it_is(tmp_path):
    raw = encoded(ct(SliceThickness="8.88888")).replace(
        b"DS\x08\x008.88888 ", b"DS" + _padded("2.50000000000000000001")
    )
    (tmp_path / "a").write_bytes(raw)

    assert read(tmp_path / "a").geometry.slice_thickness_mm == 2.5


def test_an_integer_string_that_cannot_be_parsed_is_missing_and_named(tmp_path):
    raw = encoded(ct(InstanceNumber="88")).replace(b"IS\x02\x0088", b"IS\x02\x001A")
    (tmp_path / "a").write_bytes(raw)

    facts = read(tmp_path / "a")

    assert (facts.instance_number, facts.unparsable) == (None, ("InstanceNumber",))


def test_two_components_of_a_position_are_no_position(tmp_path):
    raw = encoded(ct(ImagePositionPatient=[1, 2, 3])).replace(b"DS\x0c\x001.0\\2.0\\3.0 ", b"DS\x04\x001\\2 ")
    (tmp_path / "a").write_bytes(raw)

    facts = read(tmp_path / "a")

    assert (facts.geometry.image_position_lps_mm, facts.unparsable) == (None, ("ImagePositionPatient",))


def test_padding_written_unsigned_in_a_signed_image_is_read_signed(data_dir):
    facts = read(data_dir / "ct" / "lidc-idri-0001" / "0001.dcm")

    assert facts.pixels.pixel_representation == 1
    assert facts.pixels.pixel_padding_value == -2000


@pytest.mark.parametrize(
    ("age", "birth_date", "years"),
    [
        ("045Y", "", 45.0),
        ("006M", "", 0.5),
        ("052W", "", 0.9966),
        ("", "20000102", 20.0),
        ("45", "", None),
        ("", "", None),
    ],
)
def test_age_comes_from_its_tag_or_from_two_dates(age, birth_date, years, tmp_path):
    raw = encoded(ct(PatientBirthDate=birth_date, PatientAge="099Y"))
    (tmp_path / "a").write_bytes(raw.replace(b"AS\x04\x00099Y", b"AS" + _padded(age)))

    got = read(tmp_path / "a").patient.age_years

    assert got == (years if years is None else pytest.approx(years, abs=0.01))


def test_an_enhanced_object_gives_the_geometry_of_its_first_frame(data_dir):
    facts = read(data_dir / "odd" / "enhanced" / "eCT_Supplemental.dcm")

    assert facts.number_of_frames == 2
    assert facts.geometry.image_position_lps_mm is not None
    assert facts.geometry.pixel_spacing_yx_mm is not None
    assert facts.geometry.image_orientation is not None
    assert facts.pixels.rescale_slope is not None


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_no_damage_to_a_header_raises(data, tmp_path_factory):
    dataset = ct(SpecificCharacterSet=["", "ISO 2022 IR 87"])
    dataset.update(_nested(3))
    raw = bytearray(encoded(dataset))
    for _ in range(data.draw(st.integers(1, 6))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))])

    assert isinstance(read_facts(path), InstanceFacts | Unread)


@settings(max_examples=200, deadline=None)
@given(tail=st.binary(max_size=400))
def test_no_bytes_after_a_preamble_raise(tail, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "random"
    path.write_bytes(bytes(128) + b"DICM" + tail)

    assert isinstance(read_facts(path), InstanceFacts | Unread)
