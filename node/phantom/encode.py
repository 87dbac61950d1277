"""Pixel data of a phantom in the transfer syntax asked for."""

import jpeg_ls
import numpy as np
import openjpeg
import openjpeg.utils
import rle.utils
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

_NATIVE = (ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian)
ENCAPSULATED = (RLELossless, JPEGLSLossless, JPEG2000Lossless)


def set_pixels(dataset: Dataset, transfer_syntax: str) -> None:
    """Turn native little endian Pixel Data into what the transfer syntax wants.

    Raises
    ------
    ValueError
        If the syntax cannot be written here.
    """
    if "PixelData" not in dataset:
        return
    if transfer_syntax == ExplicitVRBigEndian:
        dataset.PixelData = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
    elif transfer_syntax in ENCAPSULATED:
        _encapsulate(dataset, transfer_syntax)
    elif transfer_syntax not in _NATIVE:
        raise ValueError(f"cannot write a phantom in transfer syntax {transfer_syntax}")
    dataset["PixelData"].VR = "OB" if transfer_syntax in ENCAPSULATED else "OW"


def _encapsulate(dataset: Dataset, transfer_syntax: str) -> None:
    shape = (int(dataset.get("NumberOfFrames", 1)), dataset.Rows, dataset.Columns)
    frames = np.frombuffer(dataset.PixelData, "<u2").reshape(shape)
    encoded = [_encode(frame, dataset, transfer_syntax) for frame in frames]
    dataset.PixelData = encapsulate(encoded)
    dataset["PixelData"].is_undefined_length = True


def _encode(frame: NDArray[np.uint16], dataset: Dataset, transfer_syntax: str) -> bytes:
    if transfer_syntax == JPEGLSLossless:
        return bytes(jpeg_ls.encode_array(frame))
    if transfer_syntax == JPEG2000Lossless:
        return bytes(openjpeg.utils.encode_array(frame, bits_stored=dataset.BitsStored, photometric_interpretation=2))
    size = {"rows": frame.shape[0], "columns": frame.shape[1], "samples_per_pixel": 1, "bits_allocated": 16}
    return bytes(rle.utils.encode_pixel_data(frame.tobytes(), byteorder="<", **size))
