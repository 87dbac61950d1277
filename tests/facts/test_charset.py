"""Names and texts in every character set of the real files, and in unknown ones."""

import pytest

from node.errors import Code
from node.facts.charset import character_set
from node.facts.instance import InstanceFacts
from node.facts.read import read_facts

NAMES = {
    "chrArab": "قباني^لنزار",
    "chrFren": "Buc^Jérôme",
    "chrFrenMulti": "Buc^Jérôme",
    "chrGB2312": "Zhang^XiaoDong=张^小东=",
    "chrGerm": "Äneas^Rüdiger",
    "chrGreek": "Διονυσιος",
    "chrH31": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "chrH32": "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう",
    "chrHbrw": "שרון^דבורה",
    "chrI2": "Hong^Gildong=洪^吉洞=홍^길동",
    "chrKoreanMulti": "김희중",
    "chrRuss": "Люкceмбypг",
    "chrX1": "Wang^XiaoDong=王^小東=",
    "chrX2": "Wang^XiaoDong=王^小东=",
}


@pytest.mark.parametrize(("file", "name"), NAMES.items(), ids=NAMES.keys())
def test_names_decode_with_their_component_groups(file, name, data_dir):
    facts = read_facts(data_dir / "odd" / "charset" / f"{file}.dcm")

    assert isinstance(facts, InstanceFacts)
    assert facts.patient.patient_name == name
    assert facts.reasons == ()


def test_iso_ir_149_is_read_as_iso_2022_ir_149_without_a_code():
    raw = "김희중".encode("euc_kr")

    assert character_set(("ISO_IR 149",)).text(raw) == ("김희중", True)
    assert character_set(("ISO_IR 149",)).known


@pytest.mark.parametrize("terms", [("ISO_IR 999",), ("ISO_IR 192", "ISO 2022 IR 87"), ("latin1",)], ids=repr)
def test_an_undefined_term_is_unknown_and_its_bytes_are_shown(terms):
    found = character_set(terms)

    assert not found.known
    assert found.text(b"B\xfccher") == ("B\\xfccher", False)


@pytest.mark.parametrize(
    ("terms", "raw"),
    [((), b"B\xfccher"), (("ISO_IR 192",), b"B\xfccher"), (("", "ISO 2022 IR 87"), b"\x1b$Z12")],
    ids=["default-repertoire", "utf-8", "escape"],
)
def test_bytes_that_do_not_decode_are_never_replaced(terms, raw):
    text, whole = character_set(terms).text(raw)

    assert not whole
    assert "?" not in text
    assert "�" not in text


def test_the_initial_set_returns_after_a_name_delimiter():
    raw = b"\x1b$)C" + "홍".encode("euc_kr") + b"^\xe4"

    assert character_set(("ISO 2022 IR 100", "ISO 2022 IR 149")).text(raw, is_name=True) == ("홍^ä", True)


def test_the_reason_names_the_attributes_and_no_patient_data(data_dir, tmp_path):
    whole = (data_dir / "odd" / "charset" / "chrGerm.dcm").read_bytes()
    (tmp_path / "a").write_bytes(whole.replace(b"ISO_IR 100", b"ISO_IR 192"))

    facts = read_facts(tmp_path / "a")

    assert isinstance(facts, InstanceFacts)
    (reason,) = facts.reasons
    assert reason.code is Code.CS_UNKNOWN
    assert "PatientName" in reason.text
    assert "neas" not in reason.text
