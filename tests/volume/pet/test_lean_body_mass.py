"""Lean body mass against the values of the reference, and where it ends."""

import pytest

from node.errors import Code
from node.volume.pet.lean_body_mass import lean_masses


def test_a_man_of_70_kg_and_170_cm_has_the_masses_of_the_reference() -> None:
    lean = lean_masses(70.0, 1.70, "M")

    assert lean.janmahasatian_kg == pytest.approx(54.48, abs=0.005)
    assert lean.james_kg == pytest.approx(56.65, abs=0.005)
    assert lean.james128_kg == pytest.approx(55.30, abs=0.005)
    assert lean.reasons == ()


def test_a_woman_of_70_kg_and_170_cm_has_the_masses_of_the_reference() -> None:
    lean = lean_masses(70.0, 1.70, "F")

    assert lean.janmahasatian_kg == pytest.approx(44.17, abs=0.005)
    assert lean.james_kg == pytest.approx(49.81, abs=0.005)
    assert lean.james128_kg == lean.james_kg


@pytest.mark.parametrize(("weight_kg", "height_m"), [(130.0, 1.75), (300.0, 1.60)], ids=["BMI over 40", "negative"])
def test_the_forms_of_james_are_refused_in_obesity(weight_kg: float, height_m: float) -> None:
    lean = lean_masses(weight_kg, height_m, "F")

    assert (lean.james_kg, lean.james128_kg) == (None, None)
    assert lean.janmahasatian_kg > 40.0
    assert [r.code for r in lean.reasons] == [Code.PT_HEIGHT]
