"""One case in words: what it is, what became of it, step by step and destination by destination."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from node.engine.alerts import Alert, alert_of
from node.engine.clock import local_time
from node.engine.delivery_file import Delivery
from node.engine.job_state import Job
from node.report.kinds import KINDS, NOTICE_PICTURE, SUMMARY

_HEADINGS = ("STATE", "JOB", "LAST CHANGE", "SERIES", "RESULT")
_WHY = "WHY"  # the last column, as wide as it is
_DESCRIPTIONS = {kind.rung.value: kind.description for kind in (*KINDS, SUMMARY, NOTICE_PICTURE)}


def list_lines(jobs: tuple[Job, ...]) -> Iterator[str]:
    """Yield the lines of `jobs list`: headings, then one line a case; nothing where there is none."""
    if not jobs:
        return
    rows = [(j.state, j.case.workflow_id[:12], local_time(j.changed_s), _series(j), _result(j)) for j in jobs]
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows, strict=True)]
    for row, why in zip((_HEADINGS, *rows), (_WHY, *(j.why for j in jobs)), strict=True):
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        yield "  ".join((*cells, why)).rstrip()


def job_line(job: Job) -> str:
    """Return a case in one line, as `jobs show` begins with it."""
    return f"{job.state:<13} {job.case.workflow_id[:12]}  {_series(job)}  {_result(job)}  {job.why}"


def job_lines(job: Job, everything: dict[str, Any]) -> Iterator[str]:
    """Yield the lines of `jobs show`.

    Parameters
    ----------
    everything : what `jobs.details` returns.
    """
    case, result = job.case, everything["result"] or {}
    yield job_line(job)
    yield f"  study {case.study_instance_uid}"
    yield f"  series {case.anchor.series_instance_uid}, {len(case.anchor.files)} instances, route {case.route}"
    yield from (f"  with series {p.series_instance_uid}, {len(p.files)} instances" for p in case.partners)
    after = f", supersedes {case.predecessor[:12]}" if case.predecessor else ""
    yield f"  run {case.ordinal}{after}"
    if case.correction is not None:
        yield f"  measures what a reader drew: segmentation {case.correction}"
    yield f"  begun {everything['begun'] or 'not yet'}, ended {everything['ended'] or 'not yet'}"
    yield from (f"  {why}" for why in case.why)
    yield from (f"  {r['severity']} {r['code']}: {r['text']}" for r in result.get("reasons", ()))
    yield from (f"  ID-DUPDIFF: {uid} arrived again with other pixels or geometry" for uid in job.arrived_twice)
    yield from (_step(step) for step in everything["steps"])
    yield from (f"  {name} took {seconds:.2f} s" for name, seconds in result.get("timings_s", {}).items())
    yield from (_measurement(m) for m in result.get("measurements", ()))
    yield from (_object(o) for o in result.get("objects", ()))
    for delivery in job.deliveries:
        yield from _delivery(delivery, alert_of(case.workflow_id, delivery))


def waiting_line(line: dict[str, Any]) -> str:
    """Return a series that is not complete in one line."""
    until = local_time(float(line["until_s"]))
    instances = f"{line['n_instances']} instances"
    return f"waiting       {line['series_instance_uid']}  {instances}  {line['why']}; until {until} at the latest"


def decision_line(decision: dict[str, Any]) -> str:
    """Return why a series was chosen, waited for or passed over in one line.

    Parameters
    ----------
    decision : as `lookup.decision_json` returns it.
    """
    about = decision.get("series_uid") or decision.get("sop_uid") or "the study"
    code = f"{decision['code']}: " if "code" in decision else ""
    return f"{decision['decision']:<13} {about}  {code}{decision['why']}  {decision['at']}"


def _series(job: Job) -> str:
    return job.case.anchor.series_instance_uid


def _result(job: Job) -> str:
    newer = f"superseded by {job.superseded_by[:12]}" if job.superseded_by else ""
    return " ".join(part for part in (newer, job.outcome, *job.codes) if part)


def _step(step: dict[str, Any]) -> str:
    took = f" in {step['duration_s']:.2f} s" if step["duration_s"] is not None else ""
    return f"  step {step['step']} {step['error'] or 'done'}{took}"


def _measurement(measured: dict[str, Any]) -> str:
    where = " ".join(str(w) for w in (measured["side"], measured["zone"]) if w)
    if measured["value"] is None:
        return f"  {measured['name']} {where}: withheld by {', '.join(measured['refused_by'])}"
    return f"  {measured['name']} {where}: {measured['value']:.5g} {measured['unit']}"


def _object(made: dict[str, Any]) -> str:
    described = _DESCRIPTIONS.get(made["kind"], made["kind"])
    return f"  object {made['kind']} ({described}), series number {made['series_number']}, {made['sop_instance_uid']}"


def _delivery(delivery: Delivery, alert: Alert | None) -> Iterator[str]:
    yield f"  {delivery.destination}: {delivery.stage} after {delivery.attempts} attempts. {delivery.why}"
    if alert is not None:
        yield f"    {alert.code}, next: {alert.next_step}"
    for answer in delivery.answers:
        at = datetime.fromtimestamp(answer.at_s, UTC).isoformat(timespec="seconds")
        said = f"{answer.state} {answer.status} {answer.text}".strip()
        yield f"    attempt {answer.attempt} {at} {answer.sop_instance_uid}: {said}"
