"""A case once more, by order: new objects under new UIDs, with today's models and settings, that supersede the last."""

import time
from collections.abc import Callable
from dataclasses import replace

from dbos import DBOSClient

from node.engine.case_catalogue import CaseCatalogue, same_analysis
from node.engine.case_file import CaseFile, write_case
from node.engine.case_start import after
from node.engine.job_state import Job
from node.engine.queueing import enqueue_anew
from node.engine.rejections import all_rejected
from node.errors import InputRefused
from node.settings import Settings

Identify = Callable[[CaseFile], CaseFile]


def again(settings: Settings, engine: DBOSClient, found: Job, identify: Identify) -> CaseFile:
    """Queue a further run of a case (standards 1.3 and 1.9): `run` is one more, so no UID is used twice.

    Raises
    ------
    InputRefused
        JOB-REJECTED where a rejection note names its images, JOB-SUPERSEDED where a newer run is to be ordered again
        instead, JOB-CORRECTION where it measures what a reader drew, JOB-GONE where its images are no longer kept.
    """
    case, catalogue = found.case, CaseCatalogue(settings.data_dir)
    _refuse(settings, found, catalogue)
    runs = [c.run for c in catalogue.of_study(case.study_instance_uid) if same_analysis(c, case)]
    draft = replace(
        case,
        workflow_id="",
        identity=None,
        run=max(runs) + 1,
        predecessor=None,
        why=(*case.why, "ordered once more by hand"),
        created_s=time.time(),
        not_before_s=0.0,
    )
    newest = catalogue.newest_like(case)
    begun = after(settings.data_dir, engine, identify(draft), newest)
    write_case(settings.data_dir, begun)
    enqueue_anew(engine, begun)
    return begun


def _refuse(settings: Settings, found: Job, catalogue: CaseCatalogue) -> None:
    case = found.case
    series = (case.anchor, *case.partners)
    sources = {one.series_instance_uid for one in series} | {uid for one in series for uid, _ in one.files}
    if not sources.isdisjoint(all_rejected(settings.data_dir)):
        raise InputRefused("JOB-REJECTED", f"{found.why}; nothing derived from these images is made again")
    if case.correction is not None:
        raise InputRefused("JOB-CORRECTION", "it measures what a reader drew, which another run would not change")
    newest = catalogue.newest_like(case)
    if newest is not None and newest.workflow_id != case.workflow_id and newest.correction is None:
        raise InputRefused("JOB-SUPERSEDED", f"job {newest.workflow_id[:12]} is a newer run of it: order that again")
    if not all((settings.data_dir / path).exists() for one in series for _, path in one.files):
        raise InputRefused("JOB-GONE", "its images are no longer kept here: send the study again")
