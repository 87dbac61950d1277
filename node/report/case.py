"""What the objects of one case are made from, and what is read and decided once for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np

from node.errors import Reason
from node.measure.lesions.marks import boxes
from node.measure.lesions.values import LesionMeasurements
from node.measure.quantity import Quantity
from node.report.document import Reference
from node.report.equipment import Equipment
from node.report.masks import Masks
from node.report.pet_result import PetResult, PreparedPet, prepare_pet
from node.report.seg_frames import Frame, slices_with
from node.report.segments import Tracked, in_order, model_for
from node.report.solid_part import SolidPart, solid_parts
from node.report.source import Source, read_source
from node.report.stamp import Job
from node.report.uids import CaseIdentity
from node.segment.contract import Segment, Segmentation, SegmentKind
from node.settings import Objects
from node.volume.volume import Volume


@dataclass(frozen=True, slots=True)
class Run:
    """Which run of a case it is: "" for the first, then "r2" and so on, and what of the earlier run it supersedes.

    `reports` are that run's by what they gather (`share.py`), `structures` its RT Structure Set.
    """

    label: str = ""
    reports: Mapping[tuple[str, ...], Reference] = field(default_factory=dict)
    structures: Reference | None = None

    def superseded_report(self, gathers: tuple[str, ...]) -> Reference | None:
        """Return the report that one with these objects supersedes: the like of it, else any."""
        return self.reports.get(gathers) or next(iter(self.reports.values()), None)


FIRST_RUN = Run()


@dataclass(frozen=True, slots=True)
class ReportInput:
    """Everything that the objects of one case are made from.

    `now` is the case's one clock reading, with a time zone;
    `reasons` are those of the whole case, refusing or warning;
    `lesions` are those that were measured, at most 20.
    """

    identity: CaseIdentity
    volume: Volume
    segmentation: Segmentation
    quantities: tuple[Quantity, ...]
    reasons: tuple[Reason, ...]
    objects: Objects
    now: datetime
    lesions: tuple[LesionMeasurements, ...] = ()
    run: Run = FIRST_RUN
    pet: PetResult | None = None


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is read and decided once for all objects of a case.

    `tracked` are the segments as the SEG numbers them, `frames` its frames, `solids` the solid components by the
    label of their lesion.
    """

    source: Source
    job: Job
    tracked: tuple[Tracked, ...]
    frames: tuple[Frame, ...]
    solids: dict[int, SolidPart]
    masks: Masks
    pet: PreparedPet | None = None

    @property
    def lesions(self) -> tuple[Tracked, ...]:
        """The segments of lesions, without those of solid components."""
        return tuple(t for t in self.tracked if t.segment.kind is SegmentKind.LESION and not t.is_solid_component)


def prepare(case: ReportInput, numbers: Mapping[int, int] | None = None) -> Prepared:
    """Read the source's header, number the segments and lay out the frames.

    Parameters
    ----------
    numbers : the segments of an object that is there already, by label; solid components have none in it.

    Raises
    ------
    OurMistake
        NO-MODEL, SOURCE-GEOMETRY or SOLID-PART where earlier rooms handed over what cannot be.
    InputRefused
        FILE-UNREAD where a source's header is gone.
    """
    source = read_source(case.volume)
    found, labels_zyx = case.segmentation, case.segmentation.labels_zyx
    box_of = boxes(found)
    without_solids = numbers is not None or case.objects.seg_type == "labelmap"
    solids = {} if without_solids else solid_parts(case.volume, found, case.lesions, box_of)
    lesions = [s.label for s in found.segments if s.kind is SegmentKind.LESION and s.label in box_of]
    n_voxels = {label: int(np.count_nonzero(labels_zyx[box_of[label]] == label)) for label in lesions}
    present = [s for s in in_order(found, n_voxels) if s.label in box_of]
    tracked = _tracked(case, present, solids)
    if numbers is not None:
        tracked = tuple(replace(t, number=numbers[t.segment.label]) for t in tracked)
    occupied = {s.label: slices_with(labels_zyx, s.label, box_of[s.label]) for s in present}
    frames = tuple(
        Frame(t.segment.label, t.number, z, t.is_solid_component)
        for t in tracked
        for z in (solids[t.segment.label].slices if t.is_solid_component else occupied[t.segment.label])
    )
    masks = Masks(labels_zyx, frames, solids)
    prepared = Prepared(source, _job(case, source), tracked, frames, solids, masks)
    if case.pet is None or case.pet.measured is None:
        return prepared
    return replace(prepared, pet=prepare_pet(case.pet.measured, prepared.lesions))


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
        run_label=case.run.label,
    )


def _tracked(case: ReportInput, present: list[Segment], solids: dict[int, SolidPart]) -> tuple[Tracked, ...]:
    """Number the segments that have voxels, from 1 without gaps; a solid component follows its lesion.

    A lesion is tracked by its key, which does not depend on its rank; one beyond the 20 that are measured by its name.
    """
    series_uid = case.volume.series.series_instance_uid
    measured = {lesion.label: lesion for lesion in case.lesions}
    tracked: list[Tracked] = []
    for segment in present:
        lesion = measured.get(segment.label)
        key = segment.name if lesion is None else lesion.lesion_key
        model = model_for(segment.kind, case.segmentation.models)
        first_seen = None if lesion is None else lesion.first_seen
        uid = case.identity.tracking_uid(series_uid, key, first_seen)
        tracked.append(Tracked(len(tracked) + 1, segment, uid, model, lesion))
        if segment.label in solids:
            uid = case.identity.tracking_uid(series_uid, f"{key}/solid", first_seen)
            tracked.append(Tracked(len(tracked) + 1, segment, uid, model, lesion, is_solid_component=True))
    return tuple(tracked)
