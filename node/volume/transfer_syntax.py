"""Transfer syntaxes by what must be done to read them (PS3.5 section 10 and annex A)."""

from pydicom.uid import (
    HTJ2K,
    JPEG2000,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    HTJ2KLosslessRPCL,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    JPEGExtended12Bit,
    JPEGLossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
    JPEGLSNearLossless,
    RLELossless,
)

NATIVE_LITTLE = frozenset({str(ExplicitVRLittleEndian), str(ImplicitVRLittleEndian)})
NATIVE_OTHER = frozenset({str(ExplicitVRBigEndian), str(DeflatedExplicitVRLittleEndian)})
RLE = frozenset({str(RLELossless)})
JPEG_LS = frozenset({str(JPEGLSLossless), str(JPEGLSNearLossless)})
JPEG_2000 = frozenset({str(JPEG2000Lossless), str(JPEG2000)})
HT_JPEG_2000 = frozenset({str(HTJ2KLossless), str(HTJ2KLosslessRPCL), str(HTJ2K)})
JPEG = frozenset({str(JPEGBaseline8Bit), str(JPEGExtended12Bit), str(JPEGLossless), str(JPEGLosslessSV1)})
# What loses information by its definition; the others may still carry Lossy Image Compression "01".
LOSSY = frozenset({str(JPEGBaseline8Bit), str(JPEGExtended12Bit), str(JPEGLSNearLossless)})

UNTOLD = ""  # a file without meta group: its pixels are native, or they do not have the length of native ones

NATIVE = NATIVE_LITTLE | NATIVE_OTHER | {UNTOLD}
ENCAPSULATED = RLE | JPEG_LS | JPEG_2000 | HT_JPEG_2000 | JPEG
STANDARD_ROOT = "1.2.840.10008."


def is_readable(uid: str) -> bool:
    """Tell whether pixels in this transfer syntax can be decoded."""
    return uid in NATIVE or uid in ENCAPSULATED


def is_private(uid: str) -> bool:
    """Tell whether a transfer syntax is a vendor's own."""
    return bool(uid) and not uid.startswith(STANDARD_ROOT)
