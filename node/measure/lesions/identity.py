"""Keep a lesion's key and number over re-runs and follow-ups: its identity is that of its first segmentation."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from node.measure.lesions.before import FirstSeen
from node.measure.lesions.matching import Place, match
from node.measure.lesions.values import LesionMeasurements
from node.measure.quantity import Side
from node.segment.contract import Segmentation, SegmentKind

SAME_SCAN_MM = 5.0  # another model's outline of one lesion on one scan moves its centroid by less


Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Track:
    """One lesion of one series as it is known: place (LPS mm, that series' frame), name, key, and where it began."""

    centre_lps_mm: Point
    across_mm: float
    side: Side | None
    name: str
    lesion_key: str
    first_seen: FirstSeen


def tracks_of(lesions: Sequence[LesionMeasurements], study_uid: str, series_uid: str) -> tuple[Track, ...]:
    """Return the identities of the lesions of a series; those without another origin begin here."""
    here = FirstSeen(study_uid, series_uid)
    return tuple(
        Track(
            lesion.centre_lps_mm,
            across_mm(lesion),
            lesion.location.side,
            lesion.name,
            lesion.lesion_key,
            lesion.first_seen or here,
        )
        for lesion in lesions
    )


def same_scan(lesions: Sequence[LesionMeasurements], known: Sequence[Track]) -> dict[str, Track]:
    """Return by name the known identity of each lesion that was segmented on the same scan before."""
    places = [Place(track.centre_lps_mm, 0.0, track.side) for track in known]
    here = [Place(lesion.centre_lps_mm, 0.0, lesion.location.side) for lesion in lesions]
    pairs = match(here, places, near_mm=SAME_SCAN_MM)
    return {lesions[i].name: known[j] for i, j in pairs.items()}


def across_mm(lesion: LesionMeasurements) -> float:
    """Return a lesion's diameter as far as it was measured; 0 where it was refused."""
    return 0.0 if lesion.size is None else lesion.size.mean_diameter_mm


def with_identities(
    segmentation: Segmentation,
    lesions: Sequence[LesionMeasurements],
    identities: Mapping[str, Track],
    taken: Sequence[Track],
    here: FirstSeen,
) -> tuple[Segmentation, tuple[LesionMeasurements, ...]]:
    """Give lesions the key and the number of their identity; others keep theirs, or get the next free number.

    Parameters
    ----------
    identities : by the lesion's present name
    taken : every identity of the earlier examination: the number of one that is gone is not given to another lesion
    here : the series of `lesions`; an identity that began in it is no other origin
    """
    names = _names(segmentation, {name: track.name for name, track in identities.items()}, taken)
    segments = tuple(replace(s, name=names.get(s.name, s.name)) for s in segmentation.segments)
    renamed = tuple(_identified(lesion, identities.get(lesion.name), names, here) for lesion in lesions)
    return replace(segmentation, segments=segments), renamed


def _identified(
    lesion: LesionMeasurements, track: Track | None, names: Mapping[str, str], here: FirstSeen
) -> LesionMeasurements:
    nearest = lesion.further.nearest_name
    further = lesion.further if nearest is None else replace(lesion.further, nearest_name=names.get(nearest, nearest))
    renamed = replace(lesion, name=names.get(lesion.name, lesion.name), further=further)
    if track is None:
        return renamed
    origin = None if track.first_seen == here else track.first_seen
    return replace(renamed, lesion_key=track.lesion_key, first_seen=origin)


def _names(segmentation: Segmentation, known: Mapping[str, str], taken: Sequence[Track]) -> dict[str, str]:
    """Return the new name of every lesion's segment; no name is used twice."""
    used = {track.name for track in taken} | set(known.values())
    names = dict(known)
    for segment in segmentation.segments:
        if segment.kind is not SegmentKind.LESION or segment.name in known:
            continue
        name = segment.name if segment.name not in used else _free(segment.name, used)
        used.add(name)
        names[segment.name] = name
    return names


def _free(name: str, used: set[str]) -> str:
    stem = name.rpartition("-")[0] or name
    number = 1
    while f"{stem}-{number}" in used:
        number += 1
    return f"{stem}-{number}"
