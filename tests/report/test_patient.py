"""Copying of patient and study: verbatim, as UTF-8, and as bytes where the text cannot be decoded."""

import warnings
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from node.facts.charset import character_set
from node.facts.header import source_dataset
from node.report.encode import encode_results
from node.report.patient import copy_patient_and_study, is_decodable, read_text, terms_of
from node.report.stamp import write
from tests.report.conftest import CaseMaker

COPIED = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "StudyInstanceUID", "StudyDate",
    "StudyTime", "StudyID", "StudyDescription", "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
CHARSET_FILES = (
    "chrArab", "chrFren", "chrFrenMulti", "chrGB2312", "chrGerm", "chrGreek", "chrH31", "chrH32", "chrHbrw", "chrI2",
    "chrJapMulti", "chrJapMultiExplicitIR6", "chrKoreanMulti", "chrRuss", "chrX1", "chrX2",
)  # fmt: skip


def copied_and_read_back(source: Dataset, path: Path) -> Dataset:
    """Copy into an object of our own, write it, and read it with pydicom."""
    target = Dataset()
    target.SOPClassUID, target.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.88.11", "1.2.3"
    copy_patient_and_study(target, source)
    write(target, path)
    return dcmread(path)


def raw(dataset: Dataset, keyword: str) -> bytes:
    return bytes(dataset.get_item(keyword).value or b"").rstrip(b" \0")


def test_patient_and_study_are_the_sources_in_every_object(maker: CaseMaker, out: Path) -> None:
    case = maker.case()
    source = dcmread(case.volume.series.files[0].path)
    for made in encode_results(case, out):
        ours = dcmread(made.path)
        assert {k: str(ours.get(k)) for k in COPIED} == {k: str(source.get(k)) for k in COPIED}
        assert ours.SpecificCharacterSet == "ISO_IR 192"


@pytest.mark.parametrize("name", CHARSET_FILES)
def test_names_in_every_character_set_are_unchanged(data_dir: Path, tmp_path: Path, name: str) -> None:
    """Component groups included: the text decoded from the source equals the text decoded from our UTF-8."""
    source = source_dataset(data_dir / "odd" / "charset" / f"{name}.dcm")
    if "StudyInstanceUID" not in source:
        source.StudyInstanceUID = "1.2.3"
    assert is_decodable(source)
    terms = terms_of(source)
    before, ok = character_set(terms).text(raw(source, "PatientName"), is_name=True)
    ours = copied_and_read_back(source, tmp_path / "ours.dcm")
    assert ok
    assert ours.SpecificCharacterSet == "ISO_IR 192"
    assert raw(ours, "PatientName").decode() == before
    assert str(ours.PatientName) == before.rstrip("=")  # pydicom shows no empty group at the end


def test_the_korean_set_that_is_no_defined_term_is_read_and_written_as_utf8(tmp_path: Path) -> None:
    path = tmp_path / "korean.dcm"
    source = Dataset()
    source.SOPClassUID, source.SOPInstanceUID, source.StudyInstanceUID = "1.2", "1.2.3", "1.2.4"
    source.SpecificCharacterSet, source.PatientName = "ISO_IR 192", "PLACE"
    write(source, path)
    path.write_bytes(
        path.read_bytes().replace(b"PLACE ", "김^희".encode("euc_kr") + b" ").replace(b"ISO_IR 192", b"ISO_IR 149")
    )
    ours = copied_and_read_back(source_dataset(path), tmp_path / "ours.dcm")
    assert (ours.SpecificCharacterSet, str(ours.PatientName)) == ("ISO_IR 192", "김^희")


