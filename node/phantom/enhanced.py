"""Write a phantom as one enhanced multi-frame CT object, native or legacy converted (PS3.3 A.38, A.70)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, LegacyConvertedEnhancedCTImageStorage

from node.phantom.dicom import SeriesOptions, apply, describe_pixels, describe_study, place, save, stored_values
from node.phantom.phantom import Phantom
from node.phantom.uids import uid_of

_SHARED_KEYWORDS = ("PixelSpacing", "SliceThickness")


def write_enhanced(
    phantom: Phantom,
    path: Path,
    options: SeriesOptions | None = None,
    *,
    legacy: bool = False,
    frame_order: Sequence[int] | None = None,
    intercepts_hu: Sequence[float] | None = None,
) -> Path:
    """Write all slices into one file.

    Parameters
    ----------
    phantom : Phantom
        What to write.
    path : Path
        The file.
    options : SeriesOptions
        Headers; `order` and `slices` do not apply, `overrides` go to the top level.
    legacy : bool
        Legacy Converted Enhanced CT instead of Enhanced CT.
    frame_order : sequence of int
        Which slice is which frame; ascending without it.
    intercepts_hu : one per slice, HU
        Rescale Intercept per frame; `options.intercept_hu` everywhere without it.
    """
    options = options or SeriesOptions()
    order = list(range(len(phantom.hu_zyx))) if frame_order is None else list(frame_order)
    intercepts = [options.intercept_hu] * len(phantom.hu_zyx) if intercepts_hu is None else list(intercepts_hu)
    dataset = Dataset()
    describe_study(dataset, options)
    dataset.SOPClassUID = LegacyConvertedEnhancedCTImageStorage if legacy else EnhancedCTImageStorage
    dataset.SOPInstanceUID = uid_of("enhanced", options.study_seed, options.series_seed)
    dataset.InstanceNumber, dataset.NumberOfFrames = 1, len(order)
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    dataset.Rows, dataset.Columns = phantom.hu_zyx.shape[1:]
    describe_pixels(dataset, options.bits_stored)
    dataset.SharedFunctionalGroupsSequence = [_shared(phantom, options)]
    dataset.PerFrameFunctionalGroupsSequence = [
        _per_frame(phantom, i, number, intercepts[i], options, legacy=legacy) for number, i in enumerate(order, start=1)
    ]
    frames = [stored_values(phantom.hu_zyx[i], options, intercept_hu=intercepts[i]) for i in order]
    dataset.PixelData = np.stack(frames).tobytes()
    apply(dataset, options.overrides)
    path.parent.mkdir(parents=True, exist_ok=True)
    save(dataset, path, options.transfer_syntax)
    return path


def _shared(phantom: Phantom, options: SeriesOptions) -> Dataset:
    """Return what all frames have in common: pixel measures, orientation, frame type."""
    placed = Dataset()
    place(placed, phantom, 0, options)
    measures, orientation, frame_type = Dataset(), Dataset(), Dataset()
    for keyword in _SHARED_KEYWORDS:
        setattr(measures, keyword, placed[keyword].value)
    orientation.ImageOrientationPatient = placed.ImageOrientationPatient
    frame_type.FrameType = ["ORIGINAL", "PRIMARY", "VOLUME", "NONE"]
    shared = Dataset()
    shared.PixelMeasuresSequence = [measures]
    shared.PlaneOrientationSequence = [orientation]
    shared.CTImageFrameTypeSequence = [frame_type]
    return shared


def _per_frame(
    phantom: Phantom, index: int, number: int, intercept_hu: float, options: SeriesOptions, *, legacy: bool
) -> Dataset:
    """Return one frame's place, rescale and content."""
    placed = Dataset()
    place(placed, phantom, index, options)
    position, transform, content = Dataset(), Dataset(), Dataset()
    position.ImagePositionPatient = placed.ImagePositionPatient
    transform.RescaleIntercept, transform.RescaleSlope = f"{intercept_hu:g}", f"{options.slope:g}"
    transform.RescaleType = "HU"
    content.FrameAcquisitionNumber = 1
    content.FrameAcquisitionDateTime = options.study_date + options.study_time
    content.DimensionIndexValues = [number]
    frame = Dataset()
    frame.FrameContentSequence = [content]
    frame.PlanePositionSequence = [position]
    frame.PixelValueTransformationSequence = [transform]
    if legacy:
        source = Dataset()
        source.ReferencedSOPClassUID = CTImageStorage
        source.ReferencedSOPInstanceUID = uid_of("instance", options.study_seed, options.series_seed, index)
        frame.ConversionSourceAttributesSequence = [source]
    return frame
