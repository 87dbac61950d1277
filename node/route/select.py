"""From the series of one study to cases, and a reason for everything else.

Order: is the study about one patient; gates (own results, kinds, scouts, derived, body); routes, the first that takes
a series has it; one series per study and analysis (`prefer.py`); PET partners. At most one case per study asks for
lungs and at most one for lesions, so that a study has one current result of each.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from node.errors import Code, Reason, warn
from node.facts.series import SeriesFacts
from node.route.case import Case, Known, Passed, Role, Selection
from node.route.gates import gate, is_pet, own_result
from node.route.identity import differing_names, mixed_patients, mixed_study
from node.route.pairing import choice_among, is_attenuation_corrected, partners_of
from node.route.prefer import awaited, deciding, order
from node.route.route import Judgement, Route, Routes, judge
from node.route.scans import same_scan

__all__ = ["Case", "Known", "Passed", "Role", "Selection", "select"]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a route would do with what is installed."""

    route: Route
    lungs: str | None
    lesions: str | None
    series: tuple[SeriesFacts, ...]


def select(study: Sequence[SeriesFacts], routes: Routes, known: Known) -> Selection:
    """Decide which series of one study are analysed.

    Parameters
    ----------
    study : the series of one Study Instance UID, in any order; the answer does not depend on it
    routes : the rules
    known : called AE title, installed tasks, our own and rejected instances

    Returns
    -------
    Every series once: as anchor or partner of a case, or passed with its reasons.
    """
    ordered = sorted(study, key=lambda series: (series.series_instance_uid, series.study_instance_uid))
    # a result that came back after a correction still bears the identity it was made under (ID-CHANGED)
    ours = {id(series): own for series in ordered if (own := own_result(series, known)) is not None}
    received = [series for series in ordered if id(series) not in ours]
    mixed = mixed_patients(received)
    if mixed is not None:
        return Selection(passed=tuple(ours.get(id(s)) or Passed(s, (mixed,), Role.REFUSED) for s in ordered))
    passed = list(ours.values())
    open_series: list[SeriesFacts] = []
    for series in received:
        left = _left(series, known)
        if left is None:
            open_series.append(series)
        else:
            passed.append(left)
    wanted, unrouted = _offer([s for s in open_series if not is_pet(s)], routes, known)
    cases, passed_over = _choose(wanted)
    cases, unpaired = _pair(cases, [s for s in open_series if is_pet(s)], routes, earl=known.earl)
    warning = differing_names(received)
    if warning is not None:
        cases = tuple(replace(case, reasons=(*case.reasons, warning)) for case in cases)
    return Selection(cases, tuple(sorted((*passed, *unrouted, *passed_over, *unpaired), key=_uid)))


def _left(series: SeriesFacts, known: Known) -> Passed | None:
    """A series that no route is asked about."""
    if series.series_instance_uid in known.series_elsewhere:
        return Passed(series, (mixed_study(),), Role.REFUSED)
    return gate(series, known)


def _offer(
    candidates: Sequence[SeriesFacts], routes: Routes, known: Known
) -> tuple[tuple[_Wanted, ...], tuple[Passed, ...]]:
    """Give each series to the first route that takes it."""
    taken: dict[str, list[SeriesFacts]] = {route.name: [] for route in routes.routes}
    unrouted: list[Passed] = []
    for series in candidates:
        judgements = [judge(route, series, known) for route in routes.routes]
        taking = next((j.route for j in judgements if j.takes and _does_something(j.route, known)), None)
        if taking is None:
            unrouted.append(Passed(series, (_no_route(judgements),), Role.SKIPPED))
        else:
            taken[taking.name].append(series)
    wanted = tuple(
        _Wanted(route, route.lung_model(known), route.lesion_model(known), tuple(taken[route.name]))
        for route in routes.routes
        if taken[route.name]
    )
    return wanted, tuple(unrouted)


def _does_something(route: Route, known: Known) -> bool:
    return route.lung_model(known) is not None or route.lesion_model(known) is not None


def _no_route(judgements: Sequence[Judgement]) -> Reason:
    """RT-NOROUTE with every route's answer."""
    words = "; ".join(
        f"{judgement}, but no model for what it asks is installed" if judgement.takes else str(judgement)
        for judgement in judgements
    )
    return warn(Code.RT_NOROUTE, words)


