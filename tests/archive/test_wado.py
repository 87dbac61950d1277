"""Whole instances by WADO-RS: the archive's own bytes, all of them or none."""

import io
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.archive.multipart import Malformed, boundary_of, write_parts
from node.archive.wado import retrieve_series
from node.errors import InputRefused, WorldUnavailable

MULTIPART = {"Content-Type": 'multipart/related; type="application/dicom"; boundary="b-1"'}
DICOM = bytes(128) + b"DICM" + b"rest"


def message(*parts: bytes, boundary: bytes = b"b-1", closing: bytes = b"--\r\n") -> bytes:
    head = b"\r\nContent-Type: application/dicom\r\n\r\n"
    return b"".join(b"--" + boundary + head + part + b"\r\n" for part in parts) + b"--" + boundary + closing


@pytest.mark.orthanc
def test_a_series_comes_back_byte_for_byte_in_the_syntax_in_which_it_is_stored(holding, tmp_path):
    paths = retrieve_series(holding.web, holding.study_uid, holding.series_uid, tmp_path / "out")

    assert sorted(path.read_bytes() for path in paths) == sorted(holding.files)


@pytest.mark.orthanc
def test_what_the_archive_does_not_have_is_gone_and_leaves_nothing(holding, tmp_path):
    with pytest.raises((InputRefused, WorldUnavailable)) as caught:
        retrieve_series(holding.web, holding.study_uid, "1.2.3", tmp_path / "out")

    assert caught.value.code in {"ARCHIVE-GONE", "ARCHIVE-ANSWER"}
    assert list(tmp_path.iterdir()) == []


FAILURES = {
    "206": ((206, MULTIPART, message(DICOM)), "ARCHIVE-PARTIAL"),
    "503": ((503, {}, b""), "ARCHIVE-BUSY"),
    "404": ((404, {}, b""), "ARCHIVE-GONE"),
    "413": ((413, {}, b""), "ARCHIVE-BROAD"),
    "204": ((204, {}, b""), "ARCHIVE-ANSWER"),
    "302": ((302, {"Location": "http://127.0.0.1:1/"}, b""), "ARCHIVE-ANSWER"),
    "no multipart": ((200, {"Content-Type": "application/dicom"}, DICOM), "ARCHIVE-ANSWER"),
    "no closing boundary": ((200, MULTIPART, message(DICOM, closing=b"")), "ARCHIVE-ANSWER"),
    "no part": ((200, MULTIPART, message()), "ARCHIVE-ANSWER"),
    "no DICOM": ((200, MULTIPART, message(DICOM, b"<html>")), "ARCHIVE-ANSWER"),
    "connection lost": ((200, MULTIPART | {"Content-Length": "9999"}, message(DICOM)[:-9]), "ARCHIVE-"),
}


@pytest.mark.parametrize("name", FAILURES)
def test_all_instances_come_or_none(name, scripted, web, tmp_path):
    answer, code = FAILURES[name]

    with pytest.raises((InputRefused, WorldUnavailable)) as caught:
        retrieve_series(web(scripted(answer).url), "1.2", "1.2.3", tmp_path / "out")

    assert caught.value.code.startswith(code)
    assert list(tmp_path.iterdir()) == []


def test_the_archive_is_never_asked_to_transcode(scripted, web, tmp_path):
    server = scripted((200, MULTIPART, message(DICOM, DICOM)))

    paths = retrieve_series(web(server.url), "1.2", "1.2.3", tmp_path / "out")

    assert [path.name for path in paths] == ["000001.dcm", "000002.dcm"]
    path, headers = server.requests[0]
    assert path == "/dicom-web/studies/1.2/series/1.2.3"
    assert headers["Accept"] == 'multipart/related; type="application/dicom"; transfer-syntax=*'


def test_the_rest_of_a_killed_fetch_is_no_obstacle(scripted, web, tmp_path):
    (tmp_path / ".out.part").mkdir()
    (tmp_path / ".out.part" / "000001.dcm").write_bytes(b"old")

    (path,) = retrieve_series(web(scripted((200, MULTIPART, message(DICOM))).url), "1.2", "1.2.3", tmp_path / "out")

    assert path.read_bytes() == DICOM


class Kept(io.BytesIO):
    """Remembers its content when it is closed."""

    def __init__(self, into: list[bytes]) -> None:
        super().__init__()
        self._into = into

    def close(self) -> None:
        self._into.append(self.getvalue())
        super().close()


def read(body: bytes, cuts: list[int], boundary: bytes = b"b-1") -> list[bytes]:
    ends = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    kept: list[bytes] = []
    write_parts((body[a:b] for a, b in pairwise(ends)), boundary, lambda: Kept(kept))
    return kept


@given(
    parts=st.lists(st.binary().filter(lambda part: b"--b-1" not in part), max_size=4),
    cuts=st.lists(st.integers(0, 10_000), max_size=12),
)
def test_parts_are_the_same_wherever_the_body_is_cut(parts, cuts):
    assert read(message(*parts), cuts) == parts


@given(parts=st.lists(st.binary(max_size=20), min_size=1, max_size=3), lost=st.integers(5, 400))
def test_a_body_that_lost_its_end_is_malformed(parts, lost):
    body = message(*(part for part in parts if b"--b-1" not in part))

    with pytest.raises(Malformed):
        read(body[: max(0, len(body) - lost)], [])


def test_a_part_header_without_end_is_bounded():
    with pytest.raises(Malformed, match="header"):
        read(b"--b-1\r\n" + b"x" * 200_000, list(range(0, 200_000, 1000)))


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [('multipart/related; boundary="a b"', b"a b"), ("multipart/related; type=x; boundary=ab", b"ab")],
)
def test_a_boundary_is_read_with_and_without_quotes(content_type, boundary):
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize("content_type", ["", "multipart/related", "text/html; boundary=a"])
def test_without_a_boundary_it_is_no_answer(content_type):
    with pytest.raises(Malformed):
        boundary_of(content_type)
