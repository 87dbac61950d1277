"""What stops a receiver from starting is said with the setting that is at fault."""

import errno
import json
import os
import shutil
from pathlib import Path

import pytest
import structlog
from pynetdicom import AE
from pynetdicom.sop_class import Verification

from node.errors import Misconfigured, NotYetThere
from node.log_frames import without_message
from node.receive.allow import Refused, judge
from node.receive.commitment import nothing_is_held
from node.receive.no_port import no_port
from node.receive.reception import Tally
from node.receive.serving import Receiver, open_ports
from node.receive.status import Status
from node.settings import Disk, Peer, Receive
from node.store.disk import marks
from node.store.layout import Layout
from tests.receive.conftest import ct_slice


def test_a_taken_port_is_worth_another_try_and_names_the_setting() -> None:
    ports = open_ports(Receive(port=0))
    try:
        with pytest.raises(NotYetThere, match=r"receive\.port") as caught:
            open_ports(Receive(port=ports.plain_port))
    finally:
        ports.close()
    assert caught.value.code == "CFG-PORT"


def test_an_address_that_no_interface_has_yet_is_worth_another_try() -> None:
    with pytest.raises(NotYetThere) as caught:
        open_ports(Receive(host="192.0.2.1", port=0))
    assert (caught.value.code, caught.value.exit_code) == ("CFG-PORT", 75)


def test_a_port_that_may_not_be_used_needs_a_person() -> None:
    assert no_port(PermissionError(errno.EACCES, "Permission denied"), "").exit_code == 5


def test_a_tls_port_without_certificates_does_not_start(tmp_path: Path) -> None:
    settings = Receive(port=0, tls_port=0)
    ports = open_ports(settings)
    try:
        with pytest.raises(Misconfigured) as caught:
            Receiver(settings, Disk(), tmp_path, ports, archive_holds=nothing_is_held)
    finally:
        ports.close()
    assert caught.value.code == "CFG-TLS"


@pytest.mark.parametrize(
    ("host", "lets_in"),
    [("10.1.2.3", True), ("10.1.3.3", False), ("::ffff:10.1.2.3", True), ("fe80::1%eth0", True), ("fe81::1", False)],
)
def test_a_peers_networks_hold_for_both_families(host: str, lets_in: bool) -> None:
    settings = Receive(peers=(Peer(ae_title="CT1", hosts=("10.1.2.0/24", "fe80::/64")),))
    assert isinstance(judge(settings, "CT1", "LUNGNODE", host), Peer) is lets_in


def test_one_title_may_call_from_two_places() -> None:
    settings = Receive(peers=(Peer(ae_title="CT1", hosts=("10.1.1.1",)), Peer(ae_title="CT1", hosts=("10.1.1.2",))))
    assert not isinstance(judge(settings, "CT1", "LUNGNODE", "10.1.1.2"), Refused)


def test_the_tally_counts_over_all_processes() -> None:
    tally = Tally(3)
    tally.set(0, 2)
    tally.set(2, 5)
    assert tally.total() == 7


def test_a_disk_that_falls_below_the_hard_mark_is_answered_a700_on_an_open_association(tmp_path: Path) -> None:
    settings = Receive(port=0, peers=(Peer(ae_title="TESTER"),))
    ports = open_ports(settings)
    ds = ct_slice()
    no_marks = Disk(soft_free_gib=0, hard_free_gib=0)
    with Receiver(settings, no_marks, tmp_path, ports, archive_holds=nothing_is_held) as one:
        ae = AE(ae_title="TESTER")
        ae.add_requested_context(ds.SOPClassUID, ds.file_meta.TransferSyntaxUID)
        association = ae.associate("127.0.0.1", ports.plain_port, ae_title="LUNGNODE")
        one.reception.marks = marks(0, 1e9)
        full = association.send_c_store(ds)
        one.reception.marks = marks(0, 0)
        again = association.send_c_store(ds)
        association.release()
    assert (full.Status, full.ErrorComment, again.Status) == (Status.OUT_OF_RESOURCES, "the disk is below its mark", 0)