def _choose(wanted: Sequence[_Wanted]) -> tuple[tuple[Case, ...], tuple[Passed, ...]]:
    """Take the best series of each route, and no analysis twice."""
    cases: list[Case] = []
    passed: list[Passed] = []
    for want in wanted:
        doing = {c.anchor.series_instance_uid: c for c in cases if _same_analysis(c, want)}
        if doing:
            earlier = next(iter(doing.values()))
            text = f"route {earlier.route!r} already analyses series {earlier.anchor.series_instance_uid} of this study"
            passed += [Passed(s, (warn(Code.RT_PASSED, text),), Role.PASSED_OVER) for s in want.series]
            continue
        best, *others = order(want.series, want.route.prefer)
        cases.append(_case(want, best, len(others)))
        passed += [_passed_over(want, best, other) for other in others]
    return tuple(cases), tuple(passed)


def _same_analysis(case: Case, want: _Wanted) -> bool:
    return bool((case.lungs and want.lungs) or (case.lesions and want.lesions))


def _case(want: _Wanted, best: SeriesFacts, n_others: int) -> Case:
    route = want.route
    why = [f"route {route.name!r} applies"]
    if n_others:
        why.append(f"best of {n_others + 1} series by {', '.join(route.prefer)}")
    return Case(
        route=route.name,
        anchor=best,
        partners=(),
        lungs=want.lungs,
        lesions=want.lesions,
        priority=route.priority,
        destinations=route.destinations,
        why=tuple(why),
        night=route.night,
        awaited=awaited(want.series, route.prefer),
    )


def _passed_over(want: _Wanted, best: SeriesFacts, other: SeriesFacts) -> Passed:
    kind = "another reconstruction of the same scan" if same_scan(best, other) else "another scan of the same study"
    rule = deciding(best, other, want.route.prefer, want.series)
    text = f"{kind} was chosen by the rule {rule!r}: series {best.series_instance_uid}"
    return Passed(other, (warn(Code.RT_PASSED, text),), Role.PASSED_OVER)


def _pair(
    cases: Sequence[Case], pets: Sequence[SeriesFacts], routes: Routes, *, earl: bool
) -> tuple[tuple[Case, ...], tuple[Passed, ...]]:
    """Give each case its PET; tell of every other PET why it has no part."""
    takes_pet = {route.name for route in routes.routes if route.pet}
    paired: list[Case] = []
    chosen: dict[str, SeriesFacts] = {}
    for case in cases:
        partners = partners_of(case.anchor, pets, earl=earl) if case.route in takes_pet else ()
        if partners and is_attenuation_corrected(partners[0]):
            chosen[partners[0].first.geometry.frame_of_reference_uid] = partners[0]
            why = f"PET series {partners[0].series_instance_uid} has the same frame of reference"
            choice = choice_among(partners, earl=earl)
            paired.append(replace(case, partners=partners[:1], why=(*case.why, why), partner_reasons=choice))
        else:
            paired.append(case)
    taken = {pet.series_instance_uid for pet in chosen.values()}
    rest = [pet for pet in pets if pet.series_instance_uid not in taken]
    anchored = {case.anchor.first.geometry.frame_of_reference_uid for case in cases} - {""}
    return tuple(paired), tuple(_unpaired(pet, chosen, anchored) for pet in rest)


def _unpaired(pet: SeriesFacts, chosen: dict[str, SeriesFacts], anchored: set[str]) -> Passed:
    """Say why a PET has no part: another was chosen, no CT for it, not corrected, or not wanted by the route."""
    frame = pet.first.geometry.frame_of_reference_uid
    if frame in chosen:
        text = f"another PET of the same frame of reference was chosen: series {chosen[frame].series_instance_uid}"
        return Passed(pet, (warn(Code.RT_PASSED, text),), Role.PASSED_OVER)
    reasons: list[Reason] = []
    if frame not in anchored:
        reasons.append(warn(Code.RT_NOPAIR, "no CT that is analysed has the frame of reference of this PET"))
    if not is_attenuation_corrected(pet):
        reasons.append(warn(Code.PT_NAC, "units, description or Corrected Image say: not corrected for attenuation"))
    if not reasons:
        reasons.append(warn(Code.RT_NOROUTE, "the route of the CT with this frame of reference takes no PET"))
    return Passed(pet, tuple(reasons), Role.SKIPPED)


def _uid(passed: Passed) -> str:
    return passed.series.series_instance_uid
