"""What makes an image another kind of picture, as every room reads it."""

import pytest

from node.facts.derived import derivation, is_localizer, says_derived


@pytest.mark.parametrize(
    "value", ["MPR", "CSA MIP", "MIN_IP", "AXIAL MIN-IP", "mip", "CURVED_MPR", "CT_SOM5 VRT", "SUBTRACTION", "RCBV"]
)
def test_a_marker_is_found_as_a_word_whatever_stands_beside_it(value):
    assert derivation(("DERIVED", "SECONDARY", "AXIAL", value), ()) == f"Image Type says DERIVED and {value}"


@pytest.mark.parametrize(
    "image_type", [(), ("DERIVED", "PRIMARY", "AXIAL"), ("DERIVED", "MIP"), ("DERIVED", "PRIMARY", "AXIAL", "MIPPED"),
                   ("ORIGINAL", "PRIMARY", "AXIAL", "MPR")]
)  # fmt: skip
def test_plain_derived_images_and_originals_go_on(image_type):
    assert derivation(image_type, ("113040",)) is None


def test_a_derivation_code_decides_without_image_type():
    assert derivation((), ("113078",)) == "Derivation Code 113078, maximum intensity projection"


def test_the_first_and_third_value_are_read_in_either_case():
    assert says_derived(("derived",))
    assert not says_derived(())
    assert is_localizer(("ORIGINAL", "PRIMARY", "Localizer "))
    assert not is_localizer(("LOCALIZER",))
