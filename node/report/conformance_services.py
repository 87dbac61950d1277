"""The network part of the conformance statement: associations, contexts, statuses, commitment, web services, limits."""

from pydicom.uid import UID, DeflatedExplicitVRLittleEndian

from node.facts.charset import character_set
from node.facts.limits import DEEPEST_NESTING, MOST_ELEMENTS, MOST_FRAMES, MOST_PIXEL_BYTES, MOST_ROWS_OR_COLUMNS
from node.receive.classes import STORAGE, STORAGE_COMMITMENT, VERIFICATION
from node.receive.status import Status
from node.receive.syntaxes import EXPLICIT_LITTLE, IMPLICIT_LITTLE, LOSSY, accepted
from node.report.uids import BASIC_TEXT_SR, COMPREHENSIVE_3D_SR, COMPREHENSIVE_SR, SEGMENTATION
from node.settings import Rung, Settings

_STATUS_MEANINGS: dict[Status, str] = {
    Status.SUCCESS: "the instance is on disk, flushed; also for an exact duplicate and for what will not be processed",
    Status.PROCESSING_FAILURE: "an internal error after parsing; may be tried again",
    Status.NO_SUCH_OBJECT: "storage commitment: the instance is not held",
    Status.INVALID_ARGUMENT: "storage commitment: unknown transaction or malformed request",
    Status.SOP_CLASS_NOT_SUPPORTED: "the class is not in the list below",
    Status.NOT_AUTHORISED: "this peer may not use the service",
    Status.OUT_OF_RESOURCES: "free space is below the hard mark; try again later",
    Status.DATA_SET_MISMATCH: "UIDs missing, invalid or not those of the command; image larger than the limits",
    Status.CANNOT_PARSE: "the data set cannot be parsed",
    Status.NESTED_TOO_DEEP: "nested too deep or too many elements",
    Status.TRUNCATED: "the data set ends early",
}

_CHARACTER_SETS = (
    "ISO_IR 6",
    "ISO_IR 100",
    "ISO_IR 101",
    "ISO_IR 109",
    "ISO_IR 110",
    "ISO_IR 144",
    "ISO_IR 127",
    "ISO_IR 126",
    "ISO_IR 138",
    "ISO_IR 148",
    "ISO_IR 203",
    "ISO_IR 13",
    "ISO_IR 166",
    "ISO_IR 192",
    "GB18030",
    "GBK",
    "ISO 2022 IR 6",
    "ISO 2022 IR 100",
    "ISO 2022 IR 101",
    "ISO 2022 IR 109",
    "ISO 2022 IR 110",
    "ISO 2022 IR 144",
    "ISO 2022 IR 127",
    "ISO 2022 IR 126",
    "ISO 2022 IR 138",
    "ISO 2022 IR 148",
    "ISO 2022 IR 203",
    "ISO 2022 IR 13",
    "ISO 2022 IR 166",
    "ISO 2022 IR 87",
    "ISO 2022 IR 159",
    "ISO 2022 IR 149",
    "ISO 2022 IR 58",
)  # fmt: skip  every defined term of PS3.3 C.12.1.1.2; those that the reader knows are listed


def services_chapter(settings: Settings) -> str:
    """Return chapters 2 to 4."""
    return "\n".join(
        (_associations(settings), _contexts(settings), _statuses(), _sending(settings), _reading(settings))
    )


def _associations(settings: Settings) -> str:
    receive = settings.receive
    titles = ", ".join(f"`{title}`" for title in (receive.ae_title, *receive.also_called))
    return f"""## 2. Associations

| Parameter | Value |
|---|---|
| Application Context Name | 1.2.840.10008.3.1.1.1 |
| Called AE titles accepted | {titles} |
| Listener | {receive.host}, port {receive.port} |
| Associations at one time | {receive.maximum_associations}, of {receive.processes} process(es) together |
| Maximum PDU length received | {receive.maximum_pdu_bytes} bytes |
| ACSE / DIMSE / network time-out | {receive.acse_timeout_s:g} / {receive.dimse_timeout_s:g} / \
{receive.network_timeout_s:g} s |
| Asynchronous Operations Window | not negotiated (1/1) |
| SOP Class Extended Negotiation, User Identity | not used |
| Role selection | for storage commitment answers only |
"""


def _contexts(settings: Settings) -> str:
    lossy = settings.receive.accept_lossy
    syntaxes = "\n".join(f"| {n} | {_named(uid)} |" for n, uid in enumerate(accepted(lossy=lossy), start=1))
    classes = "\n".join(f"| {name} | {uid} |" for uid, name in STORAGE.items())
    refused = "" if lossy else f"Lossy syntaxes ({', '.join(_named(uid) for uid in LOSSY)}) by configuration only. "
    return f"""## 3. Receiver

### 3.1 Transfer syntaxes accepted for storage, in order of preference

| | Transfer syntax |
|---|---|
{syntaxes}

{refused}Big endian, deflated and private syntaxes are not accepted. Verification ({VERIFICATION}) and storage \
commitment
({STORAGE_COMMITMENT}): {_named(EXPLICIT_LITTLE)}, {_named(IMPLICIT_LITTLE)}.

### 3.2 Storage classes accepted as SCP

Level 2 (full): all attributes are kept, private ones included; no coercion. What is analysed is CT and PET; everything
else is kept for the retention time and named in the list of jobs.

| SOP class | UID |
|---|---|
{classes}
"""


