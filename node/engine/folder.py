"""A folder of DICOM in, one outcome out: what `lungnode analyse` does, without a server.

It answers for one study; every series and every file that was found is in the outcome with its reason.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from node.engine.analysis import write_analysis
from node.engine.findings import findings_of
from node.engine.known import known_of
from node.engine.line import analyse_volume, as_asked, encode_case, identify, model_of, pet_of, read_case, timed
from node.engine.notices import encode_notices
from node.engine.outcome import FileLine, Outcome, SeriesLine, SeriesRole, Verdict, pet_series
from node.engine.pet_line import PET_WAITS, line_of_headers, lines_of_passed
from node.engine.shares import folder_share
from node.errors import Misconfigured, Refusal
from node.facts.folder import Folder, read_folder
from node.facts.rejection import rejected_by
from node.report.notice import NoticeInput
from node.route.case import Case, Passed, Role
from node.route.route import Routes
from node.route.rules import load_routes
from node.route.studies import Answered, select_among
from node.settings import Rung, Settings

Told = Callable[[str], None]  # is told the name of each step as it begins


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person asked for beside the folder; None leaves it to the rules and the settings."""

    route: str | None = None
    lungs: str | None = None
    lesions: str | None = None
    objects: tuple[Rung, ...] | None = None


def analyse_folder(path: Path, out_dir: Path, settings: Settings, asked: Asked, tell: Told) -> Outcome:
    """Analyse the one study of a folder that has something to analyse, and write its objects below `out_dir`.

    Raises
    ------
    Misconfigured
        CFG-ROUTES, SYS-MODEL; CLI-ROUTE where the route that was asked for does not exist.
    """
    timings_s: dict[str, float] = {}
    tell("reading headers")
    with timed("headers", timings_s):
        folder = read_folder(path)
    known = replace(known_of(settings), rejected_uids=rejected_by(f for s in folder.series for f in s.files))
    answered = select_among(folder.series, _routes(settings, asked), known)
    outcome = _base(folder, answered, path)
    cases = answered.selection.cases
    if not cases:
        return outcome
    out_dir.mkdir(parents=True, exist_ok=True)
    share = folder_share(settings, asked.objects)
    made = [_analyse_one(_as_asked(case, asked), out_dir, settings, share, tell) for case in cases]
    return _joined(outcome, made, timings_s)


@dataclass(frozen=True, slots=True)
class _Made:
    """What one case came to."""

    case: Case
    outcome: Outcome


def _analyse_one(case: Case, out_dir: Path, settings: Settings, share: frozenset[Rung], tell: Told) -> _Made:
    timings_s: dict[str, float] = {}
    model = model_of(case, settings)
    tell("reading pixels")
    with timed("read", timings_s):
        volume = read_case(case, settings)
    if isinstance(volume, Refusal):
        return _refused(case, volume, out_dir, settings, share)
    tell("segmenting and measuring")
    without_id = settings.rules.refuse_without_patient_id
    analysis = analyse_volume(volume, model, pet_of(case), refuse_without_patient_id=without_id)
    if isinstance(analysis, Refusal):
        return _refused(case, analysis, out_dir, settings, share)
    analysis = as_asked(analysis, case)
    analysis.timings_s.update(timings_s)
    write_analysis(analysis, volume, out_dir)
    tell("encoding")
    identity = identify(case, model, settings)
    with timed("encode", timings_s):
        now = datetime.now(UTC).astimezone()
        objects = encode_case(case, identity, settings, out_dir, now=now, volume=volume, shares=(share,))
    found = analysis.segmentation
    verdict = Verdict.PROCESSED if any(o.kind == Rung.SEG for o in objects) else Verdict.NOTHING_FOUND
    return _Made(
        case,
        Outcome(
            verdict,
            case.anchor.study_instance_uid,
            reasons=(*case.reasons, *analysis.reasons),
            unsure=found.unsure,
            models=found.models,
            measurements=analysis.quantities,
            findings=findings_of(analysis, case.anchor.series_instance_uid, identity),
            pet=() if analysis.pet is None else (analysis.pet.line,),
            objects=objects,
            timings_s={**analysis.timings_s, **timings_s},
        ),
    )


