"""Lean body mass from weight, height and sex (W kg, H cm, BMI = W / (H / 100)^2).

    Janmahasatian   male 9270 W / (6680 + 216 BMI)      female 9270 W / (8780 + 244 BMI)
    James           male 1.10 W - 120 (W/H)^2           female 1.07 W - 148 (W/H)^2
    James128        male 1.10 W - 128 (W/H)^2           female as James

James' forms fall with rising obesity: they are refused for a BMI over 40 and where the mass is not positive.
SUL = SUVbw x lean body mass / W.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from node.errors import Affects, Code, Reason, refuse
from node.volume.pet.suv_kind import SuvKind

WEIGHT_KG = (20.0, 300.0)
HEIGHT_M = (1.0, 2.3)
JAMES_BMI = 40.0


@dataclass(frozen=True, slots=True)
class LeanMasses:
    """Lean body masses in kg; None where the form does not hold, all None where the body is not known."""

    janmahasatian_kg: float | None
    james_kg: float | None
    james128_kg: float | None
    reasons: tuple[Reason, ...]

    def of(self, kind: SuvKind) -> float | None:
        """Return the mass that an SUV of this kind is normalised by; None for body weight."""
        by_kind = {
            SuvKind.LBM: self.james_kg,
            SuvKind.LBMJAMES128: self.james128_kg,
            SuvKind.LBMJANMA: self.janmahasatian_kg,
        }
        return by_kind.get(kind)


def lean_masses(weight_kg: float | None, height_m: float | None, sex: str) -> LeanMasses:
    """Return what the body allows.

    Parameters
    ----------
    weight_kg : 20 to 300, else PT-WEIGHT
    height_m : 1.0 to 2.3, else PT-HEIGHT
    sex : "M" or "F", else PT-HEIGHT
    """
    unknown = tuple(_unknown(weight_kg, height_m, sex))
    if unknown or weight_kg is None or height_m is None:
        return LeanMasses(None, None, None, unknown)
    bmi = weight_kg / height_m**2
    james = {128: james_kg(weight_kg, height_m, sex, 128.0), 120: james_kg(weight_kg, height_m, sex, 120.0)}
    holds = bmi <= JAMES_BMI and min(james.values()) > 0
    reasons: tuple[Reason, ...] = ()
    if not holds:
        text = f"James' lean body mass does not hold for a body mass index of {bmi:.1f} kg/m2 (limit {JAMES_BMI:g})"
        reasons = (refuse(Code.PT_HEIGHT, text, Affects.SUL),)
    janma = janmahasatian_kg(weight_kg, height_m, sex)
    return LeanMasses(janma, james[120] if holds else None, james[128] if holds else None, reasons)


def janmahasatian_kg(weight_kg: float, height_m: float, sex: str) -> float:
    """Return the fat-free mass of Janmahasatian et al. 2005."""
    bmi = weight_kg / height_m**2
    return 9270.0 * weight_kg / ((6680.0 + 216.0 * bmi) if sex == "M" else (8780.0 + 244.0 * bmi))


def james_kg(weight_kg: float, height_m: float, sex: str, male: float) -> float:
    """Return the lean body mass of James 1976; `male` is 120 or 128."""
    squared = (weight_kg / (100.0 * height_m)) ** 2
    return 1.10 * weight_kg - male * squared if sex == "M" else 1.07 * weight_kg - 148.0 * squared


def _unknown(weight_kg: float | None, height_m: float | None, sex: str) -> Iterable[Reason]:
    if weight_kg is None or not WEIGHT_KG[0] <= weight_kg <= WEIGHT_KG[1]:
        yield refuse(Code.PT_WEIGHT, "lean body mass needs a weight of 20 to 300 kg", Affects.SUL)
    if height_m is None or not HEIGHT_M[0] <= height_m <= HEIGHT_M[1]:
        found = "missing" if height_m is None else f"{height_m:g} m"
        text = f"the height is {found}, {HEIGHT_M[0]:g} to {HEIGHT_M[1]:g} m were expected"
        yield refuse(Code.PT_HEIGHT, text, Affects.SUL)
    if sex not in ("M", "F"):
        yield refuse(Code.PT_HEIGHT, "lean body mass is defined for the sexes M and F only", Affects.SUL)
