"""What a site wants to become of lesions that are not sure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sureness:
    """What becomes of a lesion below the confidence from which it is sure.

    Attributes
    ----------
    unsure_below : None takes the model's own.
    drop : whether it is left out instead of listed as uncertain.
    """

    unsure_below: float | None = None
    drop: bool = False


AS_THE_MODEL_SAYS = Sureness()
