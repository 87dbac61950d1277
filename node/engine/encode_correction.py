"""The report on a reader's correction: made, checked against the reader's object as it lies there, and kept."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from node.engine.analysis import Analysis, read_analysis
from node.engine.case_file import CaseFile
from node.engine.correction_file import CorrectionFile, one_correction
from node.engine.remeasure import readers_segmentation
from node.errors import OurMistake, Refusal
from node.report.case import ReportInput, Run
from node.report.check import check_report
from node.report.decode import DecodedSeg, DecodedSegment
from node.report.encode_corrected import encode_corrected
from node.report.encoded import EncodedObject
from node.report.uids import CaseIdentity
from node.review.drawn import read_drawn
from node.settings import Settings
from node.volume.segmentation import Grid, open_segmentation
from node.volume.volume import Volume


def encode_correction(
    settings: Settings, file: CaseFile, identity: CaseIdentity, volume: Volume, folder: Path, run: Run
) -> EncodedObject:
    """Write the report into `folder/objects`, after reading the reader's object once more and comparing.

    Raises
    ------
    OurMistake
        SELF-CHECK where the report, or our masks, are not what the reader's object says.
    """
    analysis = read_analysis(folder)
    if analysis is None:
        raise OurMistake("NO-ANALYSIS", "a correction is encoded before it was measured")
    correction = one_correction(settings.data_dir, file.correction or "")
    out_dir = folder / "objects"
    out_dir.mkdir(parents=True, exist_ok=True)
    case = ReportInput(
        identity=identity,
        volume=volume,
        segmentation=analysis.segmentation,
        quantities=analysis.quantities,
        reasons=analysis.reasons,
        objects=settings.objects,
        now=datetime.now(UTC).astimezone(),
        lesions=analysis.lesions,
        run=run,
    )
    made = encode_corrected(case, readers_segmentation(correction), out_dir)
    decoded = _decoded(settings.data_dir, correction, identity, volume, analysis)
    check_report(made.path, decoded, volume, analysis.segmentation, analysis.quantities, analysis.lesions)
    return made


def _decoded(
    data_dir: Path, correction: CorrectionFile, identity: CaseIdentity, volume: Volume, analysis: Analysis
) -> DecodedSeg:
    """Read the reader's object anew, as the report's segments."""
    n_slices, n_rows, n_columns = volume.hu_zyx.shape
    frame = volume.series.first.geometry.frame_of_reference_uid
    grid = Grid((n_slices, n_rows, n_columns), volume.lps_from_zyx, frame)
    opened = open_segmentation(data_dir / correction.path, grid)
    drawn = opened if isinstance(opened, Refusal) else read_drawn(opened, grid.shape_zyx, correction.named)
    if isinstance(drawn, Refusal) or not np.array_equal(drawn.labels_zyx, analysis.segmentation.labels_zyx):
        raise OurMistake("SELF-CHECK", "the masks that were measured are not those of the reader's object")
    number_of = {s.label: s.numbers[0] for s in drawn.segments}
    lut = np.zeros(256, np.uint8)
    for label, number in number_of.items():
        lut[label] = number
    series_uid = volume.series.series_instance_uid
    measured = {lesion.label: lesion for lesion in analysis.lesions}
    segments = []
    for segment in analysis.segmentation.segments:
        lesion = measured.get(segment.label)
        key = segment.name if lesion is None else lesion.lesion_key
        uid = identity.tracking_uid(series_uid, key, None if lesion is None else lesion.first_seen)
        n_voxels = int(np.count_nonzero(drawn.labels_zyx == segment.label))
        segments.append(DecodedSegment(number_of[segment.label], segment.name, segment.name, uid, n_voxels))
    return DecodedSeg(lut[drawn.labels_zyx], tuple(segments), frozenset())
