"""The durable steps of a case: idempotent, harmless when they overlap; their values are codes, names and UIDs."""

import itertools
import random
import shutil
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from pydantic import TypeAdapter

from node.deliver.look_first import NO_DESTINATION
from node.deliver.receipt import Outgoing
from node.engine.alerts import log_alert
from node.engine.backoff import Breaker, delay_s
from node.engine.case_file import CaseFile, read_case_file, result_folder
from node.engine.crew import NO_FORK, ChildEnded, Crew, NoProcess, StepCancelled, StepOverTime
from node.engine.delivery import Ways, all_retryable, attempt, broken_off, decide
from node.engine.delivery_file import Delivery, Stage, delivery_path, read_delivery, write_delivery
from node.engine.error_json import UNEXPECTED
from node.engine.files import publish_json
from node.engine.full_disk import FULL
from node.engine.outbox import kept, outgoing
from node.engine.pause import paused_because
from node.engine.prior import PRIOR_FOLDER, SeekPrior, Sought, late, rest_s
from node.engine.refusal_file import write_refusal
from node.engine.stopped import Stopped, is_rejected, mark_stopped
from node.engine.waiting_file import KeptBack, goes_on, mark_waiting
from node.errors import Code, LungnodeError, OurMistake, Reason, Refusal, WorldUnavailable, refuse, warn
from node.report.share import share_of
from node.settings import Destination, Settings

_OUT_OF_MEMORY_SIGNAL = 9  # the kernel's way of saying so
_TRIES = 3  # of a step that takes its process down
_FIRST_FORK_S, _LONGEST_FORK_S = 1.0, 60.0  # until another process is tried to be started
_NOTE_WITHIN_S = 120.0  # to write down why there is no comparison
_ENCODE_WITHIN_S = 1800.0  # not the limit of analyses: a series that took too long gets its notice
_REJECTED = f"{Code.ID_REJECTED}: a rejection note stopped it"
SAFE_FILE = "safe.json"
_reasons = TypeAdapter(tuple[Reason, ...])

IdentityCheck = Callable[[str, Path], str | None]  # study, a result: how the archive's identity differs, if it does
CancelCheck = Callable[[], bool]


