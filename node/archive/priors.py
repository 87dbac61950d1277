"""Earlier CT series of a patient, found by QIDO-RS or C-FIND and fetched by WADO-RS or C-MOVE.

The archive's answers only choose what to fetch: whether it is the same patient is decided on the fetched headers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from node.archive.cmove import move_series
from node.archive.endpoint import Endpoint, WebEndpoint
from node.archive.search import Answer, search
from node.archive.wado import retrieve_series
from node.facts.limits import LEAST_SLICES, MOST_INSTANCES

MOST_STUDIES = 3  # the newest ones, each asked for its series
_PATIENT = ("IssuerOfPatientID", "PatientBirthDate", "PatientSex")
_THICK_AGREES_MM = 0.3


@dataclass(frozen=True, slots=True)
class Wanted:
    """The series that a prior is to be compared with. Dates are YYYYMMDD; `identity` as `PatientFacts.identity`."""

    study_uid: str
    study_date: str
    identity: tuple[str, str, str, str]
    description: str
    kernel: str
    thickness_mm: float | None
    n_instances: int


@dataclass(frozen=True, slots=True)
class PriorSeries:
    """One earlier CT series as an archive lists it; what it does not tell is "" or None."""

    study_uid: str
    series_uid: str
    study_date: str
    description: str
    kernel: str
    thickness_mm: float | None
    n_instances: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """`series` newest study first, the most alike first; `others` counts studies of somebody with the same ID."""

    series: tuple[PriorSeries, ...]
    others: int = 0


def find_priors(endpoint: Endpoint, wanted: Wanted) -> Found:
    """Search for earlier CT series of the same patient.

    Raises
    ------
    WorldUnavailable, Misconfigured
        See `search`.
    """
    where = {"PatientID": wanted.identity[0]}
    answers = search(endpoint, "STUDY", where, ("StudyInstanceUID", "StudyDate", *_PATIENT))
    of_the_id = [a for a in answers if a["PatientID"] == wanted.identity[0] and _is_earlier(a, wanted)]
    mine = [answer for answer in of_the_id if _may_be_same(answer, wanted.identity)]
    newest = sorted(mine, key=lambda a: a["StudyDate"] or "", reverse=True)[:MOST_STUDIES]
    series = [one for study in newest for one in sorted(_series(endpoint, study), key=lambda s: _unlike(s, wanted))]
    return Found(tuple(series), len(of_the_id) - len(mine))


def fetch_prior(endpoint: Endpoint, prior: PriorSeries, folder: Path, *, until_s: float) -> tuple[Path, ...]:
    """Fetch all instances of a series into `folder`, until `time.monotonic()` reaches `until_s`.

    Raises
    ------
    WorldUnavailable, Misconfigured, InputRefused
        See `retrieve_series` and `move_series`.
    """
    if isinstance(endpoint, WebEndpoint):
        return retrieve_series(endpoint, prior.study_uid, prior.series_uid, folder, until_s=until_s)
    return move_series(endpoint, prior.study_uid, prior.series_uid, folder, until_s=until_s)


def _is_earlier(answer: Answer, wanted: Wanted) -> bool:
    day = answer["StudyDate"] or ""
    return (
        bool(answer["StudyInstanceUID"])
        and answer["StudyInstanceUID"] != wanted.study_uid
        and ("" < day < wanted.study_date)
    )


def _may_be_same(answer: Answer, identity: tuple[str, str, str, str]) -> bool:
    """Compare what the archive tells; many keep no issuer, and answer it empty."""
    told = (answer["IssuerOfPatientID"] or None, answer["PatientBirthDate"], answer["PatientSex"])
    return all(theirs is None or theirs == ours for theirs, ours in zip(told, identity[1:], strict=True))


def _series(endpoint: Endpoint, study: Answer) -> Iterator[PriorSeries]:
    study_uid = study["StudyInstanceUID"] or ""
    asked = ("SeriesInstanceUID", "Modality", "SeriesDescription", "NumberOfSeriesRelatedInstances")
    for answer in search(endpoint, "SERIES", {"StudyInstanceUID": study_uid}, asked):
        n_instances = _whole(answer["NumberOfSeriesRelatedInstances"])
        is_possible = n_instances is None or LEAST_SLICES <= n_instances <= MOST_INSTANCES
        if answer["Modality"] != "CT" or not answer["SeriesInstanceUID"] or not is_possible:
            continue
        kernel, thickness_mm = _reconstruction(endpoint, study_uid, answer["SeriesInstanceUID"])
        yield PriorSeries(
            study_uid,
            answer["SeriesInstanceUID"],
            study["StudyDate"] or "",
            answer["SeriesDescription"] or "",
            kernel,
            thickness_mm,
            n_instances,
        )


def _reconstruction(endpoint: Endpoint, study_uid: str, series_uid: str) -> tuple[str, float | None]:
    """Return kernel and thickness of one image; C-FIND would have to list all of them, so it is not asked."""
    if not isinstance(endpoint, WebEndpoint):
        return "", None
    where = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": series_uid}
    images = search(endpoint, "IMAGE", where, ("ConvolutionKernel", "SliceThickness"), limit=1)
    if not images:
        return "", None
    return images[0]["ConvolutionKernel"] or "", _millimetres(images[0]["SliceThickness"])


def _unlike(series: PriorSeries, wanted: Wanted) -> tuple[bool, bool, bool, int]:
    """Rank the reconstructions of one study: what differs for certain comes last."""
    known_thickness = series.thickness_mm is not None and wanted.thickness_mm is not None
    return (
        bool(series.kernel) and series.kernel != wanted.kernel,
        known_thickness and abs((series.thickness_mm or 0.0) - (wanted.thickness_mm or 0.0)) > _THICK_AGREES_MM,
        series.description != wanted.description,
        abs((series.n_instances or 0) - wanted.n_instances),
    )


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() else None


def _millimetres(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
