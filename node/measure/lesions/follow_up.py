"""Compare today's lesions with those of a prior examination of the same patient, measured by the same model.

The chests are aligned rigidly (`align.py`), lesions matched by place (`matching.py`), and each pair compared
(`growth.py`). Without a trustworthy alignment nothing is matched; without like kernels and slices nothing is compared.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from math import dist

from node.errors import Code, Reason, warn
from node.facts.kernel import kernel_class
from node.measure.lesions.align import Alignment, align
from node.measure.lesions.before import Before, FirstSeen, PriorImage, Unmatched
from node.measure.lesions.growth import Examined, NotCompared, growth
from node.measure.lesions.identity import Track, across_mm, with_identities
from node.measure.lesions.matching import Place, match
from node.measure.lesions.values import LesionMeasurements
from node.segment.contract import Segmentation
from node.volume.volume import Volume

LEAST_OVERLAP = 0.8


@dataclass(frozen=True, slots=True)
class Examination:
    """One scan as far as it was analysed."""

    volume: Volume
    segmentation: Segmentation
    lesions: tuple[LesionMeasurements, ...]


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Today's lesions with what was found of them before; `overlap` of the aligned lungs is None without alignment."""

    segmentation: Segmentation
    lesions: tuple[LesionMeasurements, ...]
    reasons: tuple[Reason, ...]
    overlap: float | None
    n_matched: int


def follow_up(today: Examination, prior: Examination, prior_tracks: Sequence[Track]) -> FollowUp:
    """Match and compare.

    Parameters
    ----------
    prior_tracks : the identity of each of the prior's lesions, in their order
    """
    alignment = align(today.volume, today.segmentation, prior.volume, prior.segmentation)
    if alignment is None or alignment.overlap < LEAST_OVERLAP:
        return FollowUp(today.segmentation, today.lesions, (_no_fit(alignment),), _overlap(alignment), 0)
    here = [Place(lesion.centre_lps_mm, across_mm(lesion), lesion.location.side) for lesion in today.lesions]
    there = [
        Place(alignment.in_today(lesion.centre_lps_mm), across_mm(lesion), lesion.location.side)
        for lesion in prior.lesions
    ]
    pairs = match(here, there)
    unmatched = Unmatched(_acquired(prior.volume))
    compared = [
        replace(lesion, before=unmatched)
        if i not in pairs
        else _compared(lesion, prior.lesions[pairs[i]], today, prior, there[pairs[i]].centre_lps_mm)
        for i, lesion in enumerate(today.lesions)
    ]
    identities = {today.lesions[i].name: prior_tracks[j] for i, j in pairs.items()}
    series = today.volume.series
    origin = FirstSeen(series.study_instance_uid, series.series_instance_uid)
    segmentation, lesions = with_identities(today.segmentation, compared, identities, prior_tracks, origin)
    return FollowUp(segmentation, lesions, (), alignment.overlap, len(pairs))


def _overlap(alignment: Alignment | None) -> float | None:
    return None if alignment is None else alignment.overlap


def _no_fit(alignment: Alignment | None) -> Reason:
    if alignment is None:
        return warn(Code.PRIOR_NOFIT, "one of the two studies has no lungs to align by")
    text = f"the aligned lungs overlap by {alignment.overlap:.2f} (Dice; limit {LEAST_OVERLAP:g})"
    return warn(Code.PRIOR_NOFIT, text)


def _compared(
    lesion: LesionMeasurements,
    earlier: LesionMeasurements,
    today: Examination,
    prior: Examination,
    earlier_centre_lps_mm: tuple[float, float, float],
) -> LesionMeasurements:
    then, now = _examined(earlier, prior.volume), _examined(lesion, today.volume)
    found = NotCompared(("a date of acquisition is missing",)) if then is None or now is None else growth(then, now)
    before = Before(
        image=_image(earlier, prior.volume),
        volume_mm3=None if earlier.size is None else earlier.size.volume_mm3,
        mean_diameter_mm=None if earlier.size is None else earlier.size.mean_diameter_mm,
        apart_mm=dist(lesion.centre_lps_mm, earlier_centre_lps_mm),
        growth=found,
        acquired=_acquired(prior.volume),
    )
    if isinstance(found, NotCompared):
        told = warn(Code.PRIOR_UNLIKE, "; ".join(found.why))
        return replace(lesion, before=before, warnings=(*lesion.warnings, told))
    return replace(lesion, before=before)


def _examined(lesion: LesionMeasurements, volume: Volume) -> Examined | None:
    """Return what growth is judged on; None where the scan does not say when it was made."""
    acquired = _acquired(volume)
    if acquired is None:
        return None
    first, size = volume.series.first, lesion.size
    return Examined(
        acquired=acquired,
        kernel=kernel_class(first.manufacturer, first.convolution_kernel),
        thick_mm=max(volume.spacing_zyx_mm[0], volume.slice_thickness_mm or 0.0),
        algorithm=lesion.algorithm,
        volume_mm3=None if size is None else size.volume_mm3,
        mean_diameter_mm=None if size is None else size.mean_diameter_mm,
    )


def _acquired(volume: Volume) -> date | None:
    """Return the first day of acquisition."""
    days = [file.facts.acquisition_datetime[:8] for file in volume.series.files]
    try:
        return min(datetime.strptime(day, "%Y%m%d").date() for day in days if day)
    except ValueError:  # none says it, or one says no date
        return None


def _image(lesion: LesionMeasurements, volume: Volume) -> PriorImage:
    frame = volume.frames[lesion.largest_slice]
    return PriorImage(
        study_uid=volume.series.study_instance_uid,
        series_uid=volume.series.series_instance_uid,
        sop_class_uid=frame.sop_class_uid,
        sop_instance_uid=frame.sop_instance_uid,
        frame_number=frame.frame_number,
        is_multiframe=volume.series.first.number_of_frames > 1,
    )
