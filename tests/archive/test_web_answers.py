"""What becomes of every answer of a DICOMweb server that is not a plain success."""

import json

import pytest
from pydantic import SecretStr

from node.archive import qido
from node.archive.answers import StudyIdentity
from node.archive.questions import count_series
from node.errors import Misconfigured, WorldUnavailable

JSON = {"Content-Type": "application/dicom+json"}
SERIES = {"0020000E": {"vr": "UI", "Value": ["1.2.3"]}}

FAILURES = {
    "503": ((503, {"Retry-After": "7"}, b""), WorldUnavailable, "ARCHIVE-BUSY"),
    "429": ((429, {}, b""), WorldUnavailable, "ARCHIVE-BUSY"),
    "413": ((413, {}, b""), WorldUnavailable, "ARCHIVE-BROAD"),
    "500": ((500, {}, b""), WorldUnavailable, "ARCHIVE-ANSWER"),
    "401": ((401, {}, b""), Misconfigured, "ARCHIVE-LOGIN"),
    "404": ((404, {}, b""), WorldUnavailable, "ARCHIVE-ANSWER"),
    "406": ((406, {}, b""), WorldUnavailable, "ARCHIVE-ANSWER"),
    "410": ((410, {}, b""), WorldUnavailable, "ARCHIVE-ANSWER"),
    "redirect": ((302, {"Location": "http://127.0.0.1:1/"}, b""), WorldUnavailable, "ARCHIVE-ANSWER"),
    "no JSON": ((200, JSON, b"<html>"), WorldUnavailable, "ARCHIVE-ANSWER"),
    "JSON of another kind": ((200, JSON, b'["x"]'), WorldUnavailable, "ARCHIVE-ANSWER"),
    "cut off": ((200, JSON | {"Content-Length": "99"}, b"[]"), WorldUnavailable, "ARCHIVE-"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_each_failure_has_its_code_and_is_asked_once(name, scripted, web):
    answer, kind, code = FAILURES[name]
    server = scripted(answer)

    with pytest.raises(kind) as caught:
        count_series(web(server.url), "1.2", "1.2.3")

    assert caught.value.code.startswith(code)
    assert len(server.requests) == 1


def test_an_address_that_is_not_dicomwebs_root_is_named_as_the_likely_cause(scripted, web):
    with pytest.raises(WorldUnavailable, match=r"404.*address"):
        qido.identities_of_study(web(scripted((404, {}, b"")).url), "1.2")


def test_the_wait_that_a_busy_server_asks_for_is_handed_on(scripted, web):
    with pytest.raises(WorldUnavailable) as caught:
        count_series(web(scripted((503, {"Retry-After": "7"}, b"")).url), "1.2", "1.2.3")

    assert caught.value.context == {"retry_after_s": 7.0}
    assert caught.value.retryable


def test_nobody_there_is_told_at_once(web):
    with pytest.raises(WorldUnavailable) as caught:
        count_series(web("http://127.0.0.1:9/dicom-web"), "1.2", "1.2.3")

    assert caught.value.code == "ARCHIVE-DOWN"


@pytest.mark.parametrize("answer", [(204, {}, b""), (200, JSON, b"[]")], ids=["204", "empty list"])
def test_no_match_is_no_count(answer, scripted, web):
    endpoint = web(scripted(answer).url)

    assert count_series(endpoint, "1.2", "1.2.3") is None
    assert qido.count_study(endpoint, "1.2") is None
    assert qido.identities_of_study(endpoint, "1.2") == ()
    assert qido.held(endpoint, "1.2", "1.2.3", ["1.2.3.4"]) == frozenset()


def test_an_archive_that_ignores_the_filter_does_not_answer_for_another_series(scripted, web):
    other = {"0020000E": {"vr": "UI", "Value": ["9.9"]}, "00201209": {"vr": "IS", "Value": [30]}}

    assert count_series(web(scripted((200, JSON, json.dumps([other]).encode())).url), "1.2", "1.2.3") is None


def test_the_archives_own_number_is_taken(scripted, web):
    told = SERIES | {"00201209": {"vr": "IS", "Value": [30]}}

    assert count_series(web(scripted((200, JSON, json.dumps([told]).encode())).url), "1.2", "1.2.3") == 30


def test_without_a_number_the_listed_instances_are_counted_page_by_page(scripted, web):
    page = [{"00080018": {"vr": "UI", "Value": [f"1.2.3.{i}"]}} for i in range(5)]
    server = scripted(
        (200, JSON, json.dumps([SERIES]).encode()),
        (200, JSON, json.dumps(page[:3]).encode()),
        (200, JSON, json.dumps(page[3:]).encode()),
        (204, {}, b""),
    )

    assert count_series(web(server.url), "1.2", "1.2.3") == 5
    assert [path.rpartition("offset=")[2] for path, _ in server.requests[2:]] == ["3", "5"]


def test_a_missing_attribute_is_not_an_empty_one(scripted, web):
    told = {
        "0020000D": {"vr": "UI", "Value": ["1.2"]},
        "00100020": {"vr": "LO", "Value": ["7"]},
        "00080050": {"vr": "SH"},
    }

    found = qido.identities_of_study(web(scripted((200, JSON, json.dumps([told, told]).encode())).url), "1.2")

    assert found == (StudyIdentity(patient_id="7", issuer_of_patient_id=None, birth_date=None, accession_number=""),)


def test_a_token_is_sent_and_never_shown(scripted, web):
    server = scripted((204, {}, b""))
    endpoint = web(server.url, token=SecretStr("geheim"))

    count_series(endpoint, "1.2", "1.2.3")

    assert server.requests[0][1]["Authorization"] == "Bearer geheim"
    assert "geheim" not in repr(endpoint)
