"""Why each rule applied to a series or did not: what `lungnode routes explain` shows."""

from collections.abc import Sequence
from dataclasses import dataclass

from node.errors import Reason
from node.facts.series import SeriesFacts
from node.route.case import Case, Known, Passed, Role
from node.route.conditions import Matched, NotMatched, Undecidable
from node.route.gates import gate
from node.route.route import Judgement, Routes, judge
from node.route.studies import select_among

_WORDS = {Matched: "matched", NotMatched: "not-matched", Undecidable: "undecidable"}


@dataclass(frozen=True, slots=True)
class Explanation:
    """One series: what was decided, and what every route says of it, also of those that are skipped before."""

    series: SeriesFacts
    role: str  # "analysed", "partner", or a Role
    reasons: tuple[Reason, ...]
    case: Case | None
    gate: Passed | None
    judgements: tuple[Judgement, ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """All series of a folder, and the study that is answered for."""

    study_instance_uid: str | None
    series: tuple[Explanation, ...]


def explain(all_series: Sequence[SeriesFacts], routes: Routes, known: Known) -> Explained:
    """Select, and tell of every series how it came about."""
    answered = select_among(all_series, routes, known)
    found: list[Explanation] = []
    for case in answered.selection.cases:
        found.append(_explanation(case.anchor, "analysed", case.reasons, case, routes, known))
        found += [_explanation(partner, "partner", (), case, routes, known) for partner in case.partners]
    found += [_explanation(p.series, p.role, p.reasons, None, routes, known) for p in answered.selection.passed]
    return Explained(answered.study_instance_uid, tuple(found))


def _explanation(
    series: SeriesFacts, role: str | Role, reasons: tuple[Reason, ...], case: Case | None, routes: Routes, known: Known
) -> Explanation:
    judgements = tuple(judge(route, series, known) for route in routes.routes)
    return Explanation(series, str(role), reasons, case, gate(series, known), judgements)


def as_json(explained: Explained) -> dict[str, object]:
    """Return what `--json` prints: no patient data, the values that rules looked at included."""
    return {
        "study_instance_uid": explained.study_instance_uid,
        "series": [_series_json(explanation) for explanation in explained.series],
    }


def _series_json(explanation: Explanation) -> dict[str, object]:
    case = explanation.case
    return {
        "series_instance_uid": explanation.series.series_instance_uid,
        "study_instance_uid": explanation.series.study_instance_uid,
        "modality": explanation.series.first.modality,
        "instances": explanation.series.n_instances,
        "role": explanation.role,
        "reasons": [{"code": r.code, "text": r.text, "severity": r.severity} for r in explanation.reasons],
        "route": case.route if case else None,
        "why": list(case.why) if case else [],
        "lungs": case.lungs if case else None,
        "lesions": case.lesions if case else None,
        "rules": [_judgement_json(judgement) for judgement in explanation.judgements],
    }


def _judgement_json(judgement: Judgement) -> dict[str, object]:
    return {
        "route": judgement.route.name,
        "line": judgement.route.line,
        "applies": judgement.takes,
        "conditions": [
            {
                "fact": condition.fact,
                "line": condition.line,
                "wanted": str(condition),
                "answer": _WORDS[type(answer)],
                "seen": None if isinstance(answer, Undecidable) else answer.seen,
            }
            for condition, answer in judgement.answers
        ],
    }
