"""The object part of the conformance statement: what is created, from which attributes, with which codes."""

from pydicom.sr.coding import Code

from node.errors import Code as ReasonCode
from node.measure.quantity import Name
from node.report import codes
from node.report.kinds import KINDS, NOTICE, SEG, SR
from node.report.measured import MEASURED, Measured
from node.report.patient import ALWAYS_COPIED, COPIED_SEQUENCES, COPIED_WHERE_PRESENT
from node.report.uids import BASIC_TEXT_SR, COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR, SEGMENTATION
from node.settings import Objects

_CLASSES = {
    SEG: f"Segmentation, BINARY ({SEGMENTATION})",
    SR: f"Comprehensive 3D SR ({COMPREHENSIVE_3D_SR}), or Comprehensive SR ({COMPREHENSIVE_SR})",
    NOTICE: f"Basic Text SR ({BASIC_TEXT_SR})",
}


def objects_chapter(objects: Objects) -> str:
    """Return chapter 5."""
    return "\n".join((_created(objects), _segmentation(), _report(), _private_codes()))


def _created(objects: Objects) -> str:
    rows = "\n".join(
        f"| {_CLASSES[kind]} | {kind.modality} | {objects.series_number_base} + 10 m + {kind.offset} "
        f"| `{kind.description}` |"
        for kind in KINDS
    )
    root = f"`{objects.uid_root}` and 96 bits of a hash" if objects.uid_root else "`2.25.` and a name-based UUID"
    return f"""## 5. Objects created

| SOP class | Modality | Series Number (m = the source's modulo 10 000) | Series Description |
|---|---|---|---|
{rows}

One instance per series. Each is stored in the source's study, as Explicit VR Little Endian. UIDs are derived from \
study,
series, pixels, models, software and settings ({root}): the same input gives the same UIDs, and a file is written \
once and
sent again as the same bytes.

| Attributes | Value |
|---|---|
| {", ".join(ALWAYS_COPIED)} | copied verbatim, empty where the source has none |
| {", ".join(COPIED_WHERE_PRESENT)}, {", ".join(COPIED_SEQUENCES)} | copied where present; a sequence that lacks a \
Type 1 attribute is left out |
| Series, Content and Instance Creation Date and Time | one reading of the clock, in the source's time zone where it \
names one |
| Manufacturer, Model Name, Serial Number, Software Versions, Station Name | the node's |
| Contributing Equipment Sequence | the scanner (109101, DCM), the node with Device UID (109102, DCM), each of \
several algorithms |
| Specific Character Set | ISO_IR 192 |
| Coding Scheme Identification Sequence | where a private code is used |
| Lossy Image Compression | 01 where any source image has 01, else 00 |
| Completion, Preliminary, Verification Flag (SR) | COMPLETE, FINAL, UNVERIFIED |
"""


def _segmentation() -> str:
    return f"""### 5.1 Segmentation

Segments: {_shown(codes.RIGHT_LUNG)}, {_shown(codes.LEFT_LUNG)}, then lesions; category \
{_shown(codes.ANATOMICAL_STRUCTURE)}.
Algorithm type AUTOMATIC with name, version and family {_shown(codes.ARTIFICIAL_INTELLIGENCE)}; Tracking ID and UID \
equal to
those of the report; recommended CIELab colour. Frames lie on source slices, with the source's position, orientation and
spacing; empty frames are omitted; a segment without voxels is not listed. Each frame names its source image
({_shown(codes.SOURCE_FOR_PROCESSING)}); Referenced Series lists every used instance. Segments Overlap is NO.
"""


def _report() -> str:
    rows = "\n".join(_measurement(name, how) for name, how in MEASURED.items())
    return f"""### 5.2 Measurement report

TID 1500 with TID 1204, 1002/1004, 1600/1602, one TID 1411 group per lung (referenced segment, source images) and one
TID 1501 group for both lungs. A number that would mislead is left out, and {_shown(codes.WARNING)} gives its machine \
code.

| Measurement | Concept | Unit | Below it |
|---|---|---|---|
{rows}

### 5.3 Notice

Basic Text SR with the title {_shown(codes.NOT_PROCESSED)}: {_shown(codes.REASON_NOT_PROCESSED)} gives the machine code
and the family of CID 9300 or 9303; the reason stands in words as {_shown(codes.COMMENT)}; evidence lists the refused
instances. None is made where several patients are mixed.
"""


def _measurement(name: Name, how: Measured) -> str:
    below = [_shown(code) for code in (how.method, how.derivation) if code is not None]
    if how.threshold_hu is not None:
        below.append(f"{_shown(codes.THRESHOLD_ATTENUATION)} = {how.threshold_hu:g} HU")
    return f"| {name} | {_shown(how.concept)} | {how.unit.value} | {'; '.join((*below, 'algorithm'))} |"


def _private_codes() -> str:
    rows = "\n".join(f"| {code.value} | {code.meaning} |" for code in codes.PRIVATE_CODES)
    return f"""### 5.4 Private codes

Coding scheme `{codes.SCHEME}`, UID {codes.SCHEME_UID}, version {codes.SCHEME_VERSION}. No private attributes are \
written.

| Code | Meaning |
|---|---|
{rows}
| the {len(ReasonCode)} machine codes of `docs/codes.md` | reasons and warnings |
"""


def _shown(code: Code) -> str:
    return f'({code.value}, {code.scheme_designator}, "{code.meaning}")'