def _statuses() -> str:
    rows = "\n".join(f"| {status:04X} | {_STATUS_MEANINGS[status]} |" for status in Status)
    return f"""### 3.3 Statuses answered

| Status | Meaning |
|---|---|
{rows}

Error Comment (0000,0902) gives the machine code, never patient data. 0111 is not used. An instance that is sent again
with the same pixels is answered 0000; with other pixels it is answered 0000, kept apart and never used (`ID-DUPDIFF`).

### 3.4 Limits

| Limit | Value |
|---|---|
| Rows or Columns | {MOST_ROWS_OR_COLUMNS} |
| Number of Frames | {MOST_FRAMES} |
| Pixel data of one instance | {MOST_PIXEL_BYTES / 2**30:g} GiB |
| Depth of sequences | {DEEPEST_NESTING} |
| Elements in one data set | {MOST_ELEMENTS} |

What makes a series unfit for analysis stands, with its limits, in the table of machine codes (`docs/codes.md`).
"""


def _sending(settings: Settings) -> str:
    archive_days = settings.disk.retention_days
    answering = [f"`{peer.ae_title}`" for peer in settings.receive.peers if peer.storage_commitment]
    destinations = "\n".join(
        f"| {d.name} | {d.kind} | {', '.join(r for r in Rung if r in d.rungs)} | {d.commitment} | {d.confirm} |"
        for d in settings.destinations
    )
    return f"""### 3.5 Storage commitment

Push model, {STORAGE_COMMITMENT}. **As SCP** it is off unless set per peer (here: {", ".join(answering) or "off"}); \
success
is answered for an instance only if an archive holds it too (it is asked), else failure 0112. The node itself keeps
instances for {archive_days:g} days after every destination is safe, and is no archive. **As SCU** the answer is \
taken on
the same or on a new association; an unknown Transaction UID is answered 0115.

## 4. Sender

| SOP class sent | UID |
|---|---|
| Segmentation | {SEGMENTATION} |
| Comprehensive 3D SR | {COMPREHENSIVE_3D_SR} |
| Comprehensive SR (fallback) | {COMPREHENSIVE_SR} |
| Basic Text SR (notice) | {BASIC_TEXT_SR} |

One presentation context per class and syntax: {_named(EXPLICIT_LITTLE)}; {_named(IMPLICIT_LITTLE)},
in which a class goes only where the peer takes it in no other; a segmentation in \
{_named(DeflatedExplicitVRLittleEndian)}
by configuration. 0000 and B0xx count as stored; A7xx, 0110 and a lost association are tried again with growing pauses;
other failures are final for that object. STOW-RS: `multipart/related; type="application/dicom"`, answers 200, 202 and
409 are read per instance (Failed SOP Sequence). A success is not believed: the object is asked back.

| Destination | Kind | Objects | Commitment | Asked back by |
|---|---|---|---|---|
{destinations or "| none configured | | | | |"}
"""


def _reading(settings: Settings) -> str:
    known = ", ".join(f"`{term}`" for term in _CHARACTER_SETS if character_set((term,)).known)
    archives = ", ".join(f"{archive.name}" for archive in settings.archives) or "none configured"
    return f"""### 4.1 Questions to archives

C-FIND (Study Root) and QIDO-RS with `includefield`, WADO-RS with `transfer-syntax=*`; 204 and an empty list both \
mean no
match, 206 is incomplete and never processed. Archives: {archives}.

For a study with lesions the newest earlier CT of the same patient is searched for (Patient ID; issuer, birth date and
sex must be equal) and fetched by WADO-RS, or by C-MOVE (Study Root, series level) to an application entity of its own
(`move_ae_title`, `move_port`) that listens only meanwhile, takes CT Image Storage and Enhanced CT Image Storage of the
archive's title alone and refuses (0124) whatever was not asked for. Limit: {settings.completeness.prior_wait_s:g} s.

### 4.2 Character sets

Read, with code extensions of ISO 2022: {known}. `ISO_IR 149`, which is no defined term, is read as `ISO 2022 IR 149`.
Written: `ISO_IR 192`. Where the source's set is unknown or its bytes cannot be decoded, names are copied as bytes with
the source's own set, and `CS-UNKNOWN` is reported.
"""


def _named(uid: str) -> str:
    return f"{UID(uid).name} ({uid})"
