"""Which status each instance is answered with, and who may send at all."""

import socket
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGBaseline8Bit
from pynetdicom import AE
from pynetdicom.presentation import build_context

from node.harness.send import send
from node.receive.classes import STORAGE
from node.receive.status import Status
from node.receive.syntaxes import LOSSLESS
from tests.receive.conftest import CT, Running, ct_slice, dcmtk, write, write_series
from tests.receive.test_attacks import associated, pdata, receive_exactly, store_command

MR = "1.2.840.10008.5.1.4.1.1.4"


def status_of(receiver: Running, ds: Dataset, folder: Path) -> tuple[int | None, str]:
    """Send one instance and return the status and the comment."""
    path = write(ds, folder / "one.dcm")
    (sent,) = send([path], "LUNGNODE", "127.0.0.1", receiver.port, "TESTER").files
    return sent.status, sent.text


def nested(depth: int) -> Sequence:
    """Sequences in sequences."""
    inner = Dataset()
    inner.PatientID = "x"
    for _ in range(depth):
        outer = Dataset()
        outer.ReferencedStudySequence = Sequence([inner])
        inner = outer
    return Sequence([inner])


@pytest.mark.parametrize(
    ("changes", "status", "comment"),
    [
        pytest.param({}, Status.SUCCESS, "", id="a plain slice"),
        pytest.param({"StudyInstanceUID": ""}, Status.DATA_SET_MISMATCH, "ID-NOUID", id="no study UID"),
        pytest.param({"SeriesInstanceUID": None}, Status.DATA_SET_MISMATCH, "ID-NOUID", id="an empty series UID"),
        pytest.param({"StudyInstanceUID": "1." * 32 + "1"}, Status.DATA_SET_MISMATCH, "ID-NOUID", id="65 characters"),
        pytest.param({"StudyInstanceUID": "../../x"}, Status.DATA_SET_MISMATCH, "ID-NOUID", id="a path for a UID"),
        pytest.param({"SeriesInstanceUID": "1.02.3"}, Status.SUCCESS, "", id="a leading zero is tolerated"),
        pytest.param({"Rows": 4097}, Status.DATA_SET_MISMATCH, "SIZE-DIM", id="too many rows"),
        pytest.param({"NumberOfFrames": 5001}, Status.DATA_SET_MISMATCH, "SIZE-DIM", id="too many frames"),
        pytest.param(
            {"PixelData": bytes(100)}, Status.DATA_SET_MISMATCH, "SIZE-DIM", id="pixels shorter than announced"
        ),
        pytest.param({"ReferencedStudySequence": nested(14)}, Status.SUCCESS, "", id="15 levels of sequences"),
        pytest.param(
            {"ReferencedStudySequence": nested(16)}, Status.NESTED_TOO_DEEP, "SIZE-NEST", id="17 levels of sequences"
        ),
    ],
)
def test_an_instance_is_answered_as_the_standards_reference_says(
    receiver: Running, tmp_path: Path, changes: dict[str, object], status: Status, comment: str
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the faults are meant
        ds = ct_slice(**changes)
        answer = status_of(receiver, ds, tmp_path)
    assert answer[0] == status
    assert comment in answer[1]
    assert len(receiver.kept()) == (status == Status.SUCCESS)


def test_a_truncated_data_set_is_answered_c0a3(receiver: Running, tmp_path: Path) -> None:
    path = write(ct_slice(), tmp_path / "whole.dcm")
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(path.read_bytes()[:-100])
    (sent,) = send([cut], "LUNGNODE", "127.0.0.1", receiver.port, "TESTER").files
    assert (sent.status, receiver.temporary(), receiver.kept()) == (Status.TRUNCATED, [], [])


def test_a_uid_that_differs_between_command_and_data_set_is_answered_a900(receiver: Running) -> None:
    assert _answer(receiver, store_command("9.9.9"), _encoded(ct_slice())) == Status.DATA_SET_MISMATCH


@pytest.mark.parametrize("noise", [pytest.param(b"\0" * 200, id="zeros"), pytest.param(b"", id="nothing")])
def test_a_data_set_that_is_none_is_answered_c0a0(receiver: Running, noise: bytes) -> None:
    assert _answer(receiver, store_command(), noise) == Status.CANNOT_PARSE


def test_a_store_without_a_data_set_is_answered_c0a0(receiver: Running) -> None:
    with associated(receiver.port) as connection:
        connection.sendall(pdata(store_command(data_set=False), 3))
        assert _status(connection) == Status.CANNOT_PARSE


def test_a_class_that_a_peer_may_not_store_is_answered_0124(start: Callable[..., Running], tmp_path: Path) -> None:
    receiver = start(peers=[{"ae_title": "TESTER", "classes": [MR]}])
    assert status_of(receiver, ct_slice(), tmp_path)[0] == Status.NOT_AUTHORISED
    assert status_of(receiver, ct_slice(SOPClassUID=MR), tmp_path)[0] == Status.SUCCESS


def test_the_association_goes_on_behind_a_refused_instance(receiver: Running, tmp_path: Path) -> None:
    bad, good = write(ct_slice(Rows=5000), tmp_path / "a.dcm"), write(ct_slice(), tmp_path / "b.dcm")
    first, second = send([bad, good], "LUNGNODE", "127.0.0.1", receiver.port, "TESTER").files
    assert (first.status, second.status) == (Status.DATA_SET_MISMATCH, Status.SUCCESS)
    assert len(receiver.journal("opened")) == 1


def test_below_the_hard_mark_associations_are_refused_and_the_line_says_which_setting(
    start: Callable[..., Running],
) -> None:
    receiver = start(disk={"soft_free_gib": 1e6, "hard_free_gib": 1e6})
    done = dcmtk("echoscu", "-aec", "LUNGNODE", "127.0.0.1", receiver.port, check=False)
    assert "Temporary Congestion" in done.stdout + done.stderr
    (line,) = receiver.log("receive.association_refused")
    assert "disk.hard_free_gib" in str(line["setting"])


def test_a_disk_that_fills_up_is_answered_a700_and_leaves_nothing(
    start: Callable[..., Running], tmp_path: Path
) -> None:
    import resource  # noqa: PLC0415

    receiver = start()
    resource.prlimit(receiver.process.pid, resource.RLIMIT_FSIZE, (20_000, 20_000))  # EFBIG instead of ENOSPC
    big = ct_slice(Rows=256, Columns=256, PixelData=bytes(256 * 256 * 2))
    assert status_of(receiver, big, tmp_path)[0] == Status.OUT_OF_RESOURCES
    assert (receiver.kept(), receiver.temporary()) == ([], [])
    assert status_of(receiver, ct_slice(), tmp_path)[0] == Status.SUCCESS


def test_the_doctor_that_asks_whether_we_answer_is_no_warning(start: Callable[..., Running]) -> None:
    receiver = start(peers=[{"ae_title": "ECHOSCU"}])
    for caller in ("LUNGNODE", "NOBODY"):
        assert dcmtk("echoscu", "-aet", caller, "-aec", "LUNGNODE", "127.0.0.1", receiver.port, check=False).returncode
    refused = receiver.log("receive.association_refused")
    assert [line["calling_ae"] for line in refused if line["level"] == "warning"] == ["NOBODY"]


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        pytest.param(["-aet", "NOBODY", "-aec", "LUNGNODE"], 'ae_title = "NOBODY"', id="an unknown caller"),
        pytest.param(["-aet", "ELSEWHERE", "-aec", "LUNGNODE"], "hosts", id="a known caller from another network"),
        pytest.param(["-aet", "ECHOSCU", "-aec", "OTHER"], "receive.also_called", id="another called title"),
    ],
)
def test_a_refused_association_writes_one_line_with_the_setting_that_would_let_it_in(
    start: Callable[..., Running], arguments: list[str], named: str
) -> None:
    receiver = start(peers=[{"ae_title": "ECHOSCU"}, {"ae_title": "ELSEWHERE", "hosts": ["10.1.2.0/24"]}])
    assert dcmtk("echoscu", *arguments, "127.0.0.1", receiver.port, check=False).returncode != 0
    (line,) = receiver.log("receive.association_refused")
    assert named in str(line["setting"])
    assert (line["calling_ae"], line["called_ae"], line["host"]) == (arguments[1], arguments[3], "127.0.0.1")
    assert receiver.log()[1:] == [line]


