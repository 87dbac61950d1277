"""How each number of a lesion is written as a NUM: concept, unit, method, derivation (standards 2.2).

The same table reads the numbers back for the self-check.
"""

from enum import StrEnum

from highdicom.sr import ContentItem, ImageContentItem

from node.measure.lesions.before import Before, PriorImage
from node.measure.lesions.growth import Growth
from node.measure.lesions.size import Size
from node.measure.lesions.values import LesionMeasurements
from node.report import codes, tree
from node.report.measured import Measured


class LesionName(StrEnum):
    """Numbers of one lesion or of its solid component."""

    LONG_AXIS = "long_axis"  # mm
    SHORT_AXIS = "short_axis"  # mm
    MPR_DIAMETER = "mpr_diameter"  # mm
    FERET = "feret"  # mm
    MEAN_DIAMETER = "mean_diameter"  # mm
    VOXEL_VOLUME = "voxel_volume"  # mm3
    VOLUME = "volume"  # mm3, the voxel volume once more under the code that viewers know
    MESH_VOLUME = "mesh_volume"  # mm3
    SPHERICITY = "sphericity"
    MEAN_HU = "mean_hu"
    SD_HU = "sd_hu"
    MINIMUM_HU = "minimum_hu"
    MAXIMUM_HU = "maximum_hu"
    TO_PLEURA = "to_pleura"  # mm
    TO_CARINA = "to_carina"  # mm
    DOUBLING_TIME = "doubling_time"  # days, against the same lesion in a prior


LESION_MEASURED: dict[LesionName, Measured] = {
    LesionName.LONG_AXIS: Measured(codes.LONG_AXIS, codes.MM, method=codes.RECIST),
    LesionName.SHORT_AXIS: Measured(codes.SHORT_AXIS, codes.MM, method=codes.RECIST),
    LesionName.MPR_DIAMETER: Measured(codes.MPR_DIAMETER, codes.MM),
    LesionName.FERET: Measured(codes.FERET, codes.MM),
    LesionName.MEAN_DIAMETER: Measured(codes.DIAMETER, codes.MM, method=codes.MEAN_OF_AXES, derivation=codes.MEAN),
    LesionName.VOXEL_VOLUME: Measured(codes.VOXEL_VOLUME, codes.MM3),
    LesionName.VOLUME: Measured(codes.VOLUME, codes.MM3, method=codes.SUM_OF_VOXELS),
    LesionName.MESH_VOLUME: Measured(codes.MESH_VOLUME, codes.MM3),
    LesionName.SPHERICITY: Measured(codes.SPHERICITY, codes.NO_UNIT),
    LesionName.MEAN_HU: Measured(codes.ATTENUATION, codes.HU, derivation=codes.MEAN),
    LesionName.SD_HU: Measured(codes.ATTENUATION, codes.HU, derivation=codes.STANDARD_DEVIATION),
    LesionName.MINIMUM_HU: Measured(codes.ATTENUATION, codes.HU, derivation=codes.MINIMUM),
    LesionName.MAXIMUM_HU: Measured(codes.ATTENUATION, codes.HU, derivation=codes.MAXIMUM),
    LesionName.TO_PLEURA: Measured(codes.TO_PLEURA, codes.MM),
    LesionName.TO_CARINA: Measured(codes.TO_CARINA, codes.MM),
    LesionName.DOUBLING_TIME: Measured(codes.DOUBLING_TIME, codes.DAY),
}


def size_values(size: Size) -> dict[LesionName, float]:
    """Return the numbers of a size, of a lesion or of its solid component."""
    values = {
        LesionName.LONG_AXIS: size.axes.long_mm,
        LesionName.SHORT_AXIS: size.axes.short_mm,
        LesionName.MPR_DIAMETER: size.longest.length_mm,
        LesionName.FERET: size.shape.feret_mm,
        LesionName.MEAN_DIAMETER: size.mean_diameter_mm,
        LesionName.VOXEL_VOLUME: size.volume_mm3,
        LesionName.VOLUME: size.volume_mm3,
        LesionName.MESH_VOLUME: size.shape.mesh_volume_mm3,
    }
    if size.shape.sphericity is not None:
        values[LesionName.SPHERICITY] = size.shape.sphericity
    return values


def lesion_values(lesion: LesionMeasurements) -> dict[LesionName, float]:
    """Return the numbers of a lesion that are given; what was refused or could not be told is left out."""
    values = {} if lesion.size is None else size_values(lesion.size)
    if lesion.attenuation is not None:
        values[LesionName.MEAN_HU] = lesion.attenuation.mean_hu
        values[LesionName.SD_HU] = lesion.attenuation.sd_hu
        values[LesionName.MINIMUM_HU] = lesion.attenuation.minimum_hu
        values[LesionName.MAXIMUM_HU] = lesion.attenuation.maximum_hu
    if lesion.location.to_pleura_mm is not None:
        values[LesionName.TO_PLEURA] = lesion.location.to_pleura_mm
    if lesion.location.to_carina_mm is not None:
        values[LesionName.TO_CARINA] = lesion.location.to_carina_mm
    growth = None if lesion.compared is None else lesion.compared.growth
    if isinstance(growth, Growth) and growth.doubling_time_d is not None:
        values[LesionName.DOUBLING_TIME] = growth.doubling_time_d
    return values


def lesion_number(name: LesionName, value: float, lesion: LesionMeasurements, size: Size | None) -> ContentItem:
    """Return the NUM; every one has a child: method, derivation, and the algorithm."""
    how = LESION_MEASURED[name]
    algorithm, _, version = lesion.algorithm.partition("/")
    children: list[ContentItem] = []
    if how.method is not None:
        children.append(tree.code(tree.HAS_CONCEPT_MOD, codes.MEASUREMENT_METHOD, how.method))
    if how.derivation is not None:
        children.append(tree.code(tree.HAS_CONCEPT_MOD, codes.DERIVATION, how.derivation))
    children.append(tree.text(tree.HAS_CONCEPT_MOD, codes.ALGORITHM_NAME, algorithm))
    children.append(tree.text(tree.HAS_CONCEPT_MOD, codes.ALGORITHM_VERSION, version))
    if name is LesionName.MPR_DIAMETER and size is not None:
        plane = f"plane={size.longest.plane}"
        children.append(tree.text(tree.HAS_CONCEPT_MOD, codes.ALGORITHM_PARAMETERS, plane))
    if name is LesionName.DOUBLING_TIME and lesion.compared is not None:
        children += _against(lesion.compared)
    return tree.number(tree.CONTAINS, how.concept, value, how.unit, *children)


def _against(before: Before) -> list[ContentItem]:
    """Say what a doubling time is measured against: days and volume then, and the prior's image."""
    parameters = ["growth from voxel volumes"]
    if isinstance(before.growth, Growth):
        parameters.append(f"days={before.growth.days}")
    if before.volume_mm3 is not None:
        parameters.append(f"prior volume={before.volume_mm3:.1f} mm3")
    return [
        *(tree.text(tree.HAS_CONCEPT_MOD, codes.ALGORITHM_PARAMETERS, text) for text in parameters),
        prior_image(before.image),
    ]


def prior_image(image: PriorImage) -> ContentItem:
    """Return the image of the prior that a comparison is inferred from."""
    return ImageContentItem(
        codes.SOURCE_OF_MEASUREMENT,
        image.sop_class_uid,
        image.sop_instance_uid,
        referenced_frame_numbers=[image.frame_number] if image.is_multiframe else None,
        relationship_type=tree.INFERRED_FROM,
    )
