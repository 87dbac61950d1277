"""The fixed sentences of the standards reference, letter by letter."""

import pytest

from node.measure.lesions.mpr import LongestLine, Plane
from node.measure.lesions.solid import NoduleType
from node.measure.lesions.tnm_text import NOT_ASSESSED, tnm_size

TAIL = (
    "Not assessed: pleural, chest wall, mediastinal or bronchial invasion, atelectasis, separate nodules as "
    "metastases, lymph nodes, distant metastases, histology."
)


def line(length_mm: float, plane: Plane = Plane.AXIAL) -> LongestLine:
    return LongestLine(length_mm, plane)


def test_the_tail_is_the_standards_own():
    assert NOT_ASSESSED == TAIL


def test_a_solid_lesion():
    found = tnm_size(NoduleType.SOLID, line(24.3, Plane.CORONAL), None, 1.0)
    assert found.text == (
        "Largest diameter 24 mm (coronal). If this lesion is a primary lung cancer, this is consistent with T1c by "
        f"size alone (TNM 9th edition). {TAIL}"
    )
    assert [band.code for band in found.bands] == ["LN-B-20-30"]


def test_a_part_solid_lesion():
    found = tnm_size(NoduleType.PART_SOLID, line(24.0, Plane.SAGITTAL), line(12.2), 1.0)
    assert found.text == (
        "Part-solid; solid component 12 mm (axial), total 24 mm. If this lesion is a primary lung cancer, this is "
        f"consistent with T1b by size of the solid component alone (TNM 9th edition). {TAIL}"
    )
    assert [band.code for band in found.bands] == ["LN-B-10-20"]


def test_a_borderline_lesion():
    found = tnm_size(NoduleType.SOLID, line(30.4), None, 1.0)
    assert found.text == (
        "Largest diameter 30 mm (axial). If this lesion is a primary lung cancer, this is between T1c and T2a by size "
        f"alone (30 mm, borderline) (TNM 9th edition). {TAIL}"
    )
    assert found.is_borderline


def test_a_borderline_solid_component():
    found = tnm_size(NoduleType.PART_SOLID, line(26.0), line(20.5), 1.0)
    assert (
        "between T1b and T1c by size of the solid component alone (21 mm, borderline) (TNM 9th edition)." in found.text
    )


@pytest.mark.parametrize("length", [2.9, 5.0])
def test_a_small_solid_component_has_no_band(length):
    found = tnm_size(NoduleType.PART_SOLID, line(24.0), line(length, Plane.CORONAL), 1.0)
    assert found.bands == ()
    assert found.text == (
        f"Part-solid; solid component {length:.0f} mm (coronal), total 24 mm; solid component ≤ 5 mm: cTis / cT1mi / "
        f"T1a distinction needs pathology (TNM 9th edition). {TAIL}"
    )


def test_ground_glass_has_no_band():
    found = tnm_size(NoduleType.GROUND_GLASS, line(17.6, Plane.CORONAL), None, 1.0)
    assert found.bands == ()
    assert found.text == (
        "Ground glass, total 18 mm (coronal); solid component ≤ 5 mm: cTis / cT1mi / T1a distinction needs pathology "
        f"(TNM 9th edition). {TAIL}"
    )


def test_a_solid_component_too_near_above_5_mm_has_no_band_either():
    found = tnm_size(NoduleType.PART_SOLID, line(24.0), line(5.4), 1.0)
    assert (found.bands, found.is_borderline) == ((), True)
    assert found.text == (
        "Part-solid; solid component 5 mm (axial, borderline), total 24 mm; solid component ≤ 5 mm: cTis / cT1mi / "
        f"T1a distinction needs pathology (TNM 9th edition). {TAIL}"
    )


def test_just_far_enough_above_5_mm_there_is_one():
    found = tnm_size(NoduleType.PART_SOLID, line(24.0), line(6.0), 1.0)
    assert [band.code for band in found.bands] == ["LN-B-LE10"]
