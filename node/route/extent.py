"""Where along its normal a series lies: from the positions of its instances, for choosing among reconstructions."""

from collections.abc import Sequence
from dataclasses import dataclass

from node.facts.fitting import normal_of
from node.facts.series import InstanceFile, SeriesFacts

_PARALLEL = 0.99  # cosine between the normals of two series that are compared


@dataclass(frozen=True, slots=True)
class Extent:
    """First and last position along the slice normal, mm, one step included."""

    normal: tuple[float, float, float]
    first_mm: float
    last_mm: float

    @property
    def length_mm(self) -> float:
        """How much of the body is covered."""
        return self.last_mm - self.first_mm


def extent(series: SeriesFacts) -> Extent | None:
    """Return the extent, None where the headers of too few instances say where they are.

    An enhanced object tells only its first frame's position here: frames times thickness is taken for its length.
    """
    files = series.stack
    first = next((f.facts.geometry for f in files if f.facts.geometry.image_orientation), None)
    if first is None or first.image_orientation is None:
        return None
    normal = normal_of(first.image_orientation)
    positions = sorted(set(positions_mm(files, normal)))
    if not positions:
        return None
    thickness_mm = first.slice_thickness_mm or 0.0
    n_frames = max(file.facts.number_of_frames for file in files)
    if n_frames > 1:
        return Extent(normal, positions[0], positions[-1] + n_frames * thickness_mm)
    step_mm = (positions[-1] - positions[0]) / (len(positions) - 1) if len(positions) > 1 else thickness_mm
    return Extent(normal, positions[0], positions[-1] + step_mm)


def positions_mm(files: Sequence[InstanceFile], normal: tuple[float, float, float]) -> list[float]:
    """Return the projection of each instance's position on the normal, mm."""
    return [
        sum(p * n for p, n in zip(position, normal, strict=True))
        for file in files
        if (position := file.facts.geometry.image_position_lps_mm) is not None
    ]


def overlap_frac(one: Extent, other: Extent) -> float:
    """Return the common part as a fraction of the shorter one; 0 where they are not parallel."""
    cosine = sum(a * b for a, b in zip(one.normal, other.normal, strict=True))
    shorter_mm = min(one.length_mm, other.length_mm)
    if cosine < _PARALLEL or shorter_mm <= 0:
        return 0.0
    common_mm = min(one.last_mm, other.last_mm) - max(one.first_mm, other.first_mm)
    return max(0.0, common_mm) / shorter_mm
