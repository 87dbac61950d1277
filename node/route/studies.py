"""A folder with several studies: which one is answered for (RT-STUDY).

The newest by Study Date and Time of those with something to analyse, then the one with more slices to analyse, then
the lower UID. Where none has anything, one that was refused is answered for, so that the refusal is seen.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from node.errors import Code, warn
from node.facts.series import SeriesFacts
from node.route.case import Known, Passed, Role, Selection
from node.route.features import n_slices
from node.route.identity import series_in_several_studies
from node.route.route import Routes
from node.route.select import select


@dataclass(frozen=True, slots=True)
class Answered:
    """The study that is answered for, None where there is nothing to say of any; every series is in `selection`."""

    study_instance_uid: str | None
    selection: Selection


def select_among(all_series: Sequence[SeriesFacts], routes: Routes, known: Known) -> Answered:
    """Select in each study, then keep the cases of one."""
    known = replace(known, series_elsewhere=series_in_several_studies(all_series))
    studies: defaultdict[str, list[SeriesFacts]] = defaultdict(list)
    for series in all_series:
        studies[series.study_instance_uid].append(series)
    selections = {uid: select(study, routes, known) for uid, study in sorted(studies.items())}
    answered = _answered(selections)
    passed = [p for uid, selection in selections.items() for p in _passed(selection, is_answered=uid == answered)]
    cases = selections[answered].cases if answered else ()
    return Answered(answered, Selection(cases, tuple(passed)))


def _answered(selections: dict[str, Selection]) -> str | None:
    with_cases = {uid: s for uid, s in selections.items() if s.cases}
    if with_cases:
        return min(with_cases, key=lambda uid: (*_newest_first(with_cases[uid]), uid))
    return next((uid for uid, s in selections.items() if any(p.role is Role.REFUSED for p in s.passed)), None)


def _newest_first(selection: Selection) -> tuple[int, float, int]:
    """Return a key that is smaller for later studies and for more slices."""
    facts = selection.cases[0].anchor.first
    slices = sum(n_slices(case.anchor) for case in selection.cases)
    return (-int(facts.study_date or 0), -_seconds(facts.study_time), -slices)


def _seconds(time: str) -> float:
    """Return a TM as seconds of the day; -1 where it is unknown."""
    if len(time) < 2:
        return -1.0
    whole, _, fraction = time.partition(".")
    hours, minutes, seconds = whole[:2], whole[2:4] or "0", whole[4:6] or "0"
    return int(hours) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction or 0}")


def _passed(selection: Selection, *, is_answered: bool) -> tuple[Passed, ...]:
    if is_answered:
        return selection.passed
    left = [series for case in selection.cases for series in (case.anchor, *case.partners)]
    reason = warn(Code.RT_STUDY, "a newer study in the same folder is answered for")
    return (*selection.passed, *(Passed(series, (reason,), Role.PASSED_OVER) for series in left))
