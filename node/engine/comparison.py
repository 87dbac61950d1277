"""Compare a kept analysis with a prior that was fetched, by today's model and line. Runs in a child process."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from node.engine import line
from node.engine.analysis import Analysis
from node.engine.prior_line import PriorLine
from node.engine.tracks import read_tracks, write_tracks
from node.errors import Code, Reason, Refusal, warn
from node.facts.folder import read_folder
from node.facts.series import SeriesFacts
from node.measure.lesions.before import FirstSeen
from node.measure.lesions.follow_up import Examination, follow_up
from node.measure.lesions.identity import Track, same_scan, tracks_of, with_identities
from node.measure.lesions.values import LesionMeasurements
from node.route.case import Case
from node.settings import Settings
from node.volume.volume import Volume


def with_known_identities(analysis: Analysis, series: SeriesFacts, data_dir: Path) -> Analysis:
    """Give the lesions of a re-run the keys and numbers of the first run on the series, and keep the new ones."""
    study_uid, series_uid = series.study_instance_uid, series.series_instance_uid
    known = read_tracks(data_dir, study_uid, series_uid)
    segmentation, lesions = with_identities(
        analysis.segmentation,
        analysis.lesions,
        same_scan(analysis.lesions, known),
        known,
        FirstSeen(study_uid, series_uid),
    )
    gone = [track for track in known if track.name not in {lesion.name for lesion in lesions}]
    write_tracks(data_dir, study_uid, series_uid, (*tracks_of(lesions, study_uid, series_uid), *gone))
    return replace(analysis, segmentation=segmentation, lesions=lesions)


def compared(case: Case, volume: Volume, analysis: Analysis, prior_dir: Path, settings: Settings) -> Analysis:
    """Return the analysis with what the prior tells of its lesions, or with the reason why it tells nothing.

    Parameters
    ----------
    case, volume, analysis : today's
    prior_dir : the fetched files; all of one series
    """
    prior = _prior_of(case, prior_dir)
    if isinstance(prior, Reason):
        return replace(analysis, reasons=(*analysis.reasons, prior))
    then = _analysed(prior, settings)
    if isinstance(then, Refusal):
        codes = ", ".join(dict.fromkeys(reason.code.value for reason in then.reasons))
        refused = warn(Code.PRIOR_REFUSED, f"the prior study is refused: {codes}")
        return replace(analysis, reasons=(*analysis.reasons, refused))
    today = Examination(volume, analysis.segmentation, analysis.lesions)
    found = follow_up(today, then, _tracks(prior.anchor, then.lesions, settings.data_dir))
    anchor = case.anchor
    tracks = tracks_of(found.lesions, anchor.study_instance_uid, anchor.series_instance_uid)
    write_tracks(settings.data_dir, anchor.study_instance_uid, anchor.series_instance_uid, tracks)
    return replace(
        analysis,
        segmentation=found.segmentation,
        lesions=found.lesions,
        reasons=(*analysis.reasons, *found.reasons),
        prior=PriorLine(
            prior.anchor.study_instance_uid,
            prior.anchor.series_instance_uid,
            found.overlap,
            len(then.lesions),
            found.n_matched,
        ),
    )


def _prior_of(case: Case, prior_dir: Path) -> Case | Reason:
    """Return the prior as a case like today's; the headers decide whether it is the same patient (standards 4)."""
    series = read_folder(prior_dir).series
    if len(series) != 1:
        return warn(Code.PRIOR_REFUSED, f"what was fetched holds {len(series)} series")
    ours = case.anchor.first.patient.identity
    if any(file.facts.patient.identity != ours for file in series[0].files):
        return warn(Code.PRIOR_ID, "Patient ID, issuer, birth date or sex differ in the prior's images")
    return replace(case, anchor=series[0], partners=())


def _analysed(prior: Case, settings: Settings) -> Examination | Refusal:
    volume = line.read_case(prior, settings)
    if isinstance(volume, Refusal):
        return volume
    found = line.analyse_volume(volume, line.model_of(prior, settings))
    return found if isinstance(found, Refusal) else Examination(volume, found.segmentation, found.lesions)


def _tracks(series: SeriesFacts, lesions: Sequence[LesionMeasurements], data_dir: Path) -> tuple[Track, ...]:
    """Return the identities of the prior's lesions: those that it was given when it was today, else its own."""
    study_uid, series_uid = series.study_instance_uid, series.series_instance_uid
    known = same_scan(lesions, read_tracks(data_dir, study_uid, series_uid))
    own = tracks_of(lesions, study_uid, series_uid)
    return tuple(known.get(lesion.name, track) for lesion, track in zip(lesions, own, strict=True))
