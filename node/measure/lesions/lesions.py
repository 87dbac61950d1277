"""Measure every lesion of a segmented scan (standards reference 2.2, 3 and 4)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from node.errors import Code, Reason, warn
from node.measure.lesions.attenuation import attenuation
from node.measure.lesions.bands import tolerance_mm
from node.measure.lesions.fleischner import fleischner
from node.measure.lesions.lesion_key import lesion_keys
from node.measure.lesions.location import Location, locate
from node.measure.lesions.lung_rads import lung_rads
from node.measure.lesions.lung_surface import LungSurface
from node.measure.lesions.many import largest
from node.measure.lesions.marks import Box, LesionMark, boxes, lesion_marks
from node.measure.lesions.screening import NotApplicable, ScreeningBand
from node.measure.lesions.separate import Mark, further_lesions
from node.measure.lesions.side_surface import side_surface
from node.measure.lesions.size import Size, measure_size
from node.measure.lesions.solid import Composition, NoduleType, composition
from node.measure.lesions.tnm_text import TnmSize, tnm_size
from node.measure.lesions.values import DOUBTED, Finding, LesionMeasurements
from node.measure.lesions.withheld import verdict
from node.measure.quantity import Side
from node.segment.contract import Segmentation
from node.segment.lesions.dense import DENSE_HU
from node.volume.volume import Volume

_LARGEST_NODULE_MM = 30.0
_CROSS = ndimage.generate_binary_structure(3, 1)

Point = tuple[float, float, float]


def measure_lesions(
    volume: Volume,
    segmentation: Segmentation,
    reasons: tuple[Reason, ...],
    carina_lps_mm: Point | None = None,
) -> tuple[LesionMeasurements, ...]:
    """Measure the lesions of a segmentation, the largest first, at most 20 (`many.py` words that there are more).

    Parameters
    ----------
    volume : what was segmented
    segmentation : lesions, and lungs where there are any
    reasons : everything found about the series so far, which decides what is withheld
    carina_lps_mm : where the carina is, LPS mm; None where it was not found

    Raises
    ------
    OurMistake
        LES-EMPTY where a lesion has no voxels.
    """
    box_of = boxes(segmentation)
    marks = {mark.segment.label: mark for mark in lesion_marks(volume, segmentation, box_of)}
    chosen = [marks[label] for label in largest({label: mark.n_voxels for label, mark in marks.items()})]
    keys = lesion_keys([mark.centre_lps_mm for mark in chosen])
    sides = {mark.around.side for mark in chosen} - {None}
    in_doubt = bool(segmentation.unsure) or any(reason.code is Code.SEG_UNSURE for reason in reasons)
    scan = _Scan(
        volume,
        segmentation,
        reasons,
        carina_lps_mm,
        tuple(_as_mark(mark, in_doubt=in_doubt) for mark in marks.values()),
        {side: side_surface(volume, segmentation, box_of, marks, side) for side in sides if side is not None},
        in_doubt,
    )
    return tuple(_measured(scan, mark, key) for mark, key in zip(chosen, keys, strict=True))


@dataclass(frozen=True, slots=True)
class _Scan:
    """What is the same for all lesions of a series."""

    volume: Volume
    segmentation: Segmentation
    reasons: tuple[Reason, ...]
    carina_lps_mm: Point | None
    marks: tuple[Mark, ...]
    surfaces: Mapping[Side, LungSurface]
    is_uncertain: bool

    @property
    def thick_mm(self) -> float:
        return max(self.volume.spacing_zyx_mm[0], self.volume.slice_thickness_mm or 0.0)


def _as_mark(mark: LesionMark, *, in_doubt: bool) -> Mark:
    return Mark(mark.segment.name, mark.centre_lps_mm, mark.around.side, in_doubt or mark.segment.is_uncertain)


def _measured(scan: _Scan, mark: LesionMark, key: str) -> LesionMeasurements:
    volume, box = scan.volume, mark.box
    mask_zyx = scan.segmentation.labels_zyx[box] == mark.segment.label
    size = _size(mask_zyx, volume, box)
    judged = verdict(scan.reasons, mark.around, size.axes.long_mm)
    is_refused = bool(judged.refused_by)
    inside = None if is_refused else composition(volume.hu_zyx[box], mask_zyx, volume.lps_from_zyx)
    component = None if inside is None else inside.component_zyx
    solid = None if component is None else _size(component, volume, box)
    where = _location(scan, mark, mask_zyx)
    return LesionMeasurements(
        label=mark.segment.label,
        name=mark.segment.name,
        lesion_key=key,
        centre_lps_mm=mark.centre_lps_mm,
        n_voxels=mark.n_voxels,
        largest_slice=mark.largest_slice,
        finding=_finding(None if is_refused else size),
        size=None if is_refused else size,
        attenuation=None if is_refused else attenuation(volume.hu_zyx[box][mask_zyx]),
        type=None if inside is None else inside.type,
        solid=solid,
        location=_without_distances(where) if is_refused else where,
        further=further_lesions(_as_mark(mark, in_doubt=scan.is_uncertain), scan.marks),
        tnm=None if inside is None else _tnm(inside.type, size, solid, volume),
        screening=() if inside is None else _screening(scan, inside.type, size, solid, where),
        refused_by=judged.refused_by,
        warnings=(*judged.warnings, *_doubt(scan, mark)),
        is_uncertain=scan.is_uncertain or mark.segment.is_uncertain,
        parameters=_parameters(size, solid, inside),
        confidence=mark.segment.confidence,
    )


def _doubt(scan: _Scan, mark: LesionMark) -> tuple[Reason, ...]:
    """Return SEG-UNSURE where this lesion, or its whole series, is uncertain."""
    if mark.segment.doubt is not None:
        return (warn(Code.SEG_UNSURE, f"{DOUBTED}{mark.segment.doubt}"),)
    return (warn(Code.SEG_UNSURE, f"{DOUBTED}its series is flagged unsure"),) if scan.is_uncertain else ()


def _size(mask_zyx: NDArray[np.bool_], volume: Volume, box: Box) -> Size:
    return measure_size(mask_zyx, volume.lps_from_zyx, first_slice=box[0].start, origin_yx=(box[1].start, box[2].start))


def _finding(size: Size | None) -> Finding:
    if size is None:
        return Finding.LESION
    return Finding.NODULE if size.axes.long_mm <= _LARGEST_NODULE_MM else Finding.MASS


def _location(scan: _Scan, mark: LesionMark, mask_zyx: NDArray[np.bool_]) -> Location:
    """Locate a lesion; in a lung that the scan cuts off there are no thirds."""
    rim_zyx = mask_zyx & ~ndimage.binary_erosion(mask_zyx, _CROSS)
    matrix = scan.volume.lps_from_zyx
    outermost_lps_mm = (np.argwhere(rim_zyx) + [s.start for s in mark.box]) @ matrix[:3, :3].T + matrix[:3, 3]
    side = mark.around.side
    surface = None if side is None else scan.surfaces[side]
    where = locate(outermost_lps_mm, mark.centre_lps_mm, side, surface, scan.carina_lps_mm)
    cut_off = any(reason.code is Code.GEO_PARTIAL for reason in scan.reasons)
    return replace(where, zone=None) if cut_off else where


def _without_distances(where: Location) -> Location:
    return Location(where.side, where.zone, None, None, None)


def _tnm(nodule_type: NoduleType, size: Size, solid: Size | None, volume: Volume) -> TnmSize:
    component = None if solid is None else solid.longest
    return tnm_size(nodule_type, size.longest, component, tolerance_mm(volume.spacing_zyx_mm))


def _screening(
    scan: _Scan, nodule_type: NoduleType, size: Size, solid: Size | None, where: Location
) -> tuple[ScreeningBand | NotApplicable, ...]:
    solid_mean_mm = None if solid is None else solid.mean_diameter_mm
    of_screening = lung_rads(
        nodule_type,
        size.mean_diameter_mm,
        solid_mean_mm=solid_mean_mm,
        touches_pleura=where.to_pleura_mm == 0.0,
    )
    of_incidental = fleischner(
        nodule_type,
        size.mean_diameter_mm,
        solid_mean_mm=solid_mean_mm,
        age_years=scan.volume.series.first.patient.age_years,
        thick_mm=scan.thick_mm,
    )
    return (*of_screening, *((of_incidental,) if isinstance(of_incidental, NotApplicable) else of_incidental))


def _parameters(size: Size, solid: Size | None, inside: Composition | None) -> tuple[str, ...]:
    """Say how the numbers came about, for the report's Algorithm Parameters."""
    found = ["outline=hull of pixel edge midpoints", "short axis=perpendicular chord", "mesh=marching cubes at 0.5"]
    if inside is not None:
        found += [f"longest plane={size.longest.plane}", f"dense=HU >= {DENSE_HU}"]
        found.append(f"dense share={100 * inside.dense_frac:.0f} %")
    if solid is not None:
        found.append(f"longest plane of the solid component={solid.longest.plane}")
    return tuple(found)
