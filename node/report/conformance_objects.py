"""The object part of the conformance statement: what is created, from which attributes, with which codes."""

from pydicom.sr.coding import Code

from node.errors import Code as ReasonCode
from node.measure.quantity import Name
from node.report import codes
from node.report.kinds import KEY_OBJECTS, KEY_SLICES, KINDS, NOTICE, OUTLINES, PDF, PET_SEG, RTSTRUCT, SEG, SR
from node.report.lesion_measured import LESION_MEASURED, LesionName
from node.report.measured import MEASURED, Measured
from node.report.patient import ALWAYS_COPIED, COPIED_SEQUENCES, COPIED_WHERE_PRESENT
from node.report.uids import (
    BASIC_TEXT_SR,
    COMPREHENSIVE_3D_SR,
    COMPREHENSIVE_SR,
    ENCAPSULATED_PDF,
    KEY_OBJECT_SELECTION,
    LABEL_MAP_SEGMENTATION,
    RT_STRUCTURE_SET,
    SECONDARY_CAPTURE,
    SEGMENTATION,
)
from node.settings import Objects

_CLASSES = {
    SEG: f"Segmentation, BINARY ({SEGMENTATION}), or Label Map ({LABEL_MAP_SEGMENTATION}) by configuration",
    SR: f"Comprehensive 3D SR ({COMPREHENSIVE_3D_SR}), or Comprehensive SR ({COMPREHENSIVE_SR})",
    OUTLINES: f"as the measurement report, TID 1410 ({COMPREHENSIVE_3D_SR})",
    KEY_SLICES: f"Secondary Capture ({SECONDARY_CAPTURE})",
    PDF: f"Encapsulated PDF ({ENCAPSULATED_PDF})",
    RTSTRUCT: f"RT Structure Set ({RT_STRUCTURE_SET})",
    KEY_OBJECTS: f"Key Object Selection ({KEY_OBJECT_SELECTION})",
    NOTICE: f"Basic Text SR ({BASIC_TEXT_SR})",
    PET_SEG: f"Segmentation ({SEGMENTATION}) on the PET's own grid",
}


def objects_chapter(objects: Objects) -> str:
    """Return chapter 5."""
    return "\n".join((_created(objects), _segmentation(), _report(), _other_kinds(), _private_codes()))


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

One instance per series, but for key slices. Segmentation and report are always made; the rest where a destination \
asks for
it. A report's evidence lists those that go where it goes: destinations that get different kinds get reports of their
own. Each is stored in the source's study, as Explicit VR Little Endian. UIDs
are derived from study, series, pixels, models, software and settings ({root}): the same
input gives the same UIDs, and a file is written once and sent again as the same bytes.

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

Segments: {_shown(codes.RIGHT_LUNG)}, {_shown(codes.LEFT_LUNG)}, category {_shown(codes.ANATOMICAL_STRUCTURE)}; then
lesions from the largest down, category {_shown(codes.ABNORMAL_STRUCTURE)}, type {_shown(codes.NODULE)} up to 30 mm \
long
axis, {_shown(codes.MASS)} above, {_shown(codes.LESION)} where it was not measured, with anatomic region and laterality
where the side is known;
the solid component of a part-solid lesion, {_shown(codes.SOLID_COMPONENT)}, follows it and overlaps it.
Algorithm type AUTOMATIC with name, version and family {_shown(codes.ARTIFICIAL_INTELLIGENCE)}; Tracking ID and UID \
equal to
those of the report; recommended CIELab colour. Frames lie on source slices, with the source's position, orientation and
spacing; empty frames are omitted; a segment without voxels is not listed. Each frame names its source image
({_shown(codes.SOURCE_FOR_PROCESSING)}); Referenced Series lists every used instance. Segments Overlap is YES
with a solid component, else NO. A label map cannot hold overlaps and leaves solid components out.
"""


def _report() -> str:
    rows = "\n".join(_measurement(name, how) for name, how in MEASURED.items())
    lesions = "\n".join(_measurement(name, how) for name, how in LESION_MEASURED.items())
    return f"""### 5.2 Measurement report

TID 1500 with TID 1204, 1002/1004, 1600/1602, one TID 1411 group per lung and per lesion (referenced segment, source
images), one TID 1501 group for both lungs and one per measured lesion with its axes as SCOORD POLYLINE. A number
that would mislead is left out, and {_shown(codes.WARNING)} gives its machine code.

| Measurement | Concept | Unit | Below it |
|---|---|---|---|
{rows}

Of lesions:

| Measurement | Concept | Unit | Below it |
|---|---|---|---|
{lesions}

{_shown(codes.NODULE_TYPE)} is {_shown(codes.SOLID)}, {_shown(codes.PART_SOLID)} or {_shown(codes.GROUND_GLASS)};
{_shown(codes.SIZE_BAND)} is a band in mm, two where it is borderline, none
of an uncertain lesion, whose comment begins with the doubt. No category, stage or recommendation is coded.

### 5.3 Notice

Basic Text SR with the title {_shown(codes.NOT_PROCESSED)}: {_shown(codes.REASON_NOT_PROCESSED)} gives the machine code
and the family of CID 9300 or 9303; the reason stands in words as {_shown(codes.COMMENT)}; evidence lists the refused
instances. None is made where several patients are mixed.
"""


def _other_kinds() -> str:
    return f"""### 5.4 Key slices, PDF, contours, key objects

Key slices: single-frame colour images, one of the whole and one per measured lesion, Conversion Type WSD, Burned In
Annotation YES, without patient identifiers and without a frame of reference. A refusal can be sent as one such image.
PDF: two pages, up to four where lesions and PET are many, with embedded fonts, after the rules of PDF/A-2b, without
patient identifiers. Contours: CLOSED_PLANAR on
the source's slices, holes as keyholes, interpreted type ORGAN for lungs and empty for lesions, UNAPPROVED. Outlines:
a report of its own, TID 1410 groups with {_shown(codes.IMAGE_REGION)}. Key objects: {_shown(codes.OF_INTEREST)}, the
slices with the long axes.
"""


def _measurement(name: Name | LesionName, how: Measured) -> str:
    below = [_shown(code) for code in (how.method, how.derivation) if code is not None]
    if how.threshold_hu is not None:
        below.append(f"{_shown(codes.THRESHOLD_ATTENUATION)} = {how.threshold_hu:g} HU")
    return f"| {name} | {_shown(how.concept)} | {how.unit.value} | {'; '.join((*below, 'algorithm'))} |"


def _private_codes() -> str:
    rows = "\n".join(f"| {code.value} | {code.meaning} |" for code in codes.PRIVATE_CODES)
    return f"""### 5.5 Private codes

Coding scheme `{codes.SCHEME}`, UID {codes.SCHEME_UID}, version {codes.SCHEME_VERSION}. No private attributes are \
written.

| Code | Meaning |
|---|---|
{rows}
| the {len(ReasonCode)} machine codes of `docs/codes.md` | reasons and warnings |
"""


def _shown(code: Code) -> str:
    return f'({code.value}, {code.scheme_designator}, "{code.meaning}")'
