"""`lesion_key`: which lesion it is, whatever its rank: its rounded centroid, mm, in the patient.

The key of a lesion's first segmentation is kept with the case, so that numbers and tracking stay the same over
re-runs and follow-ups.
"""

from collections.abc import Sequence

from node.measure.lesions.diameter import whole

Point = tuple[float, float, float]


def lesion_keys(centres_lps_mm: Sequence[Point]) -> tuple[str, ...]:
    """Return one key per centroid, such as `L-34P12S-78`; of equal ones the later get a number."""
    keys: list[str] = []
    for x, y, z in centres_lps_mm:
        key = f"L{whole(x)}P{whole(y)}S{whole(z)}"
        again = sum(other.partition("n")[0] == key for other in keys)
        keys.append(f"{key}n{again + 1}" if again else key)
    return tuple(keys)
