"""What is used of pynetdicom's inner parts: a new version that changes one fails here, and not on Saturday."""

import inspect
import queue
from importlib.metadata import version

import pytest
from pynetdicom import AE
from pynetdicom._globals import MODE_ACCEPTOR
from pynetdicom.acse import ACSE
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dul import DULServiceProvider
from pynetdicom.fsm import TRANSITION_TABLE
from pynetdicom.transport import RequestHandler, ThreadedAssociationServer

USED_OF_DUL = (
    "event_queue", "to_provider_queue", "to_user_queue", "_recv_pdu", "_idle_timer", "artim_timer", "state_machine",
    "_kill_thread", "_run_loop_delay", "socket",
)  # fmt: skip
OVERRIDDEN = [
    (DULServiceProvider, "run_reactor"), (DULServiceProvider, "send_pdu"), (DULServiceProvider, "kill_dul"),
    (DULServiceProvider, "stop_dul"), (DULServiceProvider, "_is_transport_event"),
    (DULServiceProvider, "_read_pdu_data"), (DULServiceProvider, "_decode_pdu"), (Association, "run_reactor"),
    (ACSE, "_negotiate_as_acceptor"), (DIMSEServiceProvider, "get_msg"), (DIMSEServiceProvider, "send_msg"),
    (DIMSEServiceProvider, "receive_primitive"), (RequestHandler, "_create_association"),
    (ThreadedAssociationServer, "get_request"), (ThreadedAssociationServer, "finish_request"),
]  # fmt: skip


@pytest.fixture
def association() -> Association:
    """An acceptor's association that nobody called."""
    return Association(AE(), MODE_ACCEPTOR)


def test_the_version_is_the_one_that_was_read() -> None:
    assert version("pynetdicom") == "3.0.4"


@pytest.mark.parametrize("name", USED_OF_DUL)
def test_the_dul_still_has(association: Association, name: str) -> None:
    assert hasattr(association.dul, name)


@pytest.mark.parametrize(("owner", "name"), OVERRIDDEN, ids=lambda value: getattr(value, "__name__", value))
def test_what_is_overridden_still_exists(owner: type, name: str) -> None:
    assert callable(getattr(owner, name))


def test_the_reactor_still_asks_for_transport_events_and_sleeps_by_its_own_delay() -> None:
    source = inspect.getsource(DULServiceProvider.run_reactor)
    assert "self._is_transport_event()" in source
    assert "time.sleep(self._run_loop_delay)" in source


def test_the_association_still_looks_for_messages_without_blocking_and_ignores_none() -> None:
    source = inspect.getsource(Association._run_reactor)
    assert "self.dimse.get_msg(block=False)" in source
    assert "if msg:" in source


def test_a_lost_connection_and_an_invalid_pdu_are_still_events_17_and_19_when_established() -> None:
    assert (TRANSITION_TABLE[("Evt17", "Sta6")], TRANSITION_TABLE[("Evt19", "Sta6")]) == ("AA-4", "AA-8")


def test_the_queues_are_plain_queues(association: Association) -> None:
    assert isinstance(association.dul.to_user_queue, queue.Queue)
    assert isinstance(association.dimse.msg_queue, queue.Queue)


def test_the_accepted_contexts_are_found_by_their_id(association: Association) -> None:
    assert association._accepted_cx == {}
