"""A reader's segmentation of one of our series, judged: used as a correction, or not and why."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from node.errors import Code, InputRefused, Reason, Refusal, refuse, warn
from node.facts.segmentation import SegmentationFacts
from node.review.compare import Comparison, compare
from node.review.drawn import Drawn, read_drawn
from node.review.meaning import Meaning
from node.segment.contract import Segmentation, SegmentKind
from node.volume.segmentation import Grid, open_segmentation


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A correction: what the reader drew, and how it differs from ours."""

    drawn: Drawn
    comparison: Comparison
    reasons: tuple[Reason, ...]


def review(
    path: Path,
    facts: SegmentationFacts,
    ours: Segmentation,
    grid: Grid,
    voxel_ml: float,
    our_tracking: frozenset[str],
    named: Mapping[int, Meaning] | None = None,
) -> Reviewed | Refusal:
    """Read a segmentation that lies in a file and compare it with ours; its geometry is checked first.

    Parameters
    ----------
    facts : of the same file
    ours : our result of the series, on `grid`
    our_tracking : the tracking UIDs of our segments; one that carries them was made from ours
    named : what a person said that segments stand for; it makes an object a reader's, whatever its segments say
    """
    try:
        opened = open_segmentation(path, grid)
        if isinstance(opened, Refusal):
            return opened
        keeps_our_tracking = any(s.tracking_uid in our_tracking for s in facts.segments)
        if facts.is_by_software_alone and not (keeps_our_tracking or named):
            return Refusal((refuse(Code.COR_SOFTWARE, "every segment says that software alone made it"),))
        drawn = read_drawn(opened, grid.shape_zyx, named or {})
    except InputRefused as error:
        return Refusal((refuse(Code(error.code), error.message),))
    if isinstance(drawn, Refusal):
        return drawn
    comparison = compare(ours, drawn, voxel_ml, keeps_our_tracking=keeps_our_tracking)
    return Reviewed(drawn, comparison, (*drawn.reasons, *_partial(ours, comparison)))


def _partial(ours: Segmentation, comparison: Comparison) -> tuple[Reason, ...]:
    kinds = {s.kind for s in ours.segments}
    unsaid = []
    if not comparison.lungs_judged and kinds - {SegmentKind.LESION}:
        unsaid.append("lungs")
    if not comparison.lesions_judged and SegmentKind.LESION in kinds:
        unsaid.append("lesions")
    words = " and ".join(unsaid)
    return (warn(Code.COR_PARTIAL, f"the segmentation describes no {words}: ours are not judged"),) if words else ()
