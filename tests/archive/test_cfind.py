"""What becomes of every answer of a DIMSE peer that is not a plain success."""

import socket
import threading
import time
from dataclasses import replace

import pytest
from pynetdicom import AE, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind, Verification

from node.archive import cfind
from node.archive.endpoint import DimseEndpoint
from node.errors import Misconfigured, WorldUnavailable


@pytest.fixture
def peer():
    """Start an application entity whose C-FIND answers as given."""
    servers = []

    def start(handle, service=StudyRootQueryRetrieveInformationModelFind, called=False, most=5):
        entity = AE(ae_title="PEER")
        entity.add_supported_context(service)
        entity.require_called_aet, entity.maximum_associations = called, most
        server = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_FIND, handle)])
        servers.append(server)
        return DimseEndpoint("PEER", "127.0.0.1", server.server_address[1], "LUNGNODE", 5.0)

    yield start
    for server in servers:
        server.shutdown()


def failing(event):
    yield 0xA700, None


def aborting(event):
    event.assoc.abort()
    yield 0xFF00, event.identifier


def leaving(event):
    event.identifier.SeriesInstanceUID = "1.2.3"
    yield 0xFF00, event.identifier
    threading.Timer(0.2, event.assoc.abort).start()


def endless(event):
    answer = event.identifier
    for number in range(cfind._MOST_ANSWERS + 2):
        answer.SOPInstanceUID = f"1.2.{number}"
        yield 0xFF00, answer


@pytest.mark.parametrize(
    ("handle", "code"), [(failing, "ARCHIVE-ANSWER"), (aborting, "ARCHIVE-DOWN")], ids=["failure", "abort"]
)
def test_a_search_that_ends_badly_is_no_empty_answer(handle, code, peer):
    with pytest.raises(WorldUnavailable) as caught:
        cfind.count_series(peer(handle), "1.2", "1.2.3")

    assert caught.value.code == code


def test_a_peer_that_leaves_between_two_questions_is_away(peer):
    def uids():
        yield "1.2.3.1"
        time.sleep(1.0)
        yield "1.2.3.2"

    with pytest.raises(WorldUnavailable) as caught:
        cfind.held(peer(leaving), "1.2", "1.2.3", uids())

    assert caught.value.code == "ARCHIVE-DOWN"


def test_an_answer_that_cannot_be_read_is_told(peer):
    with (
        pytest.raises(WorldUnavailable) as caught,
        cfind.opened(peer(failing), StudyRootQueryRetrieveInformationModelFind),
    ):
        raise ValueError("as pydicom does of a damaged value")

    assert caught.value.code == "ARCHIVE-ANSWER"


def test_a_peer_that_does_not_search_is_a_matter_of_settings(peer):
    with pytest.raises(Misconfigured) as caught:
        cfind.count_series(peer(failing, service=Verification), "1.2", "1.2.3")

    assert caught.value.code == "ARCHIVE-REFUSED"


def test_a_peer_that_wants_another_title_is_a_matter_of_settings(peer):
    endpoint = peer(failing, called=True)
    wrong = DimseEndpoint("OTHER", endpoint.host, endpoint.port, "LUNGNODE", 5.0)

    with pytest.raises(Misconfigured, match=r"OTHER@127\.0\.0\.1"):
        cfind.count_series(wrong, "1.2", "1.2.3")


def test_a_peer_that_is_full_is_asked_again_later(peer):
    endpoint = peer(failing, most=1)
    holder = AE()
    holder.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
    association = holder.associate(endpoint.host, endpoint.port)

    with pytest.raises(WorldUnavailable) as caught:
        cfind.count_series(endpoint, "1.2", "1.2.3")

    association.release()
    assert caught.value.code == "ARCHIVE-BUSY"


def test_nobody_there_is_told():
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        endpoint = DimseEndpoint("PEER", "127.0.0.1", unheard.getsockname()[1], "LUNGNODE", 5.0)

        with pytest.raises(WorldUnavailable) as caught:
            cfind.count_study(endpoint, "1.2")

    assert caught.value.code == "ARCHIVE-DOWN"


def test_no_answer_goes_to_the_librarys_own_reactor(peer):
    with cfind.opened(peer(failing), StudyRootQueryRetrieveInformationModelFind) as association:
        association.dimse.msg_queue.put((1, "an answer"))
        assert association.dimse.get_msg(block=False) == (None, None)
        assert association.dimse.get_msg(block=True) == (1, "an answer")


def test_answers_are_bounded(peer, monkeypatch):
    monkeypatch.setattr(cfind, "_MOST_ANSWERS", 5)

    with pytest.raises(WorldUnavailable, match="more than 5 answers"):
        cfind.count_series(peer(endless), "1.2", "1.2.3")


def test_an_archive_whose_name_has_no_address_is_away():
    endpoint = DimseEndpoint("PEER", "pacs.site.invalid", 104, "LUNGNODE", 5.0)

    with pytest.raises(WorldUnavailable) as caught:
        cfind.count_study(endpoint, "1.2")

    assert caught.value.code == "ARCHIVE-DOWN"
    assert "pacs.site.invalid" in caught.value.message


def test_answers_that_trickle_end_at_the_limit(peer):
    def trickling(event):
        for number in range(200):
            event.identifier.SOPInstanceUID = f"1.2.{number}"
            yield 0xFF00, event.identifier
            time.sleep(0.3)

    with pytest.raises(WorldUnavailable) as caught:
        cfind.count_series(replace(peer(trickling), timeout_s=1.0), "1.2", "1.2.3")

    assert caught.value.code == "ARCHIVE-SLOW"
