"""Write a phantom's uptake as a PET series in Bq/ml, decay corrected to the start, slope of its own on every slice."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from math import log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code
from pydicom.uid import PositronEmissionTomographyImageStorage

from node.errors import OurMistake
from node.phantom.dicom import SeriesOptions, apply, describe_study, place, save
from node.phantom.phantom import Phantom
from node.phantom.uids import uid_of

_FDG = Code("35321007", "SCT", "Fluorodeoxyglucose F^18^")
_F18 = Code("77004003", "SCT", "^18^Fluorine")
HALF_LIFE_S = 6586.2
_DICOM_TIME = "%Y%m%d%H%M%S"


@dataclass(frozen=True, slots=True)
class PetOptions:
    """What the PET's headers say beside those of the series."""

    series: SeriesOptions = field(
        default_factory=lambda: SeriesOptions(series_seed="pet", series_number=5, series_description="PET AC")
    )
    weight_kg: float = 72.0
    height_m: float = 1.70
    dose_bq: float = 300e6
    uptake_s: float = 3600.0  # from injection to the series time
    units: str = "BQML"
    corrected_image: tuple[str, ...] = ("DECY", "ATTN", "SCAT", "DTIM", "RAN", "NORM")
    decay_correction: str = "START"


def suvbw_factor(options: PetOptions) -> float:
    """Return SUVbw per Bq/ml: weight in g over the dose that is left at the series time."""
    left_bq = options.dose_bq * np.exp(-log(2.0) * options.uptake_s / HALF_LIFE_S)
    return float(options.weight_kg * 1000.0 / left_bq)


def write_pet(phantom: Phantom, out_dir: Path, options: PetOptions | None = None) -> tuple[Path, ...]:
    """Write one PET Image Storage file per slice, in the order of the grid's slices."""
    options = options or PetOptions()
    if phantom.suv_zyx is None:
        raise OurMistake("PHANTOM-PET", "this phantom has no uptake")
    out_dir.mkdir(parents=True, exist_ok=True)
    activity_bq_ml = phantom.suv_zyx / suvbw_factor(options)
    paths = []
    for index, plane in enumerate(activity_bq_ml):
        dataset = _slice(phantom, index, plane, options)
        path = out_dir / f"PT{index + 1:05d}.dcm"
        save(dataset, path, options.series.transfer_syntax)
        paths.append(path)
    return tuple(paths)


def _slice(phantom: Phantom, index: int, activity_bq_ml: NDArray[np.float32], options: PetOptions) -> Dataset:
    series = options.series
    dataset = Dataset()
    describe_study(dataset, replace(series, kernel=None))
    for keyword in ("KVP", "PatientPosition"):  # the latter is coded in a PET, PS3.3 C.8.4.6
        dataset.pop(keyword, None)
    dataset.SOPClassUID = PositronEmissionTomographyImageStorage
    dataset.SOPInstanceUID = uid_of("instance", series.study_seed, series.series_seed, index)
    dataset.Modality, dataset.InstanceNumber, dataset.ImageIndex = "PT", index + 1, index + 1
    dataset.ImageType = ["ORIGINAL", "PRIMARY"]
    place(dataset, phantom, index, series)
    _describe_uptake(dataset, options, n_slices=len(phantom.hu_zyx))
    slope = max(float(activity_bq_ml.max()) / 32767.0, 1e-6)
    stored = np.rint(activity_bq_ml / np.float32(slope)).astype("<i2")
    dataset.Rows, dataset.Columns = stored.shape
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    dataset.RescaleIntercept, dataset.RescaleSlope = "0", f"{slope:.9g}"
    dataset.PixelData = stored.tobytes()
    apply(dataset, series.overrides)
    apply(dataset, series.slices.get(index, {}))
    return dataset


def _describe_uptake(dataset: Dataset, options: PetOptions, *, n_slices: int) -> None:
    started = datetime.strptime(options.series.study_date + options.series.study_time, _DICOM_TIME)
    injected = started - timedelta(seconds=options.uptake_s)
    dataset.PatientWeight, dataset.PatientSize = f"{options.weight_kg:g}", f"{options.height_m:g}"
    dataset.Units, dataset.DecayCorrection = options.units, options.decay_correction
    dataset.CorrectedImage = list(options.corrected_image)
    dataset.SeriesType, dataset.CountsSource = ["WHOLE BODY", "IMAGE"], "EMISSION"
    dataset.NumberOfSlices, dataset.AttenuationCorrectionMethod = n_slices, "CT"
    dataset.CollimatorType, dataset.RandomsCorrectionMethod = "NONE", "DLYD"
    dataset.ActualFrameDuration, dataset.FrameReferenceTime, dataset.DecayFactor = 120000, "0", "1"
    item = Dataset()
    item.RadionuclideTotalDose, item.RadionuclideHalfLife = f"{options.dose_bq:g}", f"{HALF_LIFE_S:g}"
    item.RadionuclidePositronFraction = "0.97"
    item.RadiopharmaceuticalStartTime = injected.strftime("%H%M%S")
    item.RadiopharmaceuticalStartDateTime = injected.strftime(_DICOM_TIME)
    item.Radiopharmaceutical = "FDG"
    item.RadiopharmaceuticalCodeSequence, item.RadionuclideCodeSequence = [_coded(_FDG)], [_coded(_F18)]
    dataset.RadiopharmaceuticalInformationSequence = [item]
    dataset.PatientOrientationCodeSequence, dataset.PatientGantryRelationshipCodeSequence = [], []


def _coded(code: Code) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = code.value, code.scheme_designator, code.meaning
    return item
