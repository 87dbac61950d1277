"""The picture of a result: the mask that the archive holds, drawn over the scan that was sent."""

from io import BytesIO
from pathlib import Path

import numpy as np
from pydicom import Dataset, dcmread

from node.errors import Refusal, WorldUnavailable
from node.facts.folder import read_folder
from node.facts.series import SeriesFacts
from node.report.contact_sheet import contact_sheet
from node.segment.contract import LungDefinition, Segment, Segmentation, SegmentKind
from node.volume.read import read_volume
from node.volume.volume import SourceFrame, Volume

KINDS = {"Right lung": SegmentKind.RIGHT_LUNG, "Left lung": SegmentKind.LEFT_LUNG}


def write_overlay(seg: bytes, source: Path, picture: Path) -> None:
    """Draw a segmentation over its source.

    Parameters
    ----------
    seg : a BINARY segmentation object, as it came out of the archive.
    source : folder with the images that it refers to.
    picture : file to write; the suffix says how (.jpg, .png).

    Raises
    ------
    WorldUnavailable
        DEMO-SOURCE where the folder does not hold the images that the segmentation names.
    """
    dataset = dcmread(BytesIO(seg))
    series_uid = str(dataset.ReferencedSeriesSequence[0].SeriesInstanceUID)
    volume = _read(source, series_uid)
    contact_sheet(volume, decode(dataset, volume), picture)


def decode(dataset: Dataset, volume: Volume) -> Segmentation:
    """Put the frames of a segmentation back on the grid of its source, by the instances that they name."""
    places = {frame: z for z, frame in enumerate(volume.frames)}
    stored = np.atleast_3d(dataset.pixel_array)
    masks = stored.reshape(-1, *volume.hu_zyx.shape[1:])
    labels = np.zeros(volume.hu_zyx.shape, np.uint8)
    for mask, frame in zip(masks, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        number = int(frame.SegmentIdentificationSequence[0].ReferencedSegmentNumber)
        labels[places[_source_of(frame)]][mask > 0] = number
    labels.setflags(write=False)
    segments = tuple(
        Segment(int(s.SegmentNumber), KINDS.get(str(s.SegmentLabel), SegmentKind.LESION), str(s.SegmentLabel))
        for s in dataset.SegmentSequence
    )
    return Segmentation(labels, segments, LungDefinition.WITHOUT_LESIONS, models=())


def _source_of(frame: Dataset) -> SourceFrame:
    image = frame.DerivationImageSequence[0].SourceImageSequence[0]
    numbers = image.get("ReferencedFrameNumber", 1)
    number = numbers if isinstance(numbers, int) else numbers[0]
    return SourceFrame(str(image.ReferencedSOPClassUID), str(image.ReferencedSOPInstanceUID), int(number))


def _read(source: Path, series_uid: str) -> Volume:
    found: list[SeriesFacts] = [s for s in read_folder(source).series if s.series_instance_uid == series_uid]
    volume = read_volume(found[0]) if found else None
    if volume is None or isinstance(volume, Refusal):
        raise WorldUnavailable("DEMO-SOURCE", f"{source} does not hold the series that the segmentation names")
    return volume