def test_a_further_called_title_is_accepted_and_kept_with_the_instance(
    start: Callable[..., Running], tmp_path: Path
) -> None:
    receiver = start(also_called=["LUNGS_B"])
    dcmtk("storescu", "-aec", "LUNGS_B", "127.0.0.1", receiver.port, *write_series(tmp_path / "in", 1))
    assert receiver.journal("opened")[0]["called"] == "LUNGS_B"
    assert b"LUNGS_B " in receiver.kept()[0].read_bytes()[:1000]


def test_every_class_and_lossless_syntax_is_accepted_and_explicit_little_endian_is_preferred(receiver: Running) -> None:
    accepted = _accepted(receiver, list(STORAGE)[:60], list(reversed(LOSSLESS)))
    assert set(accepted.values()) == {ExplicitVRLittleEndian}
    for syntax in LOSSLESS:
        assert _accepted(receiver, [CT], [syntax]) == {CT: syntax}


@pytest.mark.parametrize(
    "syntax",
    [
        pytest.param("1.2.840.10008.1.2.2", id="big endian"),
        pytest.param("1.2.840.10008.1.2.1.99", id="deflated"),
        pytest.param("1.2.840.113619.5.2", id="a private one"),
        pytest.param(JPEGBaseline8Bit, id="a lossy one"),
    ],
)
def test_other_syntaxes_are_not_accepted(receiver: Running, syntax: str) -> None:
    assert _accepted(receiver, [CT], [syntax]) == {}


