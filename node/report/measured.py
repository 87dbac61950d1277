"""How each lung quantity is written as a NUM of TID 1419: concept, unit, and what must stand below it.

Every NUM has a child (readers exist that fail on one without): the method or the derivation, and the algorithm.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from highdicom.sr import ContentItem
from pydicom.sr.coding import Code

from node.measure.quantity import Name, Quantity
from node.report import codes, tree


@dataclass(frozen=True, slots=True)
class Measured:
    """Concept and unit; then one of method, derivation and threshold (HU) where there is one."""

    concept: Code
    unit: Code
    method: Code | None = None
    derivation: Code | None = None
    threshold_hu: float | None = None


MEASURED: dict[Name, Measured] = {
    Name.LUNG_VOLUME: Measured(codes.VOLUME, codes.CM3, method=codes.SUM_OF_VOXELS),
    Name.MEAN_LUNG_DENSITY: Measured(codes.ATTENUATION, codes.HU, derivation=codes.MEAN),
    Name.SD_LUNG_DENSITY: Measured(codes.ATTENUATION, codes.HU, derivation=codes.STANDARD_DEVIATION),
    Name.LAA_950: Measured(codes.LAA950, codes.PERCENT, threshold_hu=-950.0),
    Name.LAA_910: Measured(codes.LAA910, codes.PERCENT, threshold_hu=-910.0),
    Name.PERC15: Measured(codes.PERC15, codes.HU),
    Name.PD15: Measured(codes.PD15, codes.G_PER_L),
}


def number(quantity: Quantity, value: float, software_version: str) -> ContentItem:
    """Return the NUM of a quantity that has a value. 1 ml is 1 cm3, so no number changes with its unit."""
    how = MEASURED[quantity.name]
    children: list[ContentItem] = []
    if how.method is not None:
        children.append(tree.code(tree.HAS_CONCEPT_MOD, codes.MEASUREMENT_METHOD, how.method))
    if how.derivation is not None:
        children.append(tree.code(tree.HAS_CONCEPT_MOD, codes.DERIVATION, how.derivation))
    children += _algorithm(quantity, software_version)
    if how.threshold_hu is not None:
        children.append(tree.number(tree.INFERRED_FROM, codes.THRESHOLD_ATTENUATION, how.threshold_hu, codes.HU))
    return tree.number(tree.CONTAINS, how.concept, value, how.unit, *children)


def _algorithm(quantity: Quantity, software_version: str) -> Sequence[ContentItem]:
    """Return the rows of TID 4019: name, version, parameters."""
    name, _, version = quantity.algorithm.partition("/")
    parameters = (f"definition={quantity.definition}", *quantity.parameters)
    return [
        tree.text(tree.HAS_CONCEPT_MOD, codes.ALGORITHM_NAME, name),
        tree.text(tree.HAS_CONCEPT_MOD, codes.ALGORITHM_VERSION, version or software_version),
        *(tree.text(tree.HAS_CONCEPT_MOD, codes.ALGORITHM_PARAMETERS, p) for p in parameters if p),
    ]