def _refused(case: Case, refusal: Refusal, out_dir: Path, settings: Settings, share: frozenset[Rung]) -> _Made:
    model = model_of(case, settings)
    notice = NoticeInput(
        identity=identify(case, model, settings),
        series=case.anchor,
        refusal=refusal,
        objects=settings.objects,
        now=datetime.now(UTC).astimezone(),
        models=model.identities,
    )
    objects = encode_notices(notice, out_dir, (share,))
    outcome = Outcome(
        Verdict.REFUSED,
        case.anchor.study_instance_uid,
        reasons=(*case.reasons, *refusal.reasons),
        pet=tuple(line_of_headers(p, (PET_WAITS,)) for p in case.partners),
        objects=objects,
    )
    return _Made(case, outcome)


def _base(folder: Folder, answered: Answered, path: Path) -> Outcome:
    """Everything that was found and left, before any case is analysed."""
    passed = answered.selection.passed
    refused = [p for p in passed if p.role is Role.REFUSED]
    root = path if path.is_dir() else path.parent
    return Outcome(
        Verdict.REFUSED if refused else Verdict.NOT_ROUTED,
        answered.study_instance_uid,
        reasons=tuple(dict.fromkeys(reason for p in refused for reason in p.reasons)),
        series=tuple(_line(p) for p in passed),
        pet=lines_of_passed(passed),
        files=tuple(FileLine(f.path.relative_to(root).as_posix(), f.code, f.foreign) for f in folder.unread),
    )


def _joined(base: Outcome, made: list[_Made], timings_s: dict[str, float]) -> Outcome:
    """One outcome of all cases of the study: processed where any was."""
    best = next((m.outcome for m in made if m.outcome.verdict.exit_code == 0), made[0].outcome)
    lines = tuple(line for m in made for line in _lines_of(m))
    return replace(
        best,
        reasons=tuple(dict.fromkeys(reason for m in made for reason in m.outcome.reasons)),
        series=tuple(sorted((*base.series, *lines), key=lambda s: s.series_instance_uid)),
        files=base.files,
        findings=tuple(f for m in made for f in m.outcome.findings),
        pet=(*(line for m in made for line in m.outcome.pet), *base.pet),
        objects=tuple(o for m in made for o in m.outcome.objects),
        timings_s={**timings_s, **best.timings_s},
    )


def _lines_of(made: _Made) -> tuple[SeriesLine, ...]:
    refused = made.outcome.verdict is Verdict.REFUSED
    role = SeriesRole.REFUSED if refused else SeriesRole.ANALYSED
    anchor = made.case.anchor
    own = SeriesLine(anchor.series_instance_uid, anchor.first.modality, role, made.outcome.reasons)
    measured = {} if refused else {line.series_instance_uid: line for line in made.outcome.pet}
    partners = (
        pet_series(p.series_instance_uid, p.first.modality, measured.get(p.series_instance_uid))
        for p in made.case.partners
    )
    return (own, *partners)


def _line(passed: Passed) -> SeriesLine:
    first = passed.series.first
    return SeriesLine(first.series_instance_uid, first.modality, SeriesRole(passed.role.value), passed.reasons)


def _routes(settings: Settings, asked: Asked) -> Routes:
    routes = load_routes(settings.rules.routes)
    if asked.route is None:
        return routes
    chosen = tuple(route for route in routes.routes if route.name == asked.route)
    if not chosen:
        names = ", ".join(route.name for route in routes.routes)
        raise Misconfigured("CLI-ROUTE", f"there is no route {asked.route!r}; there are: {names}")
    return replace(routes, routes=chosen)


def _as_asked(case: Case, asked: Asked) -> Case:
    return replace(case, lungs=asked.lungs or case.lungs, lesions=asked.lesions or case.lesions)
