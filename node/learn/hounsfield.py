"""Whether pictures can be in Hounsfield units: a patient's show air and tissue both, whatever the exposure."""

from collections.abc import Iterable

from node.errors import InputRefused

BETWEEN_HU = -500.0  # air and lung lie below, tissue above, in every picture of a chest that is no mere piece of one


def refuse_other_scale(pictures: Iterable[tuple[str, float, float]]) -> None:
    """Refuse patients whose pictures show no air or no tissue: their grey levels were turned into HU wrongly.

    Parameters
    ----------
    pictures : patient, lowest and highest HU of each.

    Raises
    ------
    InputRefused
        SET-UNREAD, naming the first such patient.
    """
    lowest: dict[str, float] = {}
    highest: dict[str, float] = {}
    for case, low, high in pictures:
        lowest[case] = min(low, lowest.get(case, low))
        highest[case] = max(high, highest.get(case, high))
    for case, low in lowest.items():
        if not low < BETWEEN_HU < highest[case]:
            raise InputRefused(
                "SET-UNREAD",
                f"case {case}: its pictures run from {low:.0f} to {highest[case]:.0f} HU, and so show no "
                f"{'air' if low >= BETWEEN_HU else 'tissue'}: see hu_slope and hu_intercept",
            )
