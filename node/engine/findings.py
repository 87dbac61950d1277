"""The findings of `result.json` (architecture 7): one per measured lesion, with its numbers or null and its codes."""

from typing import Any

from node.engine.analysis import Analysis
from node.engine.pet_case import Uptake
from node.measure.lesions.marks import boxes
from node.measure.lesions.values import LesionMeasurements
from node.report.uids import CaseIdentity


def findings_of(analysis: Analysis, series_uid: str, identity: CaseIdentity) -> tuple[dict[str, Any], ...]:
    """Describe the lesions of the CT series `series_uid`, in the order in which they were measured."""
    if not analysis.lesions:
        return ()
    box_of = boxes(analysis.segmentation)
    confidence = {s.label: s.confidence for s in analysis.segmentation.segments}
    by_label = {} if analysis.pet is None else {u.label: u for u in analysis.pet.uptakes}
    found = []
    for lesion in analysis.lesions:
        slices = box_of[lesion.label][0]
        where = lesion.location
        uptake = by_label.get(lesion.label)
        found.append(
            {
                "tracking_uid": identity.tracking_uid(series_uid, lesion.lesion_key),
                "name": lesion.name,
                "side": None if where.side is None else where.side.value,
                "zone": None if where.zone is None else where.zone.value,
                "long_axis_mm": None if lesion.size is None else lesion.size.axes.long_mm,
                "volume_mm3": None if lesion.size is None else lesion.size.volume_mm3,
                "confidence": confidence[lesion.label],
                "centre_lps_mm": list(lesion.centre_lps_mm),
                "slices": [slices.start, slices.stop - 1],
                "size_category": None if lesion.tnm is None else " or ".join(b.meaning for b in lesion.tnm.bands),
                "suv_max": None if uptake is None else uptake.suv_max,
                "codes": [r.code.value for r in (*lesion.refused_by, *lesion.warnings)],
                "more": _more(lesion, uptake),
            }
        )
    return tuple(found)


def _more(lesion: LesionMeasurements, uptake: Uptake | None) -> dict[str, Any]:
    size = lesion.size
    return {
        "short_axis_mm": None if size is None else size.axes.short_mm,
        "mpr_axis_mm": None if size is None else size.longest.length_mm,
        "mpr_plane": None if size is None else size.longest.plane.value,
        "feret_mm": None if size is None else size.shape.feret_mm,
        "mean_hu": None if lesion.attenuation is None else lesion.attenuation.mean_hu,
        "solid_mm": None if lesion.solid is None else lesion.solid.axes.long_mm,
        "suv_peak": None if uptake is None else uptake.suv_peak,
        "mtv_ml": {} if uptake is None else uptake.mtv_ml,
        "tlg_g": {} if uptake is None else uptake.tlg_g,
        "sul_max": None if uptake is None else uptake.sul_max,
        "growth": None,
    }
