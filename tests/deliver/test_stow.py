"""STOW-RS: every kind of answer, read object by object."""

import pytest

from node.deliver.orthanc import send as send_to_orthanc
from node.deliver.receipt import State
from node.deliver.stow import send
from node.settings import Destination


def destination(url: str, **more: object) -> Destination:
    return Destination.model_validate({"name": "web", "kind": "stow", "url": url, "timeout_s": 2.0} | more)


def states(receipts: tuple) -> list[State]:
    return [r.state for r in receipts]


def uids(objects: tuple) -> tuple[str, ...]:
    return tuple(o.sop_instance_uid for o in objects)


def test_all_stored_is_read_from_the_body(scripted, objects, answer_of) -> None:
    scripted.answers = [answer_of(200, stored=uids(objects))]
    receipts = send(objects, destination(scripted.url))
    assert states(receipts) == [State.STORED, State.STORED]
    assert receipts[0].status == "HTTP 200 reason 0x0000"


def test_the_kept_bytes_are_sent_unchanged_with_exact_boundaries(scripted, objects, answer_of) -> None:
    scripted.answers = [answer_of(200, stored=uids(objects))]
    send(objects, destination(scripted.url))
    body = scripted.bodies[0]
    boundary = scripted.request_headers[0]["Content-Type"].split("boundary=")[1].encode()
    parts = body.split(b"--" + boundary)
    assert [p.split(b"\r\n\r\n", 1)[1][:-2] for p in parts[1:3]] == [o.path.read_bytes() for o in objects]
    assert parts[3] == b"--\r\n"


def test_503_is_tried_again_after_the_time_that_was_asked_for(scripted, objects, plain_answer) -> None:
    scripted.answers = [plain_answer(503, headers=(("Retry-After", "7"),))]
    receipts = send(objects, destination(scripted.url))
    assert states(receipts) == [State.RETRYABLE] * 2
    assert receipts[0].retry_after_s == 7.0


@pytest.mark.parametrize("text", ["Wed, 21 Oct 2026 07:28:00 GMT", "²", "-1", ""])
def test_a_retry_after_that_is_no_number_is_ignored(text, scripted, objects, plain_answer) -> None:
    scripted.answers = [plain_answer(503, headers=(("Retry-After", text),))]
    assert send(objects, destination(scripted.url))[0].retry_after_s is None


@pytest.mark.parametrize(
    ("reason", "state"),
    [
        pytest.param(0xA700, State.RETRYABLE, id="out of resources"),
        pytest.param(0x0110, State.RETRYABLE, id="processing failure"),
        pytest.param(0xA900, State.PERMANENT, id="does not match its class"),
        pytest.param(0xC000, State.PERMANENT, id="cannot be understood"),
        pytest.param(0x0122, State.PERMANENT, id="class not supported"),
        pytest.param(0xC122, State.PERMANENT, id="syntax not supported"),
    ],
)
def test_202_names_failures_with_their_reason(scripted, objects, answer_of, reason: int, state: State) -> None:
    seg, sr = uids(objects)
    scripted.answers = [answer_of(202, stored=(sr,), failed={seg: reason})]
    assert states(send(objects, destination(scripted.url))) == [state, State.STORED]


def test_an_object_that_200_does_not_mention_is_not_taken_to_be_stored(scripted, objects, answer_of) -> None:
    scripted.answers = [answer_of(200, stored=uids(objects)[:1])]
    assert states(send(objects, destination(scripted.url))) == [State.STORED, State.RETRYABLE]


def test_409_without_a_body_is_final(scripted, objects, plain_answer) -> None:
    scripted.answers = [plain_answer(409)]
    assert states(send(objects, destination(scripted.url))) == [State.PERMANENT] * 2


def test_409_with_a_reason_that_passes_is_tried_again(scripted, objects, answer_of) -> None:
    scripted.answers = [answer_of(409, failed=dict.fromkeys(uids(objects), 0xA700))]
    assert states(send(objects, destination(scripted.url))) == [State.RETRYABLE] * 2


@pytest.mark.parametrize("code", [400, 413, 415])
def test_a_request_that_is_refused_is_final(scripted, objects, plain_answer, code: int) -> None:
    scripted.answers = [plain_answer(code)]
    assert states(send(objects, destination(scripted.url))) == [State.PERMANENT] * 2


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"00081199": 3}'])
def test_a_202_whose_body_says_nothing_is_tried_again(scripted, objects, plain_answer, body: bytes) -> None:
    scripted.answers = [plain_answer(202, body, (("Content-Type", "application/dicom+json"),))]
    assert states(send(objects, destination(scripted.url))) == [State.RETRYABLE] * 2


def test_a_200_in_xml_counts_as_stored_until_it_is_asked_back(scripted, objects, plain_answer) -> None:
    scripted.answers = [plain_answer(200, b"<NativeDicomModel/>", (("Content-Type", "application/dicom+xml"),))]
    assert states(send(objects, destination(scripted.url))) == [State.STORED] * 2


def test_a_dropped_connection_is_tried_again(scripted, objects, plain_answer) -> None:
    scripted.answers = [plain_answer(None)]
    receipts = send(objects, destination(scripted.url))
    assert [r.status for r in receipts] == ["connect", "connect"]


def test_nobody_listening_is_tried_again(objects, closed_port: int) -> None:
    assert states(send(objects, destination(f"http://127.0.0.1:{closed_port}"))) == [State.RETRYABLE] * 2


def test_a_server_that_never_answers_costs_a_bounded_time(objects, silent_port: int) -> None:
    receipts = send(objects, destination(f"http://127.0.0.1:{silent_port}", timeout_s=0.2))
    assert receipts[0].text == "no answer: ReadTimeout"


def test_a_bearer_token_is_sent_and_a_redirect_is_not_followed_with_it(scripted, objects, plain_answer) -> None:
    scripted.answers = [plain_answer(307, headers=(("Location", "http://elsewhere.invalid/studies"),))]
    receipts = send(objects, destination(scripted.url, token="t0ken"))
    assert scripted.request_headers[0]["Authorization"] == "Bearer t0ken"
    assert states(receipts) == [State.PERMANENT] * 2


def test_no_receipt_quotes_the_patient(scripted, objects, plain_answer) -> None:
    scripted.answers = [plain_answer(400, b"Marker^Patient is not welcome")]
    assert "Marker" not in str(send(objects, destination(scripted.url)))


@pytest.mark.parametrize("code", [401, 403])
def test_refused_credentials_are_named_and_the_bytes_are_kept(scripted, objects, plain_answer, code: int) -> None:
    scripted.answers = [plain_answer(code)]
    receipts = send(objects, destination(scripted.url))
    assert states(receipts) == [State.RETRYABLE] * 2
    assert "check username, password or token" in receipts[0].text
    assert receipts[0].unauthorised


def test_orthanc_too_names_refused_credentials(scripted, objects, plain_answer) -> None:
    scripted.answers = [plain_answer(401), plain_answer(403)]
    there = Destination.model_validate({"name": "o", "kind": "orthanc", "url": scripted.url})
    assert [(r.state, r.unauthorised) for r in send_to_orthanc(objects, there)] == [(State.RETRYABLE, True)] * 2
