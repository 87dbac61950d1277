"""Look for a prior of the same patient in the archives and fetch it, in the worker and within a time.

A thread asks and fetches; when the time is up nobody waits for it any more, whatever the archive does.
"""

import queue
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog

from node.archive.endpoint import Endpoint, endpoint_of_archive
from node.archive.priors import Wanted, fetch_prior, find_priors
from node.engine.case_file import CaseFile, result_folder
from node.errors import Code, LungnodeError, Reason, warn
from node.facts.instance import InstanceFacts
from node.facts.read import Unread, read_facts
from node.settings import Settings

_LOOK_EVERY_S = 0.1
PRIOR_FOLDER = "prior"


@dataclass(frozen=True, slots=True)
class Sought:
    """A folder with the prior's images, or why there is none; neither where the archives know of no prior."""

    folder: Path | None = None
    reasons: tuple[Reason, ...] = ()


SeekPrior = Callable[[CaseFile, float, Callable[[], bool]], Sought]


def late(limit_s: float) -> Reason:
    """Return what a result says that went out without its comparison."""
    return warn(Code.PRIOR_LATE, f"the prior was not found, fetched and measured within {limit_s:g} s")


def rest_s(folder: Path, limit_s: float) -> float:
    """Return how much of the limit is left: it began when the analysis was finished, whoever goes on with it."""
    try:
        finished_s = (folder / "analysis.json").stat().st_mtime
    except FileNotFoundError:
        return limit_s
    return limit_s - max(0.0, time.time() - finished_s)


def seek_prior(settings: Settings, case: CaseFile, until_s: float, cancelled: Callable[[], bool]) -> Sought:
    """Find and fetch the newest, most alike earlier CT of the patient.

    Parameters
    ----------
    until_s : when to give up, by `time.monotonic()`
    cancelled : looked at while waiting; nothing is found then
    """
    endpoints = [endpoint_of_archive(a, settings.receive.ae_title) for a in settings.archives]
    facts = read_facts(settings.data_dir / case.anchor.files[0][1])
    if isinstance(facts, Unread) or not any(endpoints):
        return Sought()
    doubt = _doubt(facts, settings)
    if doubt is not None:
        return Sought(reasons=(doubt,))
    folder = result_folder(settings.data_dir, case.workflow_id) / PRIOR_FOLDER
    shutil.rmtree(folder, ignore_errors=True)  # of a step that was killed
    answers: queue.SimpleQueue[Sought] = queue.SimpleQueue()
    wanted = _wanted(facts, len(case.anchor.files))
    seeker = _Seeker(wanted, tuple(e for e in endpoints if e is not None), folder, until_s, answers)
    threading.Thread(target=seeker.run, daemon=True).start()
    while time.monotonic() < until_s and not cancelled():
        try:
            return answers.get(timeout=_LOOK_EVERY_S)
        except queue.Empty:
            continue
    return Sought(reasons=(late(settings.completeness.prior_wait_s),))


@dataclass(frozen=True, slots=True)
class _Seeker:
    """Asks one archive after the other until one gives a prior."""

    wanted: Wanted
    endpoints: tuple[Endpoint, ...]
    folder: Path
    until_s: float
    answers: "queue.SimpleQueue[Sought]"

    def run(self) -> None:
        reasons: dict[Code, Reason] = {}
        for endpoint in self.endpoints:
            try:
                reason = self._ask(endpoint)
            except LungnodeError as error:
                structlog.get_logger().warning("engine.prior_unfetched", code=error.code)
                reason = warn(Code.PRIOR_AWAY, f"the archive did not give the prior study ({error.code})")
            if self.folder.exists():
                self.answers.put(Sought(self.folder))
                return
            if reason is not None:
                reasons.setdefault(reason.code, reason)
        self.answers.put(Sought(reasons=tuple(reasons.values())))

    def _ask(self, endpoint: Endpoint) -> Reason | None:
        found = find_priors(endpoint, self.wanted)
        if found.series:
            fetch_prior(endpoint, found.series[0], self.folder, until_s=self.until_s)
            return None
        if found.others:
            text = f"{found.others} earlier studies under this Patient ID have another issuer, birth date or sex"
            return warn(Code.PRIOR_ID, text)
        return None


def _doubt(facts: InstanceFacts, settings: Settings) -> Reason | None:
    """Say why the patient's headers are not enough to look for a prior."""
    if not facts.patient.patient_id:
        return warn(Code.PRIOR_ID, "the Patient ID is empty")
    if not facts.patient.birth_date and not settings.rules.compare_without_birth_date:
        return warn(Code.PRIOR_ID, "the birth date is empty")
    return None


def _wanted(facts: InstanceFacts, n_instances: int) -> Wanted:
    return Wanted(
        study_uid=facts.study_instance_uid,
        study_date=facts.study_date,
        identity=facts.patient.identity,
        description=facts.series_description,
        kernel="\\".join(facts.convolution_kernel),
        thickness_mm=facts.geometry.slice_thickness_mm,
        n_instances=n_instances,
    )
