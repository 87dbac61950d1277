"""Which of several reconstructions is taken: a list of comparisons, each with its definition, ties broken by UID.

    large-enough   axial, at least 15 slices and 60 mm, no thicker than 10 mm: what can be processed at all
    whole          equal steps without a gap, one image at each place: what lacks slices is refused, however thin it is
    widest         covers at least 80 % of the longest axial candidate of those that can be processed
    original       Image Type says ORIGINAL
    density        density can be given: kernel not sharp, no contrast agent, thickness known and ≤ 2.5 mm
    unenhanced     no contrast agent
    thin           the smaller slice thickness (unknown is last)
    soft, sharp    kernel class (unknown stands between)
    more-slices    the greater number of slices

The first two are asked before all others, also where a route does not name them: what would be refused helps nobody.
After those: the lower Series Number, then the lower Series Instance UID, so that the order of arrival never decides.
"""

from collections.abc import Callable, Sequence
from math import cos, radians

from node.facts.kernel import KernelClass, kernel_class
from node.facts.limits import LEAST_EXTENT_MM, LEAST_SLICES, MOST_OFF_AXIAL_DEG, THICKEST_FOR_DENSITY_MM, THICKEST_MM
from node.facts.series import SeriesFacts
from node.route.extent import extent
from node.route.features import n_slices
from node.route.stack import stack_is_gapless, stack_is_whole
from node.route.vocabulary import Preference

READABLE = (Preference.LARGE_ENOUGH, Preference.WHOLE)
WIDE_FRAC = 0.8
_LAST = float("inf")


def order(candidates: Sequence[SeriesFacts], prefer: Sequence[Preference]) -> tuple[SeriesFacts, ...]:
    """Sort candidates, the best first. The result does not depend on the order in which they come."""
    return _ordered(candidates, _comparisons(prefer))


def can_be_read(series: SeriesFacts) -> bool:
    """Say whether nothing is known in advance that would get a series refused."""
    return not any(_KEYS[preference](series, 0.0) for preference in READABLE)


def awaited(candidates: Sequence[SeriesFacts], prefer: Sequence[Preference]) -> SeriesFacts | None:
    """Return the candidate that would be taken if slices that it lacks were there, None where there is no such."""
    best = _ordered(candidates, _comparisons(prefer))[0]
    wished = _ordered(candidates, [p for p in _comparisons(prefer) if p is not Preference.WHOLE])[0]
    return wished if wished is not best and stack_is_gapless(wished) is False else None


def deciding(
    best: SeriesFacts, other: SeriesFacts, prefer: Sequence[Preference], candidates: Sequence[SeriesFacts]
) -> str:
    """Name the first comparison in which the two differ."""
    longest_mm = _longest_mm(candidates)
    for preference in _comparisons(prefer):
        if _KEYS[preference](best, longest_mm) != _KEYS[preference](other, longest_mm):
            return str(preference)
    return "lower series number" if best.first.series_number != other.first.series_number else "lower series UID"


def _ordered(candidates: Sequence[SeriesFacts], comparisons: Sequence[Preference]) -> tuple[SeriesFacts, ...]:
    longest_mm = _longest_mm(candidates)

    def rank(series: SeriesFacts) -> tuple[float, float, str]:
        number = series.first.series_number
        return (_LAST if number is None else float(number), 0.0, series.series_instance_uid)

    def key(series: SeriesFacts) -> tuple[tuple[float, ...], tuple[float, float, str]]:
        return tuple(_KEYS[p](series, longest_mm) for p in comparisons), rank(series)

    return tuple(sorted(candidates, key=key))


def _comparisons(prefer: Sequence[Preference]) -> tuple[Preference, ...]:
    return (*READABLE, *(p for p in prefer if p not in READABLE))


def _longest_mm(candidates: Sequence[SeriesFacts]) -> float:
    """Return the length of the longest candidate, of those that can be processed where there are any."""
    readable = [series for series in candidates if can_be_read(series)]
    return max((_length_mm(series) for series in readable or candidates), default=0.0)


def _length_mm(series: SeriesFacts) -> float:
    """Return how much of the body axial slices cover; 0 for reformats, which lie along another axis."""
    found = extent(series)
    is_axial = found is not None and abs(found.normal[2]) >= cos(radians(MOST_OFF_AXIAL_DEG))
    return found.length_mm if found and is_axial else 0.0


def _kernel(series: SeriesFacts) -> KernelClass:
    return kernel_class(series.first.manufacturer, series.first.convolution_kernel)


def _large_enough(series: SeriesFacts, _: float) -> float:
    thickness_mm = series.first.geometry.slice_thickness_mm or 0.0
    enough = n_slices(series) >= LEAST_SLICES and _length_mm(series) >= LEAST_EXTENT_MM
    return float(not (enough and thickness_mm <= THICKEST_MM))


def _whole(series: SeriesFacts, _: float) -> float:
    """Return 1 where images are missing, unevenly placed or several at one place; unknown contradicts nothing."""
    return float(stack_is_whole(series) is False)


def _density(series: SeriesFacts, _: float) -> float:
    thickness_mm = series.first.geometry.slice_thickness_mm
    thin = thickness_mm is not None and thickness_mm <= THICKEST_FOR_DENSITY_MM
    return float(not (thin and _kernel(series) is not KernelClass.SHARP and not series.first.contrast_bolus_agent))


def _thin(series: SeriesFacts, _: float) -> float:
    thickness_mm = series.first.geometry.slice_thickness_mm
    return _LAST if thickness_mm is None else thickness_mm


_SOFTNESS = {KernelClass.SOFT: 0.0, KernelClass.UNKNOWN: 1.0, KernelClass.SHARP: 2.0}

_KEYS: dict[Preference, Callable[[SeriesFacts, float], float]] = {  # the smaller wins
    Preference.LARGE_ENOUGH: _large_enough,
    Preference.WHOLE: _whole,
    Preference.WIDEST: lambda s, longest_mm: float(_length_mm(s) < WIDE_FRAC * longest_mm),
    Preference.ORIGINAL: lambda s, _: float(s.first.image_type[:1] != ("ORIGINAL",)),
    Preference.DENSITY: _density,
    Preference.UNENHANCED: lambda s, _: float(bool(s.first.contrast_bolus_agent)),
    Preference.THIN: _thin,
    Preference.SOFT: lambda s, _: _SOFTNESS[_kernel(s)],
    Preference.SHARP: lambda s, _: -_SOFTNESS[_kernel(s)],
    Preference.MORE_SLICES: lambda s, _: -float(n_slices(s)),
}
