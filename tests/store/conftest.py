"""Files of a spool, and readers in place of the pixel decoders that `volume` will give."""

from hashlib import sha256
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from node.errors import Code, InputRefused
from node.store.layout import InstanceUids
from node.store.part10 import FileMeta, encode_meta
from node.store.spool import Incoming, Kept, Spool

CT = "1.2.840.10008.5.1.4.1.1.2"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """An empty spool."""
    return Spool(tmp_path)


def ct_slice(**changes: object) -> Dataset:
    """A small CT instance."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = CT, generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3.4", "1.2.3.4.5"
    ds.PatientID, ds.PatientName, ds.PatientBirthDate, ds.PatientSex = "P1", "A^B", "19500101", "F"
    ds.Modality, ds.StudyDate, ds.AccessionNumber = "CT", "20200101", "A1"
    ds.Rows, ds.Columns, ds.SamplesPerPixel = 8, 8, 1
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.PixelData = bytes(range(128))
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    return ds


def begin(spool: Spool, ds: Dataset, folder: Path, calling: str = "TESTER") -> tuple[Incoming, InstanceUids, int]:
    """Write an incoming file as the receiver would."""
    ds.file_meta.MediaStorageSOPClassUID, ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPClassUID, ds.SOPInstanceUID
    path = folder / f"{generate_uid()}.tmp"
    ds.save_as(path, enforce_file_format=True)
    raw = path.read_bytes()
    data_set = raw[144 + int.from_bytes(raw[140:144], "little") :]
    syntax = str(ds.file_meta.TransferSyntaxUID)
    head = encode_meta(FileMeta(str(ds.SOPClassUID), str(ds.SOPInstanceUID), syntax, calling, "LUNGNODE"))
    incoming = spool.begin()
    with open(incoming.descriptor, "wb", closefd=False) as file:
        file.write(head + data_set)
    return incoming, InstanceUids(ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.SOPInstanceUID), len(head)


def keep(spool: Spool, ds: Dataset, folder: Path) -> Kept:
    """Keep an instance."""
    return spool.keep(*begin(spool, ds, folder))


def pixel_digest(path: Path) -> str:
    """Digest decoded pixels and geometry, with pydicom's own decoders."""
    ds = dcmread(path)
    try:
        pixels = ds.pixel_array.tobytes()
    except (ValueError, RuntimeError, AttributeError) as error:
        raise InputRefused(Code.PIX_TRUNC, "cannot be decoded") from error
    return sha256(pixels + str(ds.get("ImagePositionPatient", "")).encode()).hexdigest()
