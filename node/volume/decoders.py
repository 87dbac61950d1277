"""One compressed frame to stored values, by the fastest decoder measured for its transfer syntax.

    JPEG-LS                   pyjpegls      153 slices/s    SimpleITK 117
    JPEG 2000                 openjpeg       33             SimpleITK  29 (51 with the two cores that it takes)
    JPEG lossless, baseline   SimpleITK     150             (the only one without GPL code)
    RLE                       pylibjpeg    2700             pydicom   671
    HTJ2K                     openjpeg                      (the only one)

512 x 512, 12 bits with noise, per core. All but SimpleITK hold the interpreter's lock while they decode:
two threads gave 0.8 to 1.1 times the speed of one, which is why `decode_pool.py` uses processes.
"""

import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from node.errors import Code, InputRefused
from node.volume import transfer_syntax as syntax
from node.volume.encapsulated import open_encapsulated
from node.volume.itk_decoder import decode_by_itk
from node.volume.native import read_native
from node.volume.stored import FrameTask

Decoder = Callable[[bytes, FrameTask], "NDArray[np.uint16]"]
# What the libraries raise on damaged streams, found by feeding them such.
_DAMAGED = (RuntimeError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, MemoryError, OSError)


def read_stored(task: FrameTask, stored: NDArray[np.uint16]) -> None:
    """Read or decode one frame into an array.

    Parameters
    ----------
    stored : (rows, columns) uint16, C-contiguous
        Filled in place; two's complement where the pixels are signed.

    Raises
    ------
    InputRefused
        PIX-TRUNC if the pixels are cut off or damaged, SIZE-DIM if they are more than declared, TS-UNSUP if nothing
        decodes the transfer syntax.
    """
    try:
        if task.transfer_syntax in syntax.NATIVE:
            read_native(task, stored)
            return
        decoder = decoder_for(task.transfer_syntax)
        encoded = open_encapsulated(task.path, task.n_frames).frame(task.index)
    except OSError as error:
        raise InputRefused(Code.PIX_TRUNC, f"a file cannot be read: {error.strerror}") from error
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            decoded = decoder(encoded, task)
    except _DAMAGED as error:
        raise InputRefused(Code.PIX_TRUNC, f"a frame cannot be decoded: {type(error).__name__}") from error
    if decoded.size != stored.size:
        raise InputRefused(
            Code.PIX_TRUNC, f"a frame decodes to {decoded.size} pixels, {task.rows} x {task.columns} were declared"
        )
    stored[...] = decoded.reshape(stored.shape)


def decoder_for(uid: str) -> Decoder:
    """Return what decodes a compressed transfer syntax.

    Raises
    ------
    InputRefused
        TS-UNSUP if nothing does.
    """
    for uids, decoder in _DECODERS:
        if uid in uids:
            return decoder
    raise InputRefused(Code.TS_UNSUP, f"the transfer syntax {uid} cannot be decoded")


def _jpeg_ls(encoded: bytes, task: FrameTask) -> NDArray[np.uint16]:
    import jpeg_ls  # noqa: PLC0415 - each library is loaded when its syntax is met

    decoded, info = jpeg_ls.decode_buffer(encoded)
    return _extended(_words(decoded, int(info["bits_per_sample"])), task)


def _rle(encoded: bytes, task: FrameTask) -> NDArray[np.uint16]:
    from rle.utils import decode_pixel_data  # noqa: PLC0415

    size = {"rows": task.rows, "columns": task.columns, "bits_allocated": 16, "byteorder": "<"}
    try:
        return np.frombuffer(decode_pixel_data(encoded, version=2, **size), "<u2")
    except BaseException as error:
        # pylibjpeg-rle 2.2.0 panics where a segment is longer than the frame, and a panic is no Exception; decoding by
        # segments does not, but takes half as long again
        if type(error).__name__ == "PanicException":
            raise ValueError("a segment is longer than the frame") from error
        raise


def _openjpeg(encoded: bytes, task: FrameTask) -> NDArray[np.uint16]:
    from openjpeg.utils import decode  # noqa: PLC0415

    decoded = decode(encoded)
    if decoded.dtype.itemsize > 2:
        raise ValueError(f"a codestream of {decoded.dtype} does not fit into 16 bits")
    if decoded.dtype.itemsize == 1:
        decoded = decoded.astype(np.int16 if decoded.dtype.kind == "i" else np.uint16)
    return _extended(decoded.view(np.uint16), task)


def _words(decoded: bytes | bytearray, bits_per_sample: int) -> NDArray[np.uint16]:
    if bits_per_sample <= 8:
        return np.frombuffer(decoded, np.uint8).astype(np.uint16)
    return np.frombuffer(decoded, "<u2")


def _extended(decoded: NDArray[np.uint16], task: FrameTask) -> NDArray[np.uint16]:
    """Spread the sign of a signed value over the bits that the codestream does not hold."""
    if not task.signed or task.bits_stored == 16:
        return decoded
    shift = 16 - task.bits_stored
    spread: NDArray[np.uint16] = ((decoded << shift).view(np.int16) >> shift).view(np.uint16)
    return spread


_DECODERS: tuple[tuple[frozenset[str], Decoder], ...] = (
    (syntax.JPEG_LS, _jpeg_ls),
    (syntax.RLE, _rle),
    (syntax.JPEG_2000 | syntax.HT_JPEG_2000, _openjpeg),
    (syntax.JPEG, decode_by_itk),
)