@pytest.mark.parametrize("terms", [b"ISO_IR 999", b"ISO_IR 192"], ids=["unknown set", "bytes that are no UTF-8"])
def test_undecodable_names_keep_their_bytes_and_their_set(tmp_path: Path, terms: bytes) -> None:
    path = tmp_path / "odd.dcm"
    source = Dataset()
    source.SOPClassUID, source.SOPInstanceUID, source.StudyInstanceUID = "1.2", "1.2.3", "1.2.4"
    source.SpecificCharacterSet, source.PatientName, source.PatientID = "ISO_IR 192", "PLACEHOLDER^X", "7"
    write(source, path)
    path.write_bytes(
        path.read_bytes().replace(b"PLACEHOLDER^X", b"M\xfcl\xe9r^\xa4\xe4^abcd").replace(b"ISO_IR 192", terms)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's own, about the character set
        ours = copied_and_read_back(source_dataset(path), tmp_path / "ours.dcm")
    assert not is_decodable(source_dataset(path))
    assert raw(ours, "PatientName") == b"M\xfcl\xe9r^\xa4\xe4^abcd"
    assert terms_of(ours) == (terms.decode(),)


def test_a_name_keeps_its_empty_component_groups(tmp_path: Path) -> None:
    source = Dataset()
    source.StudyInstanceUID, source.SpecificCharacterSet = "1.2.4", "ISO_IR 192"
    source.PatientName = "Yamada^Tarou=山田^太郎="
    ours = copied_and_read_back(source, tmp_path / "ours.dcm")
    assert raw(ours, "PatientName").decode().rstrip("=") == "Yamada^Tarou=山田^太郎"


def test_type_2_attributes_are_present_even_where_the_source_lacks_them(tmp_path: Path) -> None:
    source = Dataset()
    source.StudyInstanceUID = "1.2.4"
    ours = copied_and_read_back(source, tmp_path / "ours.dcm")
    for keyword in ("PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "StudyID",
                    "AccessionNumber", "ReferringPhysicianName"):  # fmt: skip
        assert keyword in ours
        assert not ours[keyword].value
    assert "IssuerOfPatientID" not in ours
    assert "TimezoneOffsetFromUTC" not in ours


def test_identifiers_that_break_a_rule_are_copied_as_they_are(maker: CaseMaker, out: Path) -> None:
    def broken(ds: Dataset) -> None:
        ds.AccessionNumber = "A" * 16
        ds["AccessionNumber"]._value = "ACCESSION-NUMBER-LONGER-THAN-16"
        ds["PatientBirthDate"]._value = "07.06.1950"
        ds["StudyTime"]._value = "10:11"

    for made in encode_results(maker.case(edit=broken), out):
        ours = dcmread(made.path)
        assert raw(ours, "AccessionNumber") == b"ACCESSION-NUMBER-LONGER-THAN-16"
        assert raw(ours, "PatientBirthDate") == b"07.06.1950"
        assert raw(ours, "StudyTime") == b"10:11"


def test_a_description_that_is_too_long_is_cut_and_noted(maker: CaseMaker, out: Path) -> None:
    def long(ds: Dataset) -> None:
        ds["StudyDescription"]._value = "x" * 70

    made = encode_results(maker.case(edit=long), out)[0]
    assert dcmread(made.path).StudyDescription == "x" * 64
    assert made.notes == ("StudyDescription was cut to 64 characters",)


def other_ids(with_type: bool) -> Dataset:
    item = Dataset()
    item.PatientID, item.IssuerOfPatientID = "Ö-77", "OLD"
    if with_type:
        item.TypeOfPatientID = "TEXT"
    return item


def test_other_patient_ids_are_copied_in_utf8(maker: CaseMaker, out: Path) -> None:
    def edit(ds: Dataset) -> None:
        ds.OtherPatientIDsSequence = [other_ids(with_type=True)]

    for made in encode_results(maker.case(edit=edit), out):
        (item,) = dcmread(made.path).OtherPatientIDsSequence
        assert (item.PatientID, item.IssuerOfPatientID, item.TypeOfPatientID) == ("Ö-77", "OLD", "TEXT")


@pytest.mark.parametrize("name", ["chrSQEncoding", "chrSQEncoding1"], ids=["own set", "inherited set"])
def test_an_items_text_is_decoded_with_its_own_set_or_the_inherited_one(
    data_dir: Path, tmp_path: Path, name: str
) -> None:
    source = source_dataset(data_dir / "odd" / "charset" / f"{name}.dcm")
    (item,) = source.RequestedProcedureCodeSequence
    before = str(dcmread(data_dir / "odd" / "charset" / f"{name}.dcm").RequestedProcedureCodeSequence[0].PatientName)
    item.PatientID, item.TypeOfPatientID = "7", "TEXT"
    source.StudyInstanceUID, source.OtherPatientIDsSequence = "1.2.3", [item]
    ours = copied_and_read_back(source, tmp_path / "ours.dcm")
    assert "山田" in before
    assert str(ours.OtherPatientIDsSequence[0].PatientName) == before
    assert "SpecificCharacterSet" not in ours.OtherPatientIDsSequence[0]


def test_a_sequence_that_lacks_a_type_1_attribute_is_left_out_and_noted(maker: CaseMaker, out: Path) -> None:
    def edit(ds: Dataset) -> None:
        ds.OtherPatientIDsSequence = [other_ids(with_type=False)]

    for made in encode_results(maker.case(edit=edit), out):
        assert "OtherPatientIDsSequence" not in dcmread(made.path)
        assert made.notes == ("OtherPatientIDsSequence was left out: the source's lacks TypeOfPatientID",)


def test_the_issuer_of_the_accession_number_is_copied(maker: CaseMaker, out: Path) -> None:
    def edit(ds: Dataset) -> None:
        item = Dataset()
        item.LocalNamespaceEntityID = "RIS-1"
        ds.IssuerOfAccessionNumberSequence = [item]

    made = encode_results(maker.case(edit=edit), out)[0]
    assert dcmread(made.path).IssuerOfAccessionNumberSequence[0].LocalNamespaceEntityID == "RIS-1"


def test_one_text_of_a_header_is_read_decoded(maker: CaseMaker) -> None:
    header = source_dataset(maker.case().volume.series.files[0].path)
    assert read_text(header, "PatientName") == "Müller^Jörg"
    assert read_text(header, "InstitutionName") == ""


def test_a_sequence_inside_a_copied_item_is_copied_too(maker: CaseMaker, out: Path) -> None:
    def edit(ds: Dataset) -> None:
        item, qualifier = other_ids(with_type=True), Dataset()
        qualifier.UniversalEntityID, qualifier.UniversalEntityIDType = "1.2.3", "ISO"
        item.IssuerOfPatientIDQualifiersSequence = [qualifier]
        ds.OtherPatientIDsSequence = [item]

    (item,) = dcmread(encode_results(maker.case(edit=edit), out)[0].path).OtherPatientIDsSequence
    assert item.IssuerOfPatientIDQualifiersSequence[0].UniversalEntityID == "1.2.3"


def test_copying_replaces_what_a_target_held_before() -> None:
    source, target = Dataset(), Dataset()
    source.StudyInstanceUID, source.PatientID = "1.2.4", "new"
    target.PatientID, target.IssuerOfPatientID, target.StudyDescription = "old", "OLD", "old"
    target.OtherPatientIDsSequence = [other_ids(with_type=True)]
    copy_patient_and_study(target, source)
    assert target.PatientID == "new"
    assert not {"IssuerOfPatientID", "StudyDescription", "OtherPatientIDsSequence"} & set(target.dir())


def test_an_object_of_undecodable_names_is_whole_and_valid(maker: CaseMaker, out: Path) -> None:
    """Latin-1 bytes without a character set: names stay bytes, what we write ourselves stays one ASCII value."""

    def edit(ds: Dataset) -> None:
        request = Dataset()
        request.RequestedProcedureID, request.RequestedProcedureDescription = "RP1", "Übersicht"
        ds.RequestAttributesSequence = [request]
        del ds.SpecificCharacterSet
        ds.Manufacturer = "Bär Werke"

    for made in encode_results(maker.case(edit=edit), out):
        ours = dcmread(made.path)
        assert "SpecificCharacterSet" not in ours
        assert raw(ours, "PatientName") == "Müller^Jörg".encode("latin-1")
        assert ours.ContributingEquipmentSequence[0].Manufacturer == "B/xe4r Werke"
        assert made.path.read_bytes().isascii() is False  # the names
    assert dcmread(made.path).ReferencedRequestSequence[0].RequestedProcedureDescription == "/xdcbersicht"
