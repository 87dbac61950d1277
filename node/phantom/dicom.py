"""Write a phantom as a CT series: one file per slice or one enhanced object, truth beside it on request."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import config as pydicom_config
from pydicom.datadict import dictionary_VR
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.tag import Tag
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian
from pydicom.valuerep import format_number_as_ds

from node.phantom.encode import set_pixels
from node.phantom.phantom import Phantom
from node.phantom.uids import uid_of

STORED_ZERO_HU = 1024  # stored = HU + 1024, as CT scanners store it


class Order(StrEnum):
    """In which order instance numbers run through the slices."""

    ASCENDING = "ascending"
    DESCENDING = "descending"
    SHUFFLED = "shuffled"


@dataclass(frozen=True, slots=True)
class SeriesOptions:
    """What the headers say.

    `overrides` sets elements by keyword, last (None deletes one); `slices` does so for single slices.
    """

    patient_name: str = "Phantom^Thorax"
    patient_id: str = "PHANTOM-1"
    birth_date: str = "19500101"
    sex: str = "F"
    age: str = "075Y"
    charset: str | None = "ISO_IR 192"
    study_date: str = "20250102"
    study_time: str = "101500"
    study_seed: str = "study"
    series_seed: str = "series"
    frame_of_reference_seed: str = "frame"
    series_number: int = 2
    series_description: str = "THORAX 1.0 B40f"
    accession_number: str = "A1"
    manufacturer: str = "Phantom Works"
    model: str = "Thorax"
    kernel: str | None = "B40f"
    contrast: str = ""
    patient_position: str = "HFS"
    thickness_mm: float | None = None  # None: as the step
    intercept_hu: float = -STORED_ZERO_HU
    slope: float = 1.0
    bits_stored: int = 12
    order: Order = Order.ASCENDING
    transfer_syntax: str = str(ExplicitVRLittleEndian)
    first_instance_number: int = 1
    overrides: Mapping[str, object] = field(default_factory=dict)
    slices: Mapping[int, Mapping[str, object]] = field(default_factory=dict)


def write_series(phantom: Phantom, out_dir: Path, options: SeriesOptions | None = None) -> tuple[Path, ...]:
    """Write one CT Image Storage file per slice.

    Parameters
    ----------
    phantom : Phantom
        What to write; its grid says how the slices lie.
    out_dir : Path
        Made if needed; files are named by instance number.
    options : SeriesOptions
        Headers, order and transfer syntax.

    Returns
    -------
    tuple of Path
        The files in the order of the grid's slices.
    """
    options = options or SeriesOptions()
    out_dir.mkdir(parents=True, exist_ok=True)
    numbers = _instance_numbers(len(phantom.hu_zyx), options)
    paths = []
    for index, number in enumerate(numbers):
        dataset = slice_dataset(phantom, index, number, options)
        path = out_dir / f"IM{number:05d}.dcm"
        save(dataset, path, options.transfer_syntax)
        paths.append(path)
    return tuple(paths)


def slice_dataset(phantom: Phantom, index: int, number: int, options: SeriesOptions) -> Dataset:
    """Return the data set of one slice, pixels in native form."""
    dataset = Dataset()
    describe_study(dataset, options)
    dataset.SOPClassUID = CTImageStorage
    dataset.SOPInstanceUID = uid_of("instance", options.study_seed, options.series_seed, index)
    dataset.InstanceNumber = number
    dataset.AcquisitionNumber = 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    place(dataset, phantom, index, options)
    stored = stored_values(phantom.hu_zyx[index], options)
    dataset.Rows, dataset.Columns = stored.shape
    describe_pixels(dataset, options.bits_stored)
    dataset.RescaleIntercept = f"{options.intercept_hu:g}"
    dataset.RescaleSlope = f"{options.slope:g}"
    dataset.RescaleType = "HU"
    dataset.PixelData = stored.tobytes()
    apply(dataset, options.overrides)
    apply(dataset, options.slices.get(index, {}))
    return dataset


def stored_values(
    hu: NDArray[np.int16], options: SeriesOptions, *, intercept_hu: float | None = None
) -> NDArray[np.uint16]:
    """Return the values as a scanner stores them, unsigned."""
    intercept = options.intercept_hu if intercept_hu is None else intercept_hu
    largest = (1 << options.bits_stored) - 1
    stored: NDArray[np.uint16] = np.clip(np.rint((hu - intercept) / options.slope), 0, largest).astype("<u2")
    return stored


def describe_study(dataset: Dataset, options: SeriesOptions) -> None:
    """Set patient, study, series and equipment."""
    if options.charset:
        dataset.SpecificCharacterSet = options.charset
    dataset.PatientName, dataset.PatientID = options.patient_name, options.patient_id
    dataset.PatientBirthDate, dataset.PatientSex, dataset.PatientAge = options.birth_date, options.sex, options.age
    dataset.StudyInstanceUID = uid_of("study", options.study_seed)
    dataset.SeriesInstanceUID = uid_of("series", options.study_seed, options.series_seed)
    dataset.FrameOfReferenceUID = uid_of("frame", options.study_seed, options.frame_of_reference_seed)
    dataset.PositionReferenceIndicator = ""
    dataset.StudyID = "1"
    for kind in ("Study", "Series", "Acquisition", "Content"):
        setattr(dataset, f"{kind}Date", options.study_date)
        setattr(dataset, f"{kind}Time", options.study_time)
    dataset.AccessionNumber, dataset.ReferringPhysicianName = options.accession_number, ""
    dataset.StudyDescription, dataset.SeriesDescription = "CT chest", options.series_description
    dataset.Modality, dataset.SeriesNumber, dataset.BodyPartExamined = "CT", options.series_number, "CHEST"
    dataset.Manufacturer, dataset.ManufacturerModelName = options.manufacturer, options.model
    dataset.PatientPosition, dataset.KVP = options.patient_position, "120"
    if options.kernel is not None:
        dataset.ConvolutionKernel = options.kernel
    if options.contrast:
        dataset.ContrastBolusAgent = options.contrast


def describe_pixels(dataset: Dataset, bits_stored: int) -> None:
    """Set the Image Pixel module for what `stored_values` gives."""
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, bits_stored, bits_stored - 1
    dataset.PixelRepresentation = 0


def apply(dataset: Dataset, changes: Mapping[str, object]) -> None:
    """Set or delete elements by keyword, as they are: broken values are wanted, too. Bytes are written unseen."""
    for keyword, value in changes.items():
        if value is None:
            dataset.pop(keyword, None)
        elif isinstance(value, bytes) and keyword != "PixelData":
            tag = Tag(keyword)
            vr = dictionary_VR(tag).split(" or ")[0]
            dataset[tag] = RawDataElement(tag, vr, len(value), value, 0, False, True)
        else:
            with _unchecked():
                setattr(dataset, keyword, value)


def save(dataset: Dataset, path: Path, transfer_syntax: str) -> None:
    """Encode the pixels for the transfer syntax and write a Part 10 file."""
    set_pixels(dataset, transfer_syntax)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.get("SOPClassUID", "")
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "")
    dataset.file_meta.TransferSyntaxUID = UID(transfer_syntax)
    with _unchecked():
        dataset.save_as(path, enforce_file_format=True)


@contextmanager
def _unchecked() -> Iterator[None]:
    """Let pydicom write values that break a rule: that is what some phantoms are for."""
    with pydicom_config.disable_value_validation(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def place(dataset: Dataset, phantom: Phantom, index: int, options: SeriesOptions) -> None:
    """Set position, orientation, pixel spacing and thickness of one slice."""
    matrix, (step, row_mm, column_mm) = phantom.grid.lps_from_zyx, phantom.grid.spacing_zyx_mm
    orientation = [*(matrix[:3, 2] / column_mm), *(matrix[:3, 1] / row_mm)]
    dataset.ImageOrientationPatient = [format_number_as_ds(float(value)) for value in orientation]
    position = matrix @ (index, 0.0, 0.0, 1.0)
    dataset.ImagePositionPatient = [format_number_as_ds(round(float(value), 9)) for value in position[:3]]
    dataset.SliceLocation = f"{position[2]:.4f}"
    dataset.PixelSpacing = [f"{row_mm:.10g}", f"{column_mm:.10g}"]
    dataset.SliceThickness = f"{options.thickness_mm or step:.6g}"


def _instance_numbers(n_slices: int, options: SeriesOptions) -> list[int]:
    numbers = np.arange(n_slices) + options.first_instance_number
    if options.order is Order.DESCENDING:
        numbers = numbers[::-1]
    elif options.order is Order.SHUFFLED:
        numbers = np.random.default_rng(0).permutation(numbers)
    return [int(number) for number in numbers]
