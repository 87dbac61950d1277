"""The findings of `result.json` (architecture 7): one per measured lesion, with its numbers or null and its codes."""

from typing import Any

from node.engine.analysis import Analysis
from node.measure.lesions.before import Before
from node.measure.lesions.growth import NotCompared
from node.measure.lesions.marks import boxes
from node.measure.lesions.values import LesionMeasurements
from node.measure.pet.pet_findings import LesionPet
from node.measure.pet.uptake_quantity import Statistic, Threshold
from node.report.uids import CaseIdentity
from node.volume.pet import SuvKind

_GROWTH_NUMBERS = (
    "days",
    "volume_change_percent",
    "diameter_change_mm",
    "is_volume_changed",
    "is_diameter_changed",
    "doubling_time_d",
)


def findings_of(analysis: Analysis, series_uid: str, identity: CaseIdentity) -> tuple[dict[str, Any], ...]:
    """Describe the lesions of the CT series `series_uid`, in the order in which they were measured."""
    if not analysis.lesions:
        return ()
    box_of = boxes(analysis.segmentation)
    confidence = {s.label: s.confidence for s in analysis.segmentation.segments}
    by_label = {} if analysis.pet is None else {u.label: u for u in analysis.pet.lesions}
    found = []
    for lesion in analysis.lesions:
        slices = box_of[lesion.label][0]
        where = lesion.location
        uptake = by_label.get(lesion.label)
        found.append(
            {
                "tracking_uid": identity.tracking_uid(series_uid, lesion.lesion_key, lesion.first_seen),
                "name": lesion.name,
                "side": None if where.side is None else where.side.value,
                "zone": None if where.zone is None else where.zone.value,
                "long_axis_mm": None if lesion.size is None else lesion.size.axes.long_mm,
                "volume_mm3": None if lesion.size is None else lesion.size.volume_mm3,
                "confidence": confidence[lesion.label],
                "uncertain": lesion.is_uncertain,
                "centre_lps_mm": list(lesion.centre_lps_mm),
                "slices": [slices.start, slices.stop - 1],
                "size_category": None if lesion.tnm is None else " or ".join(b.meaning for b in lesion.tnm.bands),
                "suv_max": None if uptake is None else uptake.value(Statistic.MAX),
                "codes": [r.code.value for r in (*lesion.refused_by, *lesion.warnings)],
                "more": _more(lesion, uptake),
            }
        )
    return tuple(found)


def _more(lesion: LesionMeasurements, uptake: LesionPet | None) -> dict[str, Any]:
    size = lesion.size
    return {
        "short_axis_mm": None if size is None else size.axes.short_mm,
        "mpr_axis_mm": None if size is None else size.longest.length_mm,
        "mpr_plane": None if size is None else size.longest.plane.value,
        "feret_mm": None if size is None else size.shape.feret_mm,
        "mean_hu": None if lesion.attenuation is None else lesion.attenuation.mean_hu,
        "solid_mm": None if lesion.solid is None else lesion.solid.axes.long_mm,
        "suv_peak": None if uptake is None else uptake.value(Statistic.PEAK),
        "suv_mean": None if uptake is None else uptake.value(Statistic.MEAN),
        "mtv_ml": {} if uptake is None else {t.value: uptake.value(Statistic.MTV, threshold=t) for t in Threshold},
        "tlg_g": {} if uptake is None else {t.value: uptake.value(Statistic.TLG, threshold=t) for t in Threshold},
        "sul_max": None if uptake is None else uptake.value(Statistic.MAX, SuvKind.LBMJANMA),
        "growth": None if lesion.compared is None else _growth(lesion.compared),
    }


def _growth(before: Before) -> dict[str, Any]:
    """Return the comparison with the prior: its numbers, or null and the reason; no dates, only the days between."""
    found = before.growth
    if isinstance(found, NotCompared):
        numbers = dict.fromkeys(_GROWTH_NUMBERS)
        text = f"not compared: {'; '.join(found.why)}"
    else:
        numbers = {name: getattr(found, name) for name in _GROWTH_NUMBERS}
        text = found.text
    return {
        "prior_study_instance_uid": before.image.study_uid,
        "prior_series_instance_uid": before.image.series_uid,
        "prior_sop_instance_uid": before.image.sop_instance_uid,
        "prior_volume_mm3": before.volume_mm3,
        "prior_mean_diameter_mm": before.mean_diameter_mm,
        "apart_mm": before.apart_mm,
        **numbers,
        "text": text,
    }