def test_lossy_syntaxes_are_accepted_by_setting(start: Callable[..., Running]) -> None:
    assert _accepted(start(accept_lossy=True), [CT], [JPEGBaseline8Bit]) == {CT: JPEGBaseline8Bit}


def test_the_label_map_class_is_accepted_although_the_library_does_not_list_it(receiver: Running) -> None:
    label_map = "1.2.840.10008.5.1.4.1.1.66.7"
    assert _accepted(receiver, [label_map], [ImplicitVRLittleEndian]) == {label_map: ImplicitVRLittleEndian}


def test_implicit_little_endian_is_kept_as_it_came(receiver: Running, tmp_path: Path) -> None:
    ds = ct_slice()
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    path = tmp_path / "implicit.dcm"
    ds.save_as(path, implicit_vr=True, little_endian=True, enforce_file_format=True)
    (sent,) = send([path], "LUNGNODE", "127.0.0.1", receiver.port, "TESTER").files
    assert sent.status == 0
    assert receiver.kept()[0].read_bytes().endswith(path.read_bytes()[400:])


def _accepted(receiver: Running, classes: list[str], syntaxes: list[str]) -> dict[str, str]:
    ae = AE(ae_title="TESTER")
    contexts = [build_context(one, syntaxes) for one in classes]
    association = ae.associate("127.0.0.1", receiver.port, contexts=contexts, ae_title="LUNGNODE")
    found = {str(c.abstract_syntax): str(c.transfer_syntax[0]) for c in association.accepted_contexts}
    if association.is_established:
        association.release()
    return found


def _encoded(ds: Dataset) -> bytes:
    from pynetdicom.dsutils import encode  # noqa: PLC0415

    del ds.file_meta
    encoded = encode(ds, False, True)
    assert encoded is not None
    return encoded


def _answer(receiver: Running, command: bytes, data_set: bytes) -> int:
    with associated(receiver.port) as connection:
        connection.sendall(pdata(command, 3) + pdata(data_set, 2))
        return _status(connection)


def _status(connection: socket.socket) -> int:
    """Read a C-STORE-RSP and return its status."""
    header = receive_exactly(connection, 6)
    response = receive_exactly(connection, int.from_bytes(header[2:], "big"))
    place = response.index(b"\0\0\0\x09\x02\0\0\0") + 8  # (0000,0900), two bytes
    return int.from_bytes(response[place : place + 2], "little")
