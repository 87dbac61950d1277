"""Storage commitment as SCP: only what the archive holds is committed, and only peers that may ask are heard."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, evt
from pynetdicom.presentation import build_context

from node.application_entity import keep_answers
from node.receive.classes import STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE
from node.receive.commitment import nothing_is_held
from node.receive.serving import Receiver, open_ports
from node.receive.status import Status
from node.settings import Disk, Receive
from tests.receive.conftest import CT

HELD = "1.2.3.1"
NO_MARKS = Disk(soft_free_gib=0, hard_free_gib=0)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[int]:
    """A receiver whose archive holds one instance; the port is what a test needs of it."""
    settings = Receive(port=0, peers=[{"ae_title": "ASKER", "storage_commitment": True}, {"ae_title": "OTHER"}])
    ports = open_ports(settings)
    with Receiver(settings, NO_MARKS, tmp_path, ports, archive_holds=lambda uids: frozenset(uids) & frozenset({HELD})):
        yield ports.plain_port


class Asker:
    """A peer that asks for commitment and waits for the report."""

    def __init__(self) -> None:
        self.ae = AE(ae_title="ASKER")
        self.reported = threading.Event()
        self.report = Dataset()
        self.kind = 0

    def on_report(self, event: evt.Event) -> tuple[int, None]:
        """Keep the report."""
        self.report, self.kind = event.event_information, event.event_type
        self.reported.set()
        return 0x0000, None

    def ask(self, port: int, *sops: str, wait: bool = True) -> int:
        """Ask on one association and keep it open until the report has come."""
        association = self.ae.associate(
            "127.0.0.1", port, ae_title="LUNGNODE", contexts=[build_context(STORAGE_COMMITMENT)],
            evt_handlers=[(evt.EVT_N_EVENT_REPORT, self.on_report)],
        )  # fmt: skip
        assert association.is_established
        keep_answers(association)
        status, _ = association.send_n_action(request(*sops), 1, STORAGE_COMMITMENT, STORAGE_COMMITMENT_INSTANCE)
        if wait:
            assert self.reported.wait(15)
        association.release()
        return int(status.Status)


def request(*sops: str) -> Dataset:
    """Encode an N-ACTION's information."""
    ds = Dataset()
    ds.TransactionUID = "1.2.3.99"
    ds.ReferencedSOPSequence = []
    for sop in sops:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CT, sop
        ds.ReferencedSOPSequence.append(item)
    return ds


def test_what_the_archive_holds_is_committed(node: int) -> None:
    asker = Asker()
    assert asker.ask(node, HELD) == 0x0000
    assert (asker.kind, asker.report.TransactionUID) == (1, "1.2.3.99")
    assert [item.ReferencedSOPInstanceUID for item in asker.report.ReferencedSOPSequence] == [HELD]


def test_what_the_archive_does_not_hold_fails_with_0112(node: int) -> None:
    asker = Asker()
    asker.ask(node, HELD, "1.2.3.2")
    (failed,) = asker.report.FailedSOPSequence
    assert (asker.kind, failed.ReferencedSOPInstanceUID, failed.FailureReason) == (2, "1.2.3.2", Status.NO_SUCH_OBJECT)


def test_without_an_archive_nothing_is_committed() -> None:
    assert nothing_is_held([HELD]) == frozenset()


def test_a_request_that_names_nothing_is_refused(node: int) -> None:
    assert Asker().ask(node, wait=False) == Status.INVALID_ARGUMENT


def test_a_request_is_in_the_journal_as_the_announced_instances(node: int, tmp_path: Path) -> None:
    Asker().ask(node, HELD, "1.2.3.2")
    written = (tmp_path / "spool/journal/receive-0.0.jsonl").read_text()
    assert '"sops":["1.2.3.1","1.2.3.2"]' in written


def test_a_peer_that_may_not_ask_is_not_offered_the_class(node: int) -> None:
    ae = AE(ae_title="OTHER")
    association = ae.associate(
        "127.0.0.1", node, ae_title="LUNGNODE",
        contexts=[build_context(STORAGE_COMMITMENT), build_context("1.2.840.10008.1.1")],
    )  # fmt: skip
    accepted = [context.abstract_syntax for context in association.accepted_contexts]
    association.release()
    assert accepted == ["1.2.840.10008.1.1"]


def test_a_peer_that_may_answer_us_may_not_ask_for_that(tmp_path: Path) -> None:
    settings = Receive(port=0, peers=[{"ae_title": "ASKER"}])
    ports = open_ports(settings)
    let_in = {"archive_holds": frozenset, "answers_from": frozenset(("ASKER",))}
    with Receiver(settings, NO_MARKS, tmp_path, ports, **let_in):
        assert Asker().ask(ports.plain_port, HELD, wait=False) == Status.NOT_AUTHORISED
    assert '"sops"' not in (tmp_path / "spool/journal/receive-0.0.jsonl").read_text()


def test_the_report_goes_to_the_peers_own_listener_where_a_setting_names_it(tmp_path: Path) -> None:
    asker = Asker()
    asker.ae.add_supported_context(STORAGE_COMMITMENT, scu_role=False, scp_role=True)
    listener = asker.ae.start_server(
        ("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, asker.on_report)]
    )
    peer = {"ae_title": "ASKER", "storage_commitment": True, "commitment_port": listener.server_address[1]}
    settings = Receive(port=0, peers=[peer])
    ports = open_ports(settings)
    try:
        with Receiver(settings, NO_MARKS, tmp_path, ports, archive_holds=frozenset):
            asker.ask(ports.plain_port, HELD, wait=False)
            assert asker.reported.wait(20)
    finally:
        listener.shutdown()
    assert asker.kind == 1
