"""How each number of a PET is written as a NUM: concept, unit, method, derivation (standards 2.3).

The same table reads the numbers back for the self-check.
"""

from dataclasses import dataclass

from highdicom.sr import ContentItem
from pydicom.sr.coding import Code

from node.measure.pet.uptake_quantity import UNITS, Statistic, Threshold, UptakeQuantity
from node.report import codes, tree
from node.report.measured import Measured
from node.volume.pet import SuvKind


@dataclass(frozen=True, slots=True)
class PetName:
    """Which number it is: as in `UptakeQuantity`. The kind of SUV of a volume or a glycolysis stands in words."""

    statistic: Statistic
    kind: SuvKind | None
    threshold: Threshold | None = None


_DERIVATIONS = {
    Statistic.MAX: codes.MAXIMUM,
    Statistic.MEAN: codes.MEAN,
    Statistic.PEAK: codes.PEAK_IN_ROI,
}
_SUV = {
    SuvKind.BW: (codes.SUV_BW, codes.METHOD_SUV_BW),
    SuvKind.LBM: (codes.SUV_LBM, codes.METHOD_SUV_LBM),
    SuvKind.LBMJANMA: (codes.SUV_LBM_JANMA, codes.METHOD_SUV_LBM_JANMA),
    SuvKind.LBMJAMES128: (codes.SUV_LBM_JAMES128, codes.METHOD_SUV_LBM_JAMES128),
}
_THRESHOLDS = {
    Threshold.MTV41: codes.METHOD_MTV41,
    Threshold.MTV25: codes.METHOD_MTV25,
    Threshold.MTV40: codes.METHOD_MTV40,
}


def _suv(kind: SuvKind, derivation: Code) -> Measured:
    concept, method = _SUV[kind]
    return Measured(concept, codes.ucum(UNITS[kind], f"{concept.meaning} in g/ml"), method, derivation)


PET_MEASURED: dict[PetName, Measured] = (
    {PetName(s, kind): _suv(kind, derivation) for kind in _SUV for s, derivation in _DERIVATIONS.items()}
    | {PetName(Statistic.MTV, None, t): Measured(codes.METABOLIC_VOLUME, codes.CM3, m) for t, m in _THRESHOLDS.items()}
    | {PetName(Statistic.TLG, None, t): Measured(codes.GLYCOLYSIS, codes.GRAM, m) for t, m in _THRESHOLDS.items()}
)  # fmt: skip


def name_of(quantity: UptakeQuantity) -> PetName:
    """Return which number a quantity is."""
    kind = quantity.kind if quantity.threshold is None else None
    return PetName(quantity.statistic, kind, quantity.threshold)


def uptake_number(quantity: UptakeQuantity, value: float) -> ContentItem:
    """Return the NUM of a quantity that has a value."""
    algorithm, _, version = quantity.algorithm.partition("/")
    return pet_number(name_of(quantity), value, algorithm, version, quantity.parameters)


def pet_number(name: PetName, value: float, algorithm: str, version: str, parameters: tuple[str, ...]) -> ContentItem:
    """Return a NUM; every one has children: method, derivation, and the algorithm."""
    how = PET_MEASURED[name]
    children: list[ContentItem] = []
    if how.method is not None:
        children.append(tree.code(tree.HAS_CONCEPT_MOD, codes.MEASUREMENT_METHOD, how.method))
    if how.derivation is not None:
        children.append(tree.code(tree.HAS_CONCEPT_MOD, codes.DERIVATION, how.derivation))
    children.append(tree.text(tree.HAS_CONCEPT_MOD, codes.ALGORITHM_NAME, algorithm))
    children.append(tree.text(tree.HAS_CONCEPT_MOD, codes.ALGORITHM_VERSION, version))
    children += [tree.text(tree.HAS_CONCEPT_MOD, codes.ALGORITHM_PARAMETERS, each) for each in parameters]
    return tree.number(tree.CONTAINS, how.concept, value, how.unit, *children)
