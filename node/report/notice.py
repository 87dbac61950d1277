"""The "not processed" notice: a Basic Text SR that says why a series was refused (standards 1.7).

It needs nothing but the UIDs of the refused instances: it must work where geometry, pixels or texts are broken.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from highdicom.sr import ContentItem
from pydicom.dataset import Dataset

from node.errors import Affects, Code, InputRefused, Reason, Refusal, Severity
from node.facts.header import source_dataset
from node.facts.instance import InstanceFacts
from node.facts.series import SeriesFacts
from node.report import codes, tree, wording
from node.report.document import Reference, document, language, observer
from node.report.equipment import Equipment
from node.report.kinds import NOTICE
from node.report.reason_table import family, meaning
from node.report.stamp import Job
from node.report.uids import BASIC_TEXT_SR, CaseIdentity
from node.segment.contract import ModelIdentity
from node.settings import Objects

_UID = re.compile(r"[0-9]+(\.[0-9]+)+")  # a component with a leading zero is tolerated and kept
_NO_OBJECT = frozenset((Code.ID_MIXPAT, Code.ID_MIXSTUDY))  # under whose name would it be sent?


@dataclass(frozen=True, slots=True)
class NoticeInput:
    """What a notice is made from. `now` has a time zone; `models` are those that would have run."""

    identity: CaseIdentity
    series: SeriesFacts
    refusal: Refusal
    objects: Objects
    now: datetime
    models: tuple[ModelIdentity, ...] = ()
    run_label: str = ""


def notice_allowed(refusal: Refusal) -> bool:
    """Say whether a notice may be sent: not where it is unknown whose series it is."""
    return not any(reason.code in _NO_OBJECT for reason in refusal.reasons)


def build_notice(notice: NoticeInput) -> tuple[Dataset, Job]:
    """Build the notice, but for what `stamp` writes.

    Raises
    ------
    InputRefused
        ID-MIXPAT or ID-MIXSTUDY where no object may be made, ID-NOUID where it would have to name an invalid UID.
    """
    require_allowed(notice.refusal)
    evidence = refused_instances(notice.series)
    job = job_of(notice)
    root = tree.container(
        codes.NOT_PROCESSED, [language(), *observer(job.equipment), *_why(notice.refusal)], relationship=None
    )
    return document(NOTICE, BASIC_TEXT_SR, root, evidence, None, job), job


def require_allowed(refusal: Refusal) -> None:
    """Raise InputRefused, ID-MIXPAT or ID-MIXSTUDY, where no notice may be sent."""
    if not notice_allowed(refusal):
        code = next(r.code for r in refusal.reasons if r.code in _NO_OBJECT)
        raise InputRefused(code, "no notice is made where it is unknown whose series it is")


def _why(refusal: Refusal) -> list[ContentItem]:
    """Return each reason as code and in words, the leading one first, followed by the family it belongs to."""
    leading = refusal.leading
    items = [
        tree.code(tree.CONTAINS, codes.REASON_NOT_PROCESSED, codes.reason(leading.code, meaning(leading.code))),
        tree.code(tree.CONTAINS, codes.REASON_NOT_PROCESSED, family(leading.code)),
        tree.text(tree.CONTAINS, codes.COMMENT, f"{leading.code}: {leading.text}"),
    ]
    for reason in _others(refusal.reasons, leading):
        concept = codes.REASON_NOT_PROCESSED if _stops_the_series(reason) else codes.WARNING
        items.append(tree.code(tree.CONTAINS, concept, codes.reason(reason.code, meaning(reason.code))))
        items.append(tree.text(tree.CONTAINS, codes.COMMENT, f"{reason.code}: {reason.text}"))
    items.append(tree.text(tree.CONTAINS, codes.COMMENT, wording.NOT_PROCESSED))
    items.append(tree.text(tree.CONTAINS, codes.COMMENT, wording.NOT_FOR_DIAGNOSIS))
    return items


def _stops_the_series(reason: Reason) -> bool:
    """Tell a reason of the refusal from one that would have withheld a part of a result."""
    return reason.severity is Severity.REFUSE and Affects.SERIES in reason.affects


def _others(reasons: Sequence[Reason], leading: Reason) -> list[Reason]:
    """Return one reason per further code."""
    return list({reason.code: reason for reason in reversed(reasons) if reason.code is not leading.code}.values())[::-1]


def refused_instances(series: SeriesFacts) -> list[Reference]:
    """Return the instances of a refused series.

    Raises
    ------
    InputRefused
        ID-NOUID where an invalid UID would have to be named.
    """
    study_uid, series_uid = series.study_instance_uid, series.series_instance_uid
    instances = [
        (f.facts.sop_class_uid, f.facts.sop_instance_uid)
        for f in series.files
        if _is_valid(f.facts.sop_instance_uid) and _is_valid(f.facts.sop_class_uid)
    ]
    if not (_is_valid(study_uid) and _is_valid(series_uid) and instances):
        raise InputRefused(Code.ID_NOUID, "a notice would have to name an invalid UID")
    return [Reference(study_uid, series_uid, *instance) for instance in dict.fromkeys(instances)]


def _is_valid(uid: str) -> bool:
    return len(uid) <= 64 and _UID.fullmatch(uid) is not None


def job_of(notice: NoticeInput) -> Job:
    """Return what the notice shares with every other object."""
    objects, identity = notice.objects, notice.identity
    return Job(
        identity=identity,
        header=_header(notice.series),
        anchor_series_number=notice.series.first.series_number,
        equipment=Equipment(
            objects.manufacturer, objects.station_name, objects.device_serial_number, identity.device_uid
        ),
        models=notice.models,
        made_at=notice.now,
        series_number_base=objects.series_number_base,
        run_label=notice.run_label,
        variant=tuple(sorted({reason.code.value for reason in notice.refusal.reasons})),
    )


def _header(series: SeriesFacts) -> Dataset:
    """Return the first readable header with a study, else one made from the facts."""
    for file in series.files:
        try:
            header = source_dataset(file.path)
        except InputRefused:
            continue
        if header.get("StudyInstanceUID") == series.study_instance_uid:
            return header
    return _from_facts(series.first)


def _from_facts(facts: InstanceFacts) -> Dataset:
    header = Dataset()
    header.SpecificCharacterSet = "ISO_IR 192"
    header.StudyInstanceUID = facts.study_instance_uid
    header.PatientName, header.PatientID = facts.patient.patient_name, facts.patient.patient_id
    header.PatientBirthDate, header.PatientSex = facts.patient.birth_date, facts.patient.sex
    if facts.patient.issuer_of_patient_id:
        header.IssuerOfPatientID = facts.patient.issuer_of_patient_id
    header.StudyDate, header.StudyTime = facts.study_date, facts.study_time
    header.StudyDescription, header.AccessionNumber = facts.study_description, facts.accession_number
    header.Manufacturer, header.ManufacturerModelName = facts.manufacturer, facts.manufacturer_model_name
    return header
