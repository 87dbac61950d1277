"""What a result object copies from its source: patient and study, verbatim (standards 1.2).

No identifier is added or repaired. Texts are decoded with the source's character set and written as UTF-8; only where
that set is unknown or its bytes cannot be decoded (CS-UNKNOWN) are the bytes copied with the source's own set.
"""

from dataclasses import dataclass

from pydicom.config import IGNORE
from pydicom.datadict import dictionary_VR, keyword_for_tag
from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.tag import Tag

from node.facts.charset import CharacterSet, character_set
from node.report import explicit_little as little

_UTF8 = "ISO_IR 192"

# Type 2 attributes, present even when empty (Patient C.7.1.1, General Study C.7.2.1)
ALWAYS_COPIED = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex",
    "StudyDate", "StudyTime", "StudyID", "AccessionNumber", "ReferringPhysicianName",
)  # fmt: skip
COPIED_WHERE_PRESENT = ("IssuerOfPatientID", "StudyDescription", "TimezoneOffsetFromUTC")
_CUT_AT = {"StudyDescription": 64}  # LO; a descriptive text may be cut, an identifier never

# sequences to copy, and what each item must hold to be valid (Type 1, or one of a 1C pair)
COPIED_SEQUENCES: dict[str, tuple[tuple[str, ...], ...]] = {
    "OtherPatientIDsSequence": (("PatientID",), ("TypeOfPatientID",)),  # C.7.1.1
    "IssuerOfAccessionNumberSequence": (("LocalNamespaceEntityID", "UniversalEntityID"),),  # table 10-17
}


@dataclass(frozen=True, slots=True)
class Text:
    """The bytes of one element, and what they decode to."""

    raw: bytes
    decoded: str
    ok: bool


def terms_of(source: Dataset) -> tuple[str, ...]:
    """Return the values of Specific Character Set as they stand."""
    element = source.get_item("SpecificCharacterSet")
    if element is None or not element.value:
        return ()
    value = element.value
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace").rstrip("\0 ").split("\\")
    return tuple(str(v).strip() for v in ([value] if isinstance(value, str) else value))


def is_decodable(source: Dataset) -> bool:
    """Say whether every text that is copied can be decoded."""
    characters = character_set(terms_of(source))
    return all(
        _text(source, keyword, characters).ok
        for keyword in (*ALWAYS_COPIED, *COPIED_WHERE_PRESENT)
        if keyword in source
    )


def read_text(source: Dataset, keyword: str, inherits_from: Dataset | None = None) -> str:
    """Return one text of a header or of an item in it, decoded; "" where there is none."""
    named = source if inherits_from is None or "SpecificCharacterSet" in source else inherits_from
    return _text(source, keyword, character_set(terms_of(named))).decoded if keyword in source else ""


def copy_patient_and_study(target: Dataset, source: Dataset) -> tuple[str, ...]:
    """Copy the Patient and General Study attributes of `source` into `target`.

    Parameters
    ----------
    target : the object being made; what it holds of these attributes is replaced.
    source : a header of the source series.

    Returns
    -------
    What was cut or left out, in words without patient data.
    """
    notes: list[str] = []
    verbatim = not is_decodable(source)
    target.StudyInstanceUID = source.StudyInstanceUID
    _name_character_set(target, terms_of(source) if verbatim else (_UTF8,))
    characters = character_set(terms_of(source))
    for keyword in (*ALWAYS_COPIED, *COPIED_WHERE_PRESENT):
        if keyword in source:
            text = _text(source, keyword, characters)
            notes += _put(target, keyword, text.raw if verbatim else _cut(keyword, text.decoded), text.decoded)
        elif keyword in ALWAYS_COPIED:
            _put(target, keyword, b"", "")
        elif keyword in target:
            delattr(target, keyword)
    for keyword, needed in COPIED_SEQUENCES.items():
        notes += _copy_sequence(target, source, keyword, needed, characters, verbatim)
    return tuple(notes)


def _name_character_set(target: Dataset, terms: tuple[str, ...]) -> None:
    """Write Specific Character Set (Type 1C: absent, never empty)."""
    if terms:
        target.add(DataElement(Tag("SpecificCharacterSet"), "CS", list(terms), validation_mode=IGNORE))
    elif "SpecificCharacterSet" in target:
        del target.SpecificCharacterSet


def _text(source: Dataset, keyword: str, characters: CharacterSet) -> Text:
    """Return an element's text, from its bytes where it still has them."""
    element = source.get_item(keyword)
    value = None if element is None else element.value
    original = value if isinstance(value, bytes) else getattr(value, "original_string", None)
    if not isinstance(original, bytes):
        text = "" if value is None else str(value)
        return Text(text.encode(), text, ok=True)
    raw = original.rstrip(b"\0 ")
    decoded, ok = characters.text(raw, is_name=dictionary_VR(keyword) == "PN")
    return Text(raw, decoded, ok)


def _cut(keyword: str, text: str) -> bytes:
    return text[: _CUT_AT.get(keyword)].encode()


def _put(target: Dataset, keyword: str, raw: bytes, decoded: str) -> list[str]:
    """Write bytes as an element, as they are: nothing that would repair or refuse them comes between."""
    tag = Tag(keyword)
    padded = raw + b" " * (len(raw) % 2)
    target[tag] = RawDataElement(tag, dictionary_VR(keyword), len(padded), padded, 0, False, True)
    limit = _CUT_AT.get(keyword)
    return [] if limit is None or len(decoded) <= limit else [f"{keyword} was cut to {limit} characters"]


def _copy_sequence(
    target: Dataset,
    source: Dataset,
    keyword: str,
    needed: tuple[tuple[str, ...], ...],
    characters: CharacterSet,
    verbatim: bool,
) -> list[str]:
    """Copy a sequence; one that lacks a Type 1 attribute would make our object invalid and is left out."""
    if keyword in target:
        delattr(target, keyword)
    items = source.get(keyword)
    if not items:
        return []
    for item in items:
        for alternatives in needed:
            if not any(name in item and _text(item, name, characters).decoded for name in alternatives):
                return [f"{keyword} was left out: the source's lacks {' or '.join(alternatives)}"]
    value = little.items(_copy_item(item, characters, verbatim) for item in items)
    target[Tag(keyword)] = RawDataElement(Tag(keyword), "SQ", len(value), value, 0, False, True)
    return []


def _copy_item(item: Dataset, characters: CharacterSet, verbatim: bool) -> bytes:
    """Return the item's own attributes, encoded, without its character set and private elements."""
    if "SpecificCharacterSet" in item:  # an item may have a set of its own
        characters = character_set(terms_of(item))
    copied = b""
    for tag in sorted(item.keys()):
        keyword = keyword_for_tag(tag)
        if not keyword or keyword == "SpecificCharacterSet":
            continue
        if dictionary_VR(tag) == "SQ":
            inner = little.items(_copy_item(i, characters, verbatim) for i in item[tag].value)
            copied += little.sequence_of(keyword, inner)
        else:
            text = _text(item, keyword, characters)
            copied += little.element(keyword, dictionary_VR(tag), text.raw if verbatim else text.decoded.encode())
    return copied
