"""What is known of one mark: where it is, its measures, and how likely it is a lesion."""

from dataclasses import dataclass

from node.segment.lesions.candidates import Candidate
from node.segment.lesions.shape import Shape


@dataclass(frozen=True, slots=True)
class Mark:
    """One candidate as it was measured.

    Attributes
    ----------
    confidence : that it is a lesion, None where the model was not calibrated.
    dense_frac : of its inside, None where it is too thin to tell.
    """

    candidate: Candidate
    shape: Shape
    confidence: float | None
    dense_frac: float | None = None
