"""What is said about a delivery that was given up: its last error, and the setting to look at first."""

from dataclasses import replace

import pytest

from node.deliver.receipt import Outgoing, Receipt, State, credentials_refused
from node.engine.alerts import Alert, alert_of
from node.engine.delivery import broken_off, decide
from node.engine.delivery_file import Delivery, Stage
from node.settings import Destination

HERE = Destination(name="pacs", kind="cstore", ae_title="PACS", host="127.0.0.1", port=104, give_up_after_s=10)
OBJECTS = tuple(Outgoing(kind, None, "1.1", uid, "1.3", "1.2") for kind, uid in (("SEG", "1.8"), ("SR", "1.9")))
REPLAY = "; then lungnode jobs replay aaaaaaaaaaaa --to pacs"


def given_up(*receipts: Receipt, confirmed: tuple[str, ...] = ()) -> Alert:
    """The alert of a delivery whose time is over, with these as the newest answers."""
    tried = Delivery("pacs", attempts=3, confirmed=confirmed).with_receipts(receipts)
    alert = alert_of("a" * 64, decide(tried, OBJECTS, HERE, now_s=100.0, jitter=0.5))
    assert alert is not None
    assert alert.code == "DLV-DEAD"
    return alert


def answer(status: str, state: State = State.RETRYABLE, uid: str = "1.8") -> Receipt:
    return Receipt(uid, state, status, "as they said")


@pytest.mark.parametrize(
    ("status", "setting"),
    [
        ("rejected", "ae_title of destination 'pacs', and receive.ae_title, as which we call"),
        ("0x0124", "ae_title of destination 'pacs', and receive.ae_title, as which we call"),
        ("host-name", "host of destination 'pacs'"),
        ("connect", "url, or host, port and tls, of destination 'pacs'"),
        ("context-refused", "objects of destination 'pacs'"),
        ("HTTP 200 reason 0x0122", "objects of destination 'pacs'"),
        ("aborted", "timeout_s of destination 'pacs'"),
        ("no-answer", "timeout_s of destination 'pacs'"),
        ("not-found", "confirm of destination 'pacs'"),
        ("errno 13", "path of destination 'pacs'"),
        ("commitment 0x0213", "commitment of destination 'pacs'"),
        ("HTTP 404", "url of destination 'pacs'"),
        ("0xA900", "the log of destination 'pacs'"),
        ("HTTP 503", "the log of destination 'pacs'"),
        ("HTTP 202 reason 0xA700", "the log of destination 'pacs'"),
    ],
)
@pytest.mark.parametrize("state", [State.RETRYABLE, State.PERMANENT])
def test_the_next_step_names_the_last_error_and_what_to_look_at(status: str, setting: str, state: State) -> None:
    alert = given_up(answer(status, state), answer(status, state, "1.9"))
    assert alert.next_step == f"last error {status}: see {setting}{REPLAY}"


def test_refused_credentials_lead_to_them_after_the_delivery_was_given_up_too() -> None:
    alert = given_up(credentials_refused("1.8", 403), credentials_refused("1.9", 403))
    assert alert.next_step == f"last error HTTP 403: see username, password or token of destination 'pacs'{REPLAY}"


def test_of_two_errors_the_one_that_a_setting_is_known_to_cause_is_named() -> None:
    alert = given_up(answer("0xA900", State.PERMANENT), answer("context-refused", State.PERMANENT, "1.9"))
    assert alert.next_step.startswith("last error context-refused: see objects of")


def test_what_the_destination_holds_is_no_error() -> None:
    alert = given_up(answer("rejected"), answer("HTTP 404", uid="1.9"), confirmed=("1.8",))
    assert alert.next_step.startswith("last error HTTP 404: ")


def test_what_was_called_stored_and_never_confirmed_leads_to_the_way_of_asking() -> None:
    stored = [answer("0x0000", State.STORED, uid) for uid in ("1.8", "1.9")]
    assert given_up(*stored).next_step == f"last error not confirmed: see confirm of destination 'pacs'{REPLAY}"


@pytest.mark.parametrize(
    ("why", "step"),
    [
        ("TLS-FILES: /x.pem cannot be read", "last error TLS-FILES: see tls_ca, tls_certificate and tls_key of "),
        ("ENG-OUTBOX: a delivery was started", "last error ENG-OUTBOX: see the log of this node; then "),
        ("InvalidDicomError; the log has the details", "last error InvalidDicomError; the log has the details: see "),
    ],
)
def test_an_attempt_that_broke_off_is_not_blamed_on_an_earlier_answer(why: str, step: str) -> None:
    before = Delivery("pacs", attempts=3).with_receipts((answer("rejected"),))
    alert = alert_of("a" * 64, broken_off(before, HERE, why, now_s=100.0, jitter=0.5))
    assert alert is not None
    assert alert.next_step.startswith(step)


def test_a_destination_that_was_renamed_is_looked_for_in_the_settings() -> None:
    gone = Delivery("pacs", stage=Stage.DEAD, why="no such destination in the settings")
    alert = alert_of("a" * 64, gone)
    assert alert is not None
    assert "see [[destinations]]: none is named 'pacs'; then" in alert.next_step
    assert alert_of("a" * 64, replace(gone, stage=Stage.SAFE)) is None
