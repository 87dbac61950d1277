"""Decode one frame with SimpleITK (GDCM inside), which reads files only: a small one is made in memory around it."""

import os
from functools import lru_cache
from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage

from node.volume.stored import FrameTask

_PLACEHOLDER_UID = "2.25.1"  # never leaves this function
_PIXELS = b"\xe0\x7f\x10\x00OB\0\0\xff\xff\xff\xff"
_EMPTY_TABLE = b"\xfe\xff\x00\xe0\0\0\0\0"
_ITEM = b"\xfe\xff\x00\xe0"
_END = b"\xfe\xff\xdd\xe0\0\0\0\0"


def decode_by_itk(encoded: bytes, task: FrameTask) -> NDArray[np.uint16]:
    """Decode one frame; rescale values are left out of the made file, so stored values come back.

    Raises
    ------
    RuntimeError
        If GDCM cannot decode it.
    """
    import SimpleITK as sitk  # noqa: N813, PLC0415 - 0.2 s to load, needed by few

    padded = encoded + b"\0" * (len(encoded) % 2)
    header = _header(task.transfer_syntax, task.rows, task.columns, task.bits_stored, task.signed)
    file = os.memfd_create("frame")
    try:
        content = (header, _PIXELS, _EMPTY_TABLE, _ITEM, len(padded).to_bytes(4, "little"), padded, _END)
        with open(file, "wb", closefd=False) as out:
            out.write(b"".join(content))
        reader = sitk.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        reader.SetFileName(f"/proc/self/fd/{file}")
        decoded = sitk.GetArrayFromImage(reader.Execute())
    finally:
        os.close(file)
    if decoded.dtype.kind not in "iu":
        raise ValueError(f"decoded to {decoded.dtype}")
    words: NDArray[np.uint16] = decoded.astype(np.int32).astype(np.uint16)
    return words


@lru_cache(maxsize=8)
def _header(transfer_syntax: str, rows: int, columns: int, bits_stored: int, signed: bool) -> bytes:
    """Return a Part 10 file up to its pixels."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, _PLACEHOLDER_UID
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = rows, columns
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = _allocated(bits_stored), bits_stored, bits_stored - 1
    dataset.PixelRepresentation = int(signed)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(_PLACEHOLDER_UID)
    dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    out = BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _allocated(bits_stored: int) -> int:
    return 8 if bits_stored <= 8 else 16
