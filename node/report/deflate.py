"""A written object as Deflated Explicit VR Little Endian, for destinations that are set to take it.

The same instance in another transfer syntax: the data set's bytes are compressed as they are, nothing is built anew.
"""

import zlib
from pathlib import Path

from pydicom import dcmread
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_file_meta_info
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian

from node.errors import OurMistake

_PREFIX_BYTES = 132  # preamble and DICM, PS3.10 7.1
_GROUP_LENGTH_ELEMENT_BYTES = 12


def deflate(path: Path, target: Path) -> Path:
    """Write a deflated copy of a Part 10 file in explicit little endian and return its path.

    Raises
    ------
    OurMistake
        NOT-EXPLICIT where the file is in another transfer syntax.
    """
    meta = dcmread(path, specific_tags=["SOPInstanceUID"]).file_meta
    if meta.TransferSyntaxUID != ExplicitVRLittleEndian:
        raise OurMistake("NOT-EXPLICIT", "only a file in explicit little endian can be deflated")
    content = path.read_bytes()
    start = _PREFIX_BYTES + _GROUP_LENGTH_ELEMENT_BYTES + int(meta.FileMetaInformationGroupLength)
    meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    head = DicomBytesIO()
    head.write(content[:_PREFIX_BYTES])
    write_file_meta_info(head, meta)
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)  # RFC 1951, without header: PS3.5 A.5
    body = compressor.compress(content[start:]) + compressor.flush()
    unfinished = target.with_suffix(".part")
    unfinished.write_bytes(head.getvalue() + body + b"\0" * (len(body) % 2))
    unfinished.replace(target)
    return target
