"""Read a multipart/related body piece by piece, so that no part has to fit into memory (RFC 2046 section 5.1).

The closing boundary must come: a body without it was cut off, however complete its parts look.
"""

from collections.abc import Callable, Iterable
from email.message import Message
from typing import BinaryIO

_LONGEST_PART_HEADER_BYTES = 65536


class Malformed(ValueError):
    """The body is no complete multipart message."""


def boundary_of(content_type: str) -> bytes:
    """Return the boundary of a multipart/related content type."""
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_param("boundary")
    if message.get_content_type() != "multipart/related" or not isinstance(boundary, str) or not boundary:
        raise Malformed("the answer is not multipart/related with a boundary")
    return boundary.encode("ascii", "replace")


def write_parts(pieces: Iterable[bytes], boundary: bytes, open_part: Callable[[], BinaryIO]) -> int:
    """Write each part's content to a file of its own and return how many there were.

    Parameters
    ----------
    pieces : the body, cut anywhere
    boundary : as `boundary_of` gives it
    open_part : called at the beginning of each part; the file is closed here

    Raises
    ------
    Malformed
        The body ends before the closing boundary, or a part's header does not end.
    """
    return _Reader(pieces, boundary).parts(open_part)


class _Reader:
    """Holds the unread end of what has come, never more than a piece and a boundary."""

    def __init__(self, pieces: Iterable[bytes], boundary: bytes) -> None:
        self._pieces = iter(pieces)
        self._buffer = bytearray(b"\r\n")  # the first boundary has no line end before it
        self._delimiter = b"\r\n--" + boundary

    def parts(self, open_part: Callable[[], BinaryIO]) -> int:
        n_parts = 0
        self._until_delimiter(None)
        while not self._is_closing():
            self._skip_header()
            with open_part() as file:
                self._until_delimiter(file)
            n_parts += 1
        return n_parts

    def _more(self) -> None:
        piece = next(self._pieces, None)
        if piece is None:
            raise Malformed("the body ends before its closing boundary")
        self._buffer += piece

    def _until_delimiter(self, file: BinaryIO | None) -> None:
        """Copy to the file what stands before the next delimiter, and drop the delimiter."""
        while (at := self._buffer.find(self._delimiter)) < 0:
            keep = len(self._delimiter) - 1
            if file is not None and len(self._buffer) > keep:
                file.write(self._buffer[:-keep])
            del self._buffer[: max(0, len(self._buffer) - keep)]
            self._more()
        if file is not None:
            file.write(self._buffer[:at])
        del self._buffer[: at + len(self._delimiter)]

    def _is_closing(self) -> bool:
        while len(self._buffer) < 2:
            self._more()
        return self._buffer[:2] == b"--"

    def _skip_header(self) -> None:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > _LONGEST_PART_HEADER_BYTES:
                raise Malformed("a part's header does not end")
            self._more()
        del self._buffer[: end + 4]
