"""C-STORE: what peers answer, refuse, abort and keep silent about."""

import socket
import threading
from io import BytesIO

import pytest
from pydicom import dcmread
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.sop_class import Verification

from node.deliver.cstore import send
from node.deliver.receipt import State
from node.deliver.send import deliver
from node.deliver.status import classify
from node.settings import Destination

SEG = "1.2.840.10008.5.1.4.1.1.66.4"


def states(receipts: tuple) -> list[State]:
    return [r.state for r in receipts]


def data_set_of(path) -> bytes:
    """The bytes behind the preamble and the file meta group, by its group length (PS3.10 7.1)."""
    raw = path.read_bytes()
    return raw[144 + int.from_bytes(raw[140:144], "little") :]


def test_the_kept_data_set_arrives_byte_by_byte(start_peer, objects) -> None:
    peer = start_peer()
    receipts = send(objects, peer.destination(), calling="NODE")
    assert states(receipts) == [State.STORED] * 2
    assert peer.received == [data_set_of(o.path) for o in objects]


@pytest.mark.parametrize(
    ("status", "state"),
    [
        pytest.param(0x0000, State.STORED, id="success"),
        pytest.param(0xB000, State.STORED, id="coerced"),
        pytest.param(0xB006, State.STORED, id="discarded"),
        pytest.param(0xB007, State.STORED, id="mismatch"),
        pytest.param(0x0111, State.STORED, id="duplicate"),
        pytest.param(0xA700, State.RETRYABLE, id="out of resources"),
        pytest.param(0x0110, State.RETRYABLE, id="processing failure"),
        pytest.param(0xA900, State.PERMANENT, id="does not match its class"),
        pytest.param(0xC000, State.PERMANENT, id="cannot understand"),
        pytest.param(0x0122, State.PERMANENT, id="not supported"),
        pytest.param(0x0124, State.PERMANENT, id="not authorised"),
    ],
)
def test_each_status_has_its_class(status: int, state: State) -> None:
    assert classify(status) is state


def test_every_object_keeps_the_status_that_it_got(start_peer, objects) -> None:
    peer = start_peer(answers=[0xA700, 0xC000])
    receipts = send(objects, peer.destination(), calling="NODE")
    assert [(r.state, r.status) for r in receipts] == [(State.RETRYABLE, "0xA700"), (State.PERMANENT, "0xC000")]


def test_a_class_that_the_peer_refuses_is_final_and_the_other_still_goes(start_peer, objects) -> None:
    peer = start_peer(classes=(SEG,))
    receipts = send(objects, peer.destination(), calling="NODE")
    assert [(r.state, r.status) for r in receipts] == [
        (State.STORED, "0x0000"),
        (State.PERMANENT, "context-refused"),
    ]


def test_a_peer_that_takes_none_of_our_classes_is_final(start_peer, objects) -> None:
    peer = start_peer(classes=())
    assert states(send(objects, peer.destination(), calling="NODE")) == [State.PERMANENT] * 2


def test_an_abort_in_the_middle_leaves_the_rest_for_another_attempt(start_peer, objects) -> None:
    def hang_up(event: evt.Event) -> None:
        event.assoc.abort()

    peer = start_peer(on_store=hang_up)
    receipts = send(objects, peer.destination(), calling="NODE")
    assert states(receipts) == [State.RETRYABLE] * 2


def test_a_peer_that_stalls_costs_a_bounded_time(start_peer, objects) -> None:
    released = threading.Event()

    def stall(_event: evt.Event) -> None:
        released.wait(20)

    peer = start_peer(on_store=stall)
    try:
        receipts = send(objects, peer.destination(timeout_s=0.5), calling="NODE")
    finally:
        released.set()
    assert states(receipts) == [State.RETRYABLE] * 2


def test_nobody_listening_is_tried_again(objects, closed_port: int) -> None:
    peer = Destination(name="p", kind="cstore", ae_title="P", host="127.0.0.1", port=closed_port, timeout_s=2)
    receipts = send(objects, peer, calling="NODE")
    assert [r.status for r in receipts] == ["connect", "connect"]


def test_nagle_is_off_and_acknowledgements_are_quick(start_peer, objects, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: set[int] = set()
    real = socket.socket.setsockopt

    def note(self: socket.socket, level: int, option: int, *value: object) -> None:
        if level == socket.IPPROTO_TCP:
            seen.add(option)
        real(self, level, option, *value)

    monkeypatch.setattr(socket.socket, "setsockopt", note)
    send(objects, start_peer().destination(), calling="NODE")
    assert {socket.TCP_NODELAY, socket.TCP_QUICKACK} <= seen


def test_a_peer_that_takes_no_deflated_segmentation_gets_it_as_it_is(start_peer, objects) -> None:
    peer = start_peer()  # explicit little endian only
    assert states(deliver(objects, peer.destination(deflated_seg=True), calling="NODE")) == [State.STORED] * 2


def test_a_peer_that_is_full_is_not_said_to_reject_us(start_peer, objects) -> None:
    peer = start_peer(most_associations=1)
    other = AE()
    other.add_requested_context(Verification)
    held = other.associate("127.0.0.1", peer.port)
    try:
        receipts = send(objects, peer.destination(), calling="NODE")
    finally:
        held.release()
    assert [(r.state, r.status) for r in receipts] == [(State.RETRYABLE, "busy")] * 2
    assert "AE title" not in receipts[0].text


def test_a_peer_that_takes_the_default_syntax_alone_gets_a_copy_in_it(start_peer, objects) -> None:
    peer = start_peer(syntax=ImplicitVRLittleEndian)
    assert states(deliver(objects, peer.destination(deflated_seg=True), calling="NODE")) == [State.STORED] * 2
    read = [dcmread(BytesIO(raw), force=True) for raw in peer.received]
    assert read == [dcmread(o.path) for o in objects]
    assert sorted(p.name for p in objects[0].path.parent.iterdir()) == ["SEG.dcm", "SR.dcm"]


def test_a_name_without_an_address_is_tried_again_later(objects) -> None:
    nowhere = Destination(name="pacs", kind="cstore", ae_title="PACS", host="pacs.site.invalid", port=104)
    receipts = send(objects, nowhere, calling="NODE")
    assert [(r.state, r.status) for r in receipts] == [(State.RETRYABLE, "host-name")] * 2
    assert "pacs.site.invalid" in receipts[0].text
