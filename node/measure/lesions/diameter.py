"""The mean diameter, and how diameters and volumes are rounded where a person reads them.

    mean diameter   (long axis + short axis) / 2, on the slice of the long axis

Stored numbers keep full precision. In text: mean diameter as Fleischner has it, RECIST axes and sizes for categories
to the nearest whole millimetre, Lung-RADS to one decimal, volumes to whole mm3; a half is rounded up.
"""

from decimal import ROUND_HALF_UP, Decimal


def mean_diameter_mm(long_mm: float, short_mm: float) -> float:
    """Return the mean of both axes."""
    return (long_mm + short_mm) / 2.0


def whole(value: float) -> int:
    """Round to the nearest whole number, halves up: mm as Fleischner, RECIST and size categories give it, or mm3."""
    return int(_half_up(value, "1"))


def one_decimal(value_mm: float) -> float:
    """Round to one decimal, halves up, as Lung-RADS has it."""
    return float(_half_up(value_mm, "0.1"))


def _half_up(value: float, step: str) -> Decimal:
    """Round the number as it is printed: 5.95 is a half here, whatever its binary form is nearest to."""
    return Decimal(repr(float(value))).quantize(Decimal(step), ROUND_HALF_UP)
