"""Who we say that we are, on every association: the implementation of the conformance statement."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom import dcmread
from pynetdicom import AE, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind, Verification

from node.archive.cfind import opened
from node.archive.endpoint import DimseEndpoint
from node.deliver.association import open_association
from node.harness.send import send
from node.phantom.study import StudyPlan, write_study
from node.receive.commitment import nothing_is_held
from node.receive.serving import Receiver, open_ports
from node.report.conformance import conformance_statement
from node.settings import Destination, Disk, Receive, Settings
from node.store.part10 import FileMeta, encode_meta

NODE = Path(__file__).resolve().parents[2] / "node"
IMPLICIT = "1.2.840.10008.1.2"
Seen = tuple[str, str]


@pytest.fixture
def stated() -> Seen:
    statement = conformance_statement(Settings())
    uid, name = (
        re.findall(rf"\| Implementation {what} \| (.+) \|", statement) for what in ("Class UID", "Version Name")
    )
    return uid[0], name[0]


@pytest.fixture
def peer() -> Iterator[tuple[int, list[Seen]]]:
    """A peer, and how those who called it named their implementation."""
    seen: list[Seen] = []

    def note(event: evt.Event) -> None:
        caller = event.assoc.requestor
        seen.append((str(caller.implementation_class_uid), str(caller.implementation_version_name)))

    entity = AE(ae_title="PEER")
    for service in (Verification, StudyRootQueryRetrieveInformationModelFind):
        entity.add_supported_context(service)
    server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_REQUESTED, note)])
    yield server.server_address[1], seen
    server.shutdown()


def ask_an_archive(port: int, _: Path) -> None:
    with opened(DimseEndpoint("PEER", "127.0.0.1", port, "US", 5.0), StudyRootQueryRetrieveInformationModelFind):
        pass


def deliver(port: int, _: Path) -> None:
    destination = Destination(name="p", kind="cstore", ae_title="PEER", host="127.0.0.1", port=port)
    with open_association(destination, [(Verification, IMPLICIT)], calling="US"):
        pass


def send_a_folder(port: int, folder: Path) -> None:
    write_study(folder, StudyPlan(n_slices=1, size=32))
    send([folder], "PEER", "127.0.0.1", port, "US")


@pytest.mark.parametrize("call", [ask_an_archive, deliver, send_a_folder])
def test_a_peer_that_we_call_sees_what_the_statement_says(
    call: Callable[[int, Path], None], peer: tuple[int, list[Seen]], stated: Seen, tmp_path: Path
) -> None:
    port, seen = peer
    call(port, tmp_path)
    assert set(seen) == {stated}


def test_a_peer_that_calls_us_sees_what_the_statement_says(stated: Seen, tmp_path: Path) -> None:
    settings = Receive(port=0, peers=[{"ae_title": "PEER"}])
    ports = open_ports(settings)
    caller = AE(ae_title="PEER")
    caller.add_requested_context(Verification)
    with Receiver(settings, Disk(soft_free_gib=0, hard_free_gib=0), tmp_path, ports, archive_holds=nothing_is_held):
        association = caller.associate("127.0.0.1", ports.plain_port, ae_title="LUNGNODE")
        told = association.acceptor
        association.release()
    assert (str(told.implementation_class_uid), str(told.implementation_version_name)) == stated


def test_the_spool_says_what_the_statement_says(stated: Seen, tmp_path: Path) -> None:
    file = tmp_path / "1.dcm"
    file.write_bytes(encode_meta(FileMeta("1.2", "1.2.3", IMPLICIT, "A", "B")))
    meta = dcmread(file).file_meta
    assert (meta.ImplementationClassUID, meta.ImplementationVersionName) == stated


def test_no_entity_is_made_elsewhere() -> None:
    """An entity of pynetdicom's own names pynetdicom."""
    makers = {
        path.relative_to(NODE).as_posix()
        for path in NODE.rglob("*.py")
        if re.search(r"\bAE\(|\(AE\)|import .*\bAE\b", path.read_text())
    }
    assert makers == {"application_entity.py"}
