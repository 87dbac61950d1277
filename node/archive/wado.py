"""Whole instances by WADO-RS (PS3.18 section 10.4), in the transfer syntax in which the archive has them.

`transfer-syntax=*`: Orthanc 1.10.1 must never be asked to transcode, and we decode better here. The parts are streamed
to files whose names are numbers, since no path comes from a tag.
"""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from node.archive.endpoint import WebEndpoint
from node.archive.multipart import Malformed, boundary_of, write_parts
from node.archive.web import status_error, translated
from node.archive.web_session import web_session
from node.errors import InputRefused, WorldUnavailable

_ACCEPT = 'multipart/related; type="application/dicom"; transfer-syntax=*'
_PIECE_BYTES = 1 << 20
_PREFIX_AT = 128
_GONE = frozenset((404, 406, 410))  # PS3.18 10.4.3: asking again changes nothing


def retrieve_series(
    endpoint: WebEndpoint, study_uid: str, series_uid: str, folder: Path, *, until_s: float | None = None
) -> tuple[Path, ...]:
    """Fetch all instances of a series into `folder`, which appears only when all of them are there.

    Parameters
    ----------
    until_s : when to give up, by `time.monotonic()`; None never, as long as pieces come.

    Raises
    ------
    WorldUnavailable
        ARCHIVE-SLOW not done in time; ARCHIVE-PARTIAL status 206, some instances only; ARCHIVE-ANSWER the answer was
        cut off or is no multipart of DICOM files; and those of `web.translated`.
    InputRefused
        ARCHIVE-GONE the archive does not have it.
    """
    return _retrieve(endpoint, f"studies/{study_uid}/series/{series_uid}", folder, until_s)


def _retrieve(endpoint: WebEndpoint, path: str, folder: Path, until_s: float | None) -> tuple[Path, ...]:
    part_folder = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part_folder, ignore_errors=True)  # of a fetch that was killed
    part_folder.mkdir(parents=True)
    try:
        _fetch(endpoint, path, part_folder, until_s)
        part_folder.rename(folder)
    except WorldUnavailable:  # the session cuts the connection at `until_s`, which may look like anything
        _not_late(until_s)
        raise
    finally:
        shutil.rmtree(part_folder, ignore_errors=True)
    return tuple(sorted(folder.iterdir()))


def _fetch(endpoint: WebEndpoint, path: str, folder: Path, until_s: float | None) -> None:
    url = f"{endpoint.url.rstrip('/')}/{path}"
    with (
        translated(),
        web_session(endpoint, until_s=until_s) as session,
        session.get(
            url, headers={"Accept": _ACCEPT}, stream=True, timeout=endpoint.timeouts_s, allow_redirects=False
        ) as answer,
    ):
        if answer.status_code == 206:  # PS3.18: representations of some instances only; never to be processed
            raise WorldUnavailable("ARCHIVE-PARTIAL", "the archive gives only some of the instances, status 206")
        if answer.status_code in _GONE:
            text = f"the archive cannot give what was asked for, status {answer.status_code}"
            raise InputRefused("ARCHIVE-GONE", text)
        if answer.status_code != 200:
            raise status_error(answer)
        try:
            boundary = boundary_of(answer.headers.get("Content-Type", ""))
            pieces = _in_time(answer.iter_content(_PIECE_BYTES), until_s)
            n_parts = write_parts(pieces, boundary, _numbered(folder).__next__)
        except Malformed as error:
            raise WorldUnavailable("ARCHIVE-ANSWER", f"the archive's answer is not valid: {error}") from error
    if not n_parts or not all(_is_dicom(file) for file in folder.iterdir()):
        raise WorldUnavailable("ARCHIVE-ANSWER", "the archive's answer holds something else than DICOM files")


def _in_time(pieces: Iterator[bytes], until_s: float | None) -> Iterator[bytes]:
    for piece in pieces:
        _not_late(until_s)
        yield piece


def _not_late(until_s: float | None) -> None:
    if until_s is not None and time.monotonic() > until_s:
        raise WorldUnavailable("ARCHIVE-SLOW", "the archive did not send everything in time")


def _numbered(folder: Path) -> Iterator[BinaryIO]:
    """Open 000001.dcm, 000002.dcm and so on."""
    number = 0
    while True:
        number += 1
        yield (folder / f"{number:06}.dcm").open("xb")


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(_PREFIX_AT)
        return file.read(4) == b"DICM"