@pytest.mark.parametrize("other", [False, True], ids=["nothing", "another one"])
def test_a_data_folder_that_is_away_is_refused_for_now_and_nothing_is_kept_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, other: bool
) -> None:
    settings = Receive(port=0, peers=(Peer(ae_title="TESTER"),))
    ports = open_ports(settings)
    ds = ct_slice()
    data_dir, away = tmp_path / "data", tmp_path / "away"
    logged: list[str] = []
    monkeypatch.setattr("node.receive.association._log", logger_into(logged))
    with Receiver(settings, Disk(soft_free_gib=0, hard_free_gib=0), data_dir, ports, archive_holds=nothing_is_held):
        ae = AE(ae_title="TESTER")
        ae.add_requested_context(ds.SOPClassUID, ds.file_meta.TransferSyntaxUID)
        association = ae.associate("127.0.0.1", ports.plain_port, ae_title="LUNGNODE")
        data_dir.rename(away)
        if other:
            Layout(data_dir).create()
        refused = association.send_c_store(ds)
        new = ae.associate("127.0.0.1", ports.plain_port, ae_title="LUNGNODE")
        kept = [path for path in (data_dir / "spool").rglob("*") if path.is_file()]
        shutil.rmtree(data_dir, ignore_errors=True)
        away.rename(data_dir)
        again = association.send_c_store(ds)
        association.release()
    assert (refused.Status, again.Status) == (Status.OUT_OF_RESOURCES, 0)
    assert (new.is_rejected, new.acceptor.primitive.result, kept) == (True, 2, [])
    assert len([line for line in logged if "data_dir: its disk, mount and rights" in line]) == 1


def test_a_spool_that_cannot_be_written_refuses_for_now_and_takes_no_association_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Receive(port=0, peers=(Peer(ae_title="TESTER"),), maximum_associations=1)
    ports = open_ports(settings)

    def read_only(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    logged: list[str] = []
    monkeypatch.setattr("node.receive.association._log", logger_into(logged))
    with Receiver(settings, Disk(soft_free_gib=0, hard_free_gib=0), tmp_path, ports, archive_holds=nothing_is_held):
        ae = AE(ae_title="TESTER")
        ae.add_requested_context(Verification)
        with monkeypatch.context() as patch:
            patch.setattr("node.store.journal.Journal.write", read_only)
            for _ in range(2):
                refused = ae.associate("127.0.0.1", ports.plain_port, ae_title="LUNGNODE")
                assert (refused.is_rejected, refused.acceptor.primitive.result) == (True, 2)
        again = ae.associate("127.0.0.1", ports.plain_port, ae_title="LUNGNODE")
        assert again.is_established
        again.release()
    assert len([line for line in logged if "cannot be written (Read-only file system)" in line]) == 2


def test_a_failure_of_our_own_is_answered_0110_and_the_association_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Receive(port=0, peers=(Peer(ae_title="TESTER"),))
    ports = open_ports(settings)
    ds = ct_slice()

    def fail(*_: object) -> None:
        raise ZeroDivisionError("Marker^Patient in a library's message")

    logged: list[str] = []
    monkeypatch.setattr("node.receive.stream._log", logger_into(logged))
    with Receiver(settings, Disk(soft_free_gib=0, hard_free_gib=0), tmp_path, ports, archive_holds=nothing_is_held):
        ae = AE(ae_title="TESTER")
        ae.add_requested_context(ds.SOPClassUID, ds.file_meta.TransferSyntaxUID)
        association = ae.associate("127.0.0.1", ports.plain_port, ae_title="LUNGNODE")
        with monkeypatch.context() as patch:
            patch.setattr("node.receive.storing.accept_file", fail)
            failed = association.send_c_store(ds)
        again = association.send_c_store(ds)
        association.release()
    assert (failed.Status, again.Status) == (Status.PROCESSING_FAILURE, 0)
    assert failed.ErrorComment.startswith("incident ")
    (line,) = [line for line in logged if "receive.store_failed" in line]
    assert "ZeroDivisionError" in line
    assert "test_serving.py" in line
    assert "Marker" not in line


def logger_into(lines: list[str]) -> structlog.typing.BindableLogger:
    """Make a logger that renders as the command line sets it up."""

    def keep(_logger: object, _method: str, event: dict) -> str:
        lines.append(json.dumps(event, default=str))
        raise structlog.DropEvent

    return structlog.wrap_logger(None, processors=[without_message, keep])