@dataclass
class Steps:
    """The steps with what they hold: child processes, breakers, the switch that ends them."""

    settings: Settings
    crew: Crew
    ways: Ways
    identity_differs: IdentityCheck
    enough_disk: Callable[[], bool]
    seek_prior: SeekPrior | None = None
    disk_refuses: Callable[[], bool] = lambda: False  # takes nothing at all, by its quota too
    unrecorded: threading.Event = field(default_factory=threading.Event)  # what became of a step was not kept
    stopping: threading.Event = field(default_factory=threading.Event)
    _breakers: dict[str, Breaker] = field(default_factory=dict)

    def analyse(self, workflow_id: str, cancelled: CancelCheck) -> dict[str, Any]:
        """Read, segment and measure in a child process; a refusal is a result."""
        folder = result_folder(self.settings.data_dir, workflow_id)
        self._wait_until(self._keeps_from_work, folder, cancelled)
        try:
            found: dict[str, Any] = self._heavy("analyse", workflow_id, self.settings.compute.limit_s, cancelled)
        except StepOverTime:
            limit_s = self.settings.compute.limit_s
            return self._refused(folder, Code.SYS_TIME, f"the analysis took longer than {limit_s:.0f} s")
        except ChildEnded as ended:
            if ended.by_signal != _OUT_OF_MEMORY_SIGNAL:
                raise OurMistake("STEP-CRASH", f"the analysis ended its process {_TRIES} times: {ended}") from ended
            return self._refused(folder, Code.SYS_MEM, "the analysis needs more memory than there is")
        return self._with_second_look(workflow_id, found)

    def superseded(self, workflow_id: str) -> bool:
        """Whether more of the series came while its first look was being considered; then intake begins anew."""
        case = self._case(workflow_id)
        series = self.settings.data_dir / Path(case.anchor.files[0][1]).parent
        if sum(1 for _ in series.glob("*.dcm")) <= len(case.anchor.files):
            return False
        folder = result_folder(self.settings.data_dir, workflow_id)
        mark_stopped(folder, Stopped.SUPERSEDED, "lungs touched an end slice, and more slices came")
        return True

    def compare(self, workflow_id: str, cancelled: CancelCheck) -> dict[str, Any]:
        """Compare with a prior of the patient, in the time that the settings give; the result goes out without it."""
        limit_s = self.settings.completeness.prior_wait_s
        if self.seek_prior is None or not self.settings.archives or limit_s <= 0.0:
            return {"codes": []}
        folder = result_folder(self.settings.data_dir, workflow_id)
        until_s = time.monotonic() + rest_s(folder, limit_s)
        sought = self.seek_prior(self._case(workflow_id), until_s, lambda: self.stopping.is_set() or cancelled())
        if self.stopping.is_set() or cancelled():
            raise StepCancelled
        if sought.folder is None and not sought.reasons:
            return {"codes": []}
        try:
            return {"codes": self._compared(workflow_id, sought, until_s - time.monotonic(), cancelled)}
        finally:
            shutil.rmtree(folder / PRIOR_FOLDER, ignore_errors=True)

    def _compared(self, workflow_id: str, sought: Sought, rest_s: float, cancelled: CancelCheck) -> list[str]:
        codes: list[str]
        reasons = sought.reasons
        if sought.folder is not None:
            try:
                codes = self._heavy("compare", workflow_id, rest_s, cancelled, **_with(sought))
            except StepOverTime:
                reasons = (late(self.settings.completeness.prior_wait_s),)
            except LungnodeError as error:  # a prior of which nobody knows what is wrong with it is no fault of today's
                structlog.get_logger().error("engine.prior_failed", workflow_id=workflow_id, code=error.code)
                reasons = (warn(Code.PRIOR_REFUSED, f"the prior could not be measured ({error.code})"),)
            except ChildEnded as ended:
                reasons = (warn(Code.PRIOR_REFUSED, f"to measure the prior ended its process {_TRIES} times: {ended}"),)
            else:
                return codes
        codes = self._heavy("compare", workflow_id, _NOTE_WITHIN_S, cancelled, **_with(Sought(reasons=reasons)))
        return codes

    def encode(self, workflow_id: str, cancelled: CancelCheck) -> list[str]:
        """Make the objects, check them and keep their bytes; those that are kept already are not made again."""
        folder = result_folder(self.settings.data_dir, workflow_id)
        if kept(folder) is None:
            try:
                self._heavy("encode", workflow_id, _ENCODE_WITHIN_S, cancelled)
            except (StepOverTime, ChildEnded) as error:
                raise OurMistake("STEP-CRASH", f"the objects could not be made: {error}") from error
        objects = kept(folder)
        if objects is None:
            raise OurMistake("ENG-OUTBOX", "encode left no objects behind")
        return [o.sop_instance_uid for o in objects]

    def destinations(self, workflow_id: str) -> list[str]:
        """Name the destinations of a case: those of its route, else all."""
        names = self._case(workflow_id).goes_to(d.name for d in self.settings.destinations)
        folder = result_folder(self.settings.data_dir, workflow_id)
        for name in names:
            if not delivery_path(folder, name).exists():
                write_delivery(folder, Delivery(name, due_s=time.time()))
        return names

    def attempt(self, workflow_id: str, name: str, due_s: float, cancelled: CancelCheck) -> dict[str, Any]:
        """Try one destination once, and say how it stands and how long to wait before the next attempt."""
        folder = result_folder(self.settings.data_dir, workflow_id)
        self._wait_until(self._is_paused, folder, cancelled)
        destination = self._destination(name)
        delivery = replace(read_delivery(folder, name), due_s=due_s)
        if is_rejected(folder):
            return self._keep(folder, replace(delivery, stage=Stage.CANCELLED, next_s=None, why=_REJECTED))
        if destination is None:
            return self._keep(folder, replace(delivery, stage=Stage.DEAD, why=NO_DESTINATION))
        breaker = self._breaker(destination)
        wait_s = breaker.wait_s(time.monotonic())
        if wait_s > 0:
            return {"stage": Stage.WAITING.value, "wait_s": wait_s + random.random()}  # noqa: S311 - spreads load only
        case = self._case(workflow_id)
        objects = self._objects_for(folder, case, destination)
        try:
            differs = self.identity_differs(case.study_instance_uid, objects[0].path) if objects else None
        except WorldUnavailable as error:
            return self._keep_broken_off(folder, delivery, destination, f"{error.code}: {error.message}")
        if differs is not None:
            return self._keep(folder, replace(delivery, stage=Stage.HELD, next_s=None, why=differs))
        return self._tried(folder, objects, delivery, destination, breaker)

    def broken_off(self, workflow_id: str, name: str, due_s: float, error: Exception) -> dict[str, Any]:
        """Say how a delivery goes on whose attempt raised: a workflow that ended here would never deliver again.

        A mistake of ours would be made again, so it is given up at once, for a person to see, and raised.
        """
        folder = result_folder(self.settings.data_dir, workflow_id)
        destination = self._destination(name)
        why = f"{type(error).__name__}; the log has the details"
        if isinstance(error, LungnodeError):
            why = f"{error.code}: {error.message}"
        try:
            delivery = replace(read_delivery(folder, name), due_s=due_s)
            if destination is None or isinstance(error, OurMistake):
                self._keep(folder, replace(delivery, stage=Stage.DEAD, next_s=None, why=why))
                raise error
            return self._keep_broken_off(folder, delivery, destination, why)
        except OSError:  # a disk that is full or away: nothing can be kept now
            return {"stage": Stage.WAITING.value, "wait_s": destination.longest_retry_s if destination else 60.0}

    def settle(self, workflow_id: str) -> bool:
        """Mark the case as safe once every destination is; until then nothing of it may be deleted.

        One that no destination is configured for is safe nowhere, unless it says itself that nobody is to get it.
        """
        folder = result_folder(self.settings.data_dir, workflow_id)
        names = self.destinations(workflow_id)
        if not names and self._case(workflow_id).destinations != ():
            return False
        if any(read_delivery(folder, name).stage is not Stage.SAFE for name in names):
            return False
        publish_json(folder / SAFE_FILE, {"at_s": time.time()})
        return True

    def _tried(
        self,
        folder: Path,
        objects: tuple[Outgoing, ...],
        delivery: Delivery,
        destination: Destination,
        breaker: Breaker,
    ) -> dict[str, Any]:
        tried = attempt(
            delivery, objects, destination, self.ways, now_s=time.time(), keep=lambda d: write_delivery(folder, d)
        )
        jitter = random.random()  # noqa: S311 - spreads load only
        if all_retryable(tried, objects):
            breaker.failed(time.monotonic(), jitter=jitter)
        else:
            breaker.succeeded()
        decided = decide(tried, objects, destination, now_s=time.time(), jitter=jitter, fails_everybody=breaker.is_open)
        return self._keep(folder, decided)

    def _objects_for(self, folder: Path, case: CaseFile, destination: Destination) -> tuple[Outgoing, ...]:
        objects = kept(folder)
        if objects is None:
            raise OurMistake("ENG-OUTBOX", "a delivery was started before its objects were kept")
        return outgoing(folder, share_of(objects, destination.rungs), case.study_instance_uid)

    def _heavy(self, job: str, workflow_id: str, limit_s: float, cancelled: CancelCheck, **more: Any) -> Any:
        """Run a job in a child process; one that takes its process down is tried again, but not for ever."""
        arguments = {"settings": without_secrets(self.settings), "workflow_id": workflow_id} | more
        for tried in range(1, _TRIES + 1):
            try:
                return self._called(job, arguments, limit_s, cancelled)
            except ChildEnded as ended:
                structlog.get_logger().warning("engine.child_ended", workflow_id=workflow_id, step=job, attempt=tried)
                if tried == _TRIES:
                    raise ended from None
        raise OurMistake("STEP-CRASH", "no attempt was made")

    def _called(self, job: str, arguments: dict[str, Any], limit_s: float, cancelled: CancelCheck) -> Any:
        """Run a job as soon as there is a process for it; a machine that has none to give is waited for.

        One that failed because the disk takes nothing is run again once it does.
        """
        workflow_id = arguments["workflow_id"]
        folder = result_folder(self.settings.data_dir, workflow_id)
        for tried in itertools.count(1):
            try:
                return self.crew.call(
                    job, arguments, limit_s=limit_s, cancelled=lambda: self.stopping.is_set() or cancelled()
                )
            except OurMistake as error:  # libraries say of a full disk what they like
                if error.code != UNEXPECTED or not self.disk_refuses():
                    raise
                structlog.get_logger().error("engine.step_waits", workflow_id=workflow_id, step=job, code=FULL)
                self._wait_until(self._disk_is_full, folder, cancelled)
                if cancelled():
                    raise StepCancelled from error
                continue
            except NoProcess as error:
                jitter = random.random()  # noqa: S311 - spreads load only
                wait_s = delay_s(tried, first_s=_FIRST_FORK_S, longest_s=_LONGEST_FORK_S, jitter=jitter)
                structlog.get_logger().error(
                    "engine.no_process", workflow_id=workflow_id, step=job, code=NO_FORK, why=error.message
                )
            until_s = time.monotonic() + wait_s
            self._wait_until(partial(_no_process_until, until_s), folder, cancelled)
            if cancelled():
                raise StepCancelled
        raise OurMistake("STEP-CRASH", "no attempt was made")

    def _with_second_look(self, workflow_id: str, found: dict[str, Any]) -> dict[str, Any]:
        """Ask for one more quiet time where lungs touch an end slice and nobody has said how many there are."""
        if Code.GEO_PARTIAL.value in found["codes"] and not self._case(workflow_id).proved:
            return found | {"look_again_s": self.settings.completeness.quiet_s}
        return found

    def _refused(self, folder: Path, code: Code, text: str) -> dict[str, Any]:
        write_refusal(folder, Refusal((refuse(code, text),)))
        return {"outcome": "refused", "codes": [code.value]}

    def _keep(self, folder: Path, delivery: Delivery) -> dict[str, Any]:
        write_delivery(folder, delivery)
        log_alert(folder.name, delivery)
        wait_s = max(0.0, (delivery.next_s or 0.0) - time.time())
        return {"stage": delivery.stage.value, "wait_s": wait_s}

    def _keep_broken_off(self, folder: Path, delivery: Delivery, destination: Destination, why: str) -> dict[str, Any]:
        jitter = random.random()  # noqa: S311 - spreads load only
        return self._keep(folder, broken_off(delivery, destination, why, now_s=time.time(), jitter=jitter))

    def _case(self, workflow_id: str) -> CaseFile:
        case = read_case_file(self.settings.data_dir, workflow_id)
        if case is None:
            raise OurMistake("ENG-CASE", "a workflow has no case on disk")
        return case

    def _destination(self, name: str) -> Destination | None:
        return next((d for d in self.settings.destinations if d.name == name), None)

    def _breaker(self, destination: Destination) -> Breaker:
        return self._breakers.setdefault(
            destination.name, Breaker(first_s=destination.first_retry_s, longest_s=destination.longest_retry_s)
        )

    def _wait_until(self, keeps: Callable[[], KeptBack | None], folder: Path, cancelled: CancelCheck) -> None:
        """Begin nothing while something keeps the node from it, and tell what."""
        while (why := keeps()) is not None and not cancelled():
            with suppress(OSError):  # of a disk that takes nothing, it cannot be kept
                mark_waiting(folder, why)
            self._nap()
        goes_on(folder)

    def _is_paused(self) -> KeptBack | None:
        return KeptBack.PAUSED if paused_because(self.settings.data_dir) is not None else None

    def _disk_is_full(self) -> KeptBack | None:
        return KeptBack.DISK if self.disk_refuses() else None

    def _keeps_from_work(self) -> KeptBack | None:
        """Say why nothing new may start: paused, or the disk is below its soft mark."""
        return self._is_paused() or (None if self.enough_disk() else KeptBack.DISK)

    def _nap(self) -> None:
        if self.stopping.wait(self.settings.engine.poll_s):
            threading.Event().wait()  # the process is about to end; the step must not look finished


def _no_process_until(until_s: float) -> KeptBack | None:
    """Say that a process is waited for, until a time of the monotonic clock."""
    return KeptBack.NO_PROCESS if time.monotonic() < until_s else None


def _with(sought: Sought) -> dict[str, Any]:
    """Return what the child process needs to know of the search."""
    prior = None if sought.folder is None else str(sought.folder)
    return {"prior": prior, "reasons": _reasons.dump_python(sought.reasons, mode="json")}


def without_secrets(settings: Settings) -> dict[str, Any]:
    """Return the settings as a child process needs them; of a destination it needs to know what goes there."""
    secret = {"username", "password", "token"}
    return settings.model_dump(mode="json", exclude={"archives": True, "destinations": {"__all__": secret}})
