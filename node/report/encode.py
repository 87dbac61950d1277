"""From a measured case to the files that leave: segmentation, measurement report, notice.

Each object is written once, under its derived UID; a retry sends these bytes again and never builds them anew.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from pydicom import config as pydicom_config
from pydicom.dataset import Dataset

from node.errors import Reason
from node.measure.quantity import Quantity
from node.report.document import Reference
from node.report.equipment import Equipment
from node.report.kinds import SEG, SR, Kind
from node.report.seg import build_seg
from node.report.seg_frames import Frame, frames_with_voxels
from node.report.segments import Tracked, in_order, model_for
from node.report.source import Source, read_source
from node.report.sr import SrClass, build_report
from node.report.stamp import Job, stamp, write
from node.report.uids import CaseIdentity
from node.segment.contract import Segmentation
from node.settings import Objects
from node.volume.volume import Volume


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
class EncodedObject:
    """One file that is ready to be sent. `notes` say what copying from the source cut or left out."""

    kind: str
    path: Path
    sop_class_uid: str
    sop_instance_uid: str
    series_instance_uid: str
    series_number: int
    study_instance_uid: str
    notes: tuple[str, ...] = ()


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
    with (
        pydicom_config.disable_value_validation()
    ):  # the source's UIDs and dates are copied even where they break rules
        source = read_source(case.volume)
        job = _job(case, source)
        tracked = _tracked(case)
        frames = frames_with_voxels(case.segmentation.labels_zyx, [t.segment.label for t in tracked])
        made: list[EncodedObject] = []
        seg_reference: Reference | None = None
        if frames:
            made.append(_write_seg(case, tracked, frames, source, job, out_dir))
            seg_reference = _reference(made[0])
        report = build_report(
            sop_class=case.sr_class,
            source=source,
            segmentation=case.segmentation,
            tracked=tracked,
            frames=frames,
            quantities=case.quantities,
            reasons=case.reasons,
            seg=seg_reference,
            predecessor=case.predecessor,
            job=job,
        )
        made.append(finish(report, SR, job, out_dir))
    return tuple(made)


def finish(target: Dataset, kind: Kind, job: Job, out_dir: Path) -> EncodedObject:
    """Stamp an object, write it, and say what it is."""
    notes = stamp(target, job, kind)
    path = out_dir / f"{kind.rung}-{target.SOPInstanceUID}.dcm"
    write(target, path)
    return EncodedObject(
        kind=kind.rung,
        path=path,
        sop_class_uid=str(target.SOPClassUID),
        sop_instance_uid=str(target.SOPInstanceUID),
        series_instance_uid=str(target.SeriesInstanceUID),
        series_number=job.series_number(kind),
        study_instance_uid=str(target.StudyInstanceUID),
        notes=notes,
    )


def equipment_of(objects: Objects, identity: CaseIdentity) -> Equipment:
    """Return the node as the settings name it."""
    return Equipment(objects.manufacturer, objects.station_name, objects.device_serial_number, identity.device_uid)


def _write_seg(
    case: ReportInput, tracked: list[Tracked], frames: list[Frame], source: Source, job: Job, out_dir: Path
) -> EncodedObject:
    target = build_seg(case.segmentation.labels_zyx, tracked, frames, source, job)
    return finish(target, SEG, job, out_dir)


def _job(case: ReportInput, source: Source) -> Job:
    return Job(
        identity=case.identity,
        header=source.header,
        anchor_series_number=case.volume.series.first.series_number,
        equipment=equipment_of(case.objects, case.identity),
        models=case.segmentation.models,
        made_at=case.now,
        series_number_base=case.objects.series_number_base,
        run_label=case.run_label,
    )


def _tracked(case: ReportInput) -> list[Tracked]:
    """Number the segments that have voxels, from 1 without gaps."""
    series_uid = case.volume.series.series_instance_uid
    labels = case.segmentation.labels_zyx
    present = [s for s in in_order(case.segmentation) if (labels == s.label).any()]
    return [
        Tracked(
            number=number,
            segment=segment,
            tracking_uid=case.identity.tracking_uid(series_uid, segment.name),
            model=model_for(segment.kind, case.segmentation.models),
        )
        for number, segment in enumerate(present, start=1)
    ]


def _reference(made: EncodedObject) -> Reference:
    return Reference(made.study_instance_uid, made.series_instance_uid, made.sop_class_uid, made.sop_instance_uid)
