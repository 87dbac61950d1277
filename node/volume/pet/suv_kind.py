"""By which mass an SUV is normalised; only `BW` may be called SUVbw."""

from enum import StrEnum


class SuvKind(StrEnum):
    """The terms of SUV Type (0054,1006) that this node can name (PS3.3 C.8.9.1)."""

    BW = "BW"  # body weight
    LBM = "LBM"  # lean body mass, James, 120 for males
    LBMJAMES128 = "LBMJAMES128"  # James, 128 for males
    LBMJANMA = "LBMJANMA"  # Janmahasatian
