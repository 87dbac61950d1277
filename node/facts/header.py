"""The source's header as a pydicom data set, for `report`, which copies patient and study attributes from it."""

import struct
import warnings
import zlib
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.errors import BytesLengthException, InvalidDicomError

from node.errors import Code, InputRefused

_LARGEST_KEPT_ELEMENT_BYTES = "64 KB"  # larger ones (private blobs) are left on disk until somebody asks

UNREADABLE = (  # what pydicom 3.0.2 raises for malformed files, found by feeding it such; MemoryError: a false length
    InvalidDicomError, BytesLengthException, OSError, EOFError, struct.error, ValueError, LookupError, TypeError,
    AttributeError, NotImplementedError, ArithmeticError, RecursionError, MemoryError, zlib.error,
)  # fmt: skip


def source_dataset(path: Path) -> Dataset:
    """Read a header without its pixels.

    Raises
    ------
    InputRefused
        FILE-UNREAD where pydicom cannot read it.

    Notes
    -----
    Warnings about values that break a rule are silenced: the values are the source's and are copied verbatim.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return dcmread(path, stop_before_pixels=True, force=True, defer_size=_LARGEST_KEPT_ELEMENT_BYTES)
    except UNREADABLE as error:
        raise InputRefused(Code.FILE_UNREAD, f"the header cannot be read: {type(error).__name__}") from error
