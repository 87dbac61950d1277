"""Which marks of a scan are written down, and why one of them is not sure."""

from node.segment.lesions.confidence import UNSURE_BELOW, Confidence
from node.segment.lesions.dense import HAZY_BELOW
from node.segment.lesions.finder import Found
from node.segment.lesions.mark import Mark
from node.segment.lesions.sureness import Sureness

_MOST = 250  # labels of one byte


def listed(found: Found, confidence: Confidence | None, sureness: Sureness) -> tuple[Mark, ...]:
    """Return the marks that are written down, the most voluminous first."""
    marks = found.marks
    if sureness.drop and confidence is not None:
        marks = tuple(mark for mark in marks if doubt_of(mark, confidence, sureness) is None)
    elif confidence is not None:
        marks = tuple(mark for mark in marks if mark.confidence is None or mark.confidence >= confidence.drop_below)
    if len(marks) <= _MOST:
        return marks
    best = sorted(marks, key=lambda mark: -(mark.confidence or mark.shape.p_mean))[:_MOST]
    return tuple(mark for mark in marks if mark in best)


def doubt_of(mark: Mark, confidence: Confidence | None, sureness: Sureness) -> str | None:
    """Return why a mark is not sure, None where it is.

    A hazy mark never is: ground glass of a tumour, that of an infection and dependent lung look alike on one scan, and
    the candidates that confidence is fitted on hold next to none of the latter two.
    """
    if mark.confidence is None:
        return "its confidence is not calibrated"
    if mark.confidence < _sure_from(confidence, sureness):
        return f"the model's confidence is {mark.confidence:.2f}"
    if mark.dense_frac is not None and mark.dense_frac < HAZY_BELOW:
        hazy = round(100 * (1.0 - mark.dense_frac))
        return f"{hazy} % of its inside is hazy, as inflamed or dependent lung is, too"
    return None


def _sure_from(confidence: Confidence | None, sureness: Sureness) -> float:
    if sureness.unsure_below is not None:
        return sureness.unsure_below
    return UNSURE_BELOW if confidence is None else confidence.unsure_below
