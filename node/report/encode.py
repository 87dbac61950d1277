"""From a measured case to the files that leave: segmentation and measurement report, or a notice."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydicom import config as pydicom_config

from node.errors import Reason
from node.measure.quantity import Quantity
from node.report.document import Reference
from node.report.encoded import EncodedObject, finish
from node.report.equipment import Equipment
from node.report.kinds import NOTICE, SEG, SR
from node.report.notice import NoticeInput, build_notice
from node.report.seg import build_seg
from node.report.seg_frames import Frame, slices_with
from node.report.segments import Tracked, in_order, model_for
from node.report.source import Source, read_source
from node.report.sr import Findings, SrClass, build_report
from node.report.stamp import Job
from node.report.uids import CaseIdentity
from node.segment.contract import Segmentation
from node.settings import Objects
from node.volume.volume import Volume

_ONE_AT_A_TIME = threading.Lock()


@dataclass(frozen=True, slots=True)
class ReportInput:
    """Everything that the objects of one case are made from.

    `now` is the case's one clock reading, with a time zone; `run_label` is "" for the first run, then "r2" and so on;
    `predecessor` is the report that this one supersedes; `reasons` are those of the whole case, refusing or warning.
    """

    identity: CaseIdentity
    volume: Volume
    segmentation: Segmentation
    quantities: tuple[Quantity, ...]
    reasons: tuple[Reason, ...]
    objects: Objects
    now: datetime
    predecessor: Reference | None = None
    run_label: str = ""
    sr_class: SrClass = SrClass.COMPREHENSIVE_3D


@dataclass(frozen=True, slots=True)
class _Prepared:
    """What is read and decided once for all objects of a case."""

    source: Source
    job: Job
    tracked: tuple[Tracked, ...]
    frames: tuple[Frame, ...]


def encode_results(case: ReportInput, out_dir: Path) -> tuple[EncodedObject, ...]:
    """Write the segmentation (where any segment has voxels) and the measurement report of a case.

    Parameters
    ----------
    out_dir : an existing folder; files are named `<kind>-<SOP Instance UID>.dcm`.

    Raises
    ------
    OurMistake
        NO-MODEL or SOURCE-GEOMETRY where earlier rooms handed over what cannot be.
    InputRefused
        FILE-UNREAD where a source's header is gone.
    """
    with _verbatim():
        prepared = _prepare(case)
        seg = _write_seg(case, prepared, out_dir)
        report = build_report(
            Findings(case.segmentation, prepared.tracked, prepared.frames, case.quantities, case.reasons),
            prepared.source,
            prepared.job,
            seg=seg[0].reference if seg else None,
            predecessor=case.predecessor,
            sop_class=case.sr_class,
        )
        return (*seg, finish(report, SR, prepared.job, out_dir))


def encode_segmentation(case: ReportInput, out_dir: Path) -> tuple[EncodedObject, ...]:
    """Write the segmentation alone, as `encode_results` writes it; nothing where no segment has voxels."""
    with _verbatim():
        return _write_seg(case, _prepare(case), out_dir)


def encode_notice(notice: NoticeInput, out_dir: Path) -> EncodedObject:
    """Write the notice of a refused series.

    Raises
    ------
    InputRefused
        ID-MIXPAT or ID-MIXSTUDY where no object may be made, ID-NOUID where it would have to name an invalid UID.
    """
    with _verbatim():
        target, job = build_notice(notice)
        return finish(target, NOTICE, job, out_dir)


@contextmanager
def _verbatim() -> Iterator[None]:
    """Let the source's UIDs and dates be written as they are, valid or not.

    pydicom's switch is one for the process: two threads that change it at the same time would leave it changed.
    """
    with _ONE_AT_A_TIME, pydicom_config.disable_value_validation():
        yield


def _prepare(case: ReportInput) -> _Prepared:
    source = read_source(case.volume)
    occupied = {s.label: slices_with(case.segmentation.labels_zyx, s.label) for s in case.segmentation.segments}
    tracked = _tracked(case, occupied)
    frames = tuple(Frame(t.segment.label, t.number, z) for t in tracked for z in occupied[t.segment.label])
    return _Prepared(source, _job(case, source), tracked, frames)


def _write_seg(case: ReportInput, prepared: _Prepared, out_dir: Path) -> tuple[EncodedObject, ...]:
    if not prepared.frames:
        return ()
    labels_zyx, job = case.segmentation.labels_zyx, prepared.job
    target = build_seg(labels_zyx, prepared.tracked, prepared.frames, prepared.source, job)
    return (finish(target, SEG, job, out_dir),)


def _job(case: ReportInput, source: Source) -> Job:
    objects = case.objects
    return Job(
        identity=case.identity,
        header=source.header,
        anchor_series_number=case.volume.series.first.series_number,
        equipment=Equipment(
            objects.manufacturer, objects.station_name, objects.device_serial_number, case.identity.device_uid
        ),
        models=case.segmentation.models,
        made_at=case.now,
        series_number_base=objects.series_number_base,
        run_label=case.run_label,
    )


def _tracked(case: ReportInput, occupied: dict[int, list[int]]) -> tuple[Tracked, ...]:
    """Number the segments that have voxels, from 1 without gaps."""
    series_uid = case.volume.series.series_instance_uid
    present = [s for s in in_order(case.segmentation) if occupied[s.label]]
    return tuple(
        Tracked(
            number=number,
            segment=segment,
            tracking_uid=case.identity.tracking_uid(series_uid, segment.name),
            model=model_for(segment.kind, case.segmentation.models),
        )
        for number, segment in enumerate(present, start=1)
    )
