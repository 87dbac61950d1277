"""Routes files: what is valid, and every fault with its line and a suggestion."""

from datetime import time

import pytest

from node.errors import Misconfigured
from node.route.rules import DEFAULT_ROUTES_TOML, load_routes, parse_routes
from node.route.vocabulary import Fact, Preference, Priority, Unknown

WHOLE = """
[[route]]
name = "thin-chest"
lungs = "lungs-rule"
lesions = "none"
priority = "off-peak"
night = "21:30-05:00"
destinations = ["pacs"]
prefer = ["density", "thin"]
pet = false
unknown = "take"

[route.when]
called_ae = "LUNGNODE"
image_type = { none_of = ["SECONDARY"] }
study_description = { contains = ["thorax", "chest"], contains_none = "brain" }
thickness_mm = { at_most = 3.0 }
instances = { at_least = 50 }
kernel = "soft"

[[route]]
name = "rest"
"""

FAULTS = {  # what is written -> line, words of the message
    'nmae = "x"': (3, "'nmae' is not known here, did you mean 'name'?"),
    'priority = "urgnet"': (3, "did you mean 'urgent'?"),
    'prefer = ["thn"]': (3, "did you mean 'thin'?"),
    'unknown = "maybe"': (3, "not one of leave, take"),
    'destinations = "pacs"\nnight = "late"': (4, "'HH:MM-HH:MM'"),
    'pet = "yes"': (3, "pet is true or false"),
    "lungs = 3": (3, "lungs is a text"),
    "destinations = []": (3, "a text or a list of texts"),
    'lungs = "none"\nlesions = "none"': (1, "asks for nothing"),
    '[route.when]\nmodality = "MR"': (4, "'MR' is no modality"),
    '[route.when]\nmodalty = "CT"': (4, "did you mean 'modality'?"),
    '[route.when]\nsop_class = "ENHANCED_CT"': (4, "did you mean 'ENHANCED-CT'?"),
    "[route.when]\nthickness_mm = 3": (4, "is a number: write { at_least"),
    '[route.when]\nthickness_mm = { at_most = "3" }': (4, "a number is wanted"),
    "[route.when]\nthickness_mm = { atmost = 3 }": (4, "did you mean 'at_most'?"),
    '[route.when]\nbody_part = { contains = "CHEST" }': (4, "'contains' is not known here"),
    "[route.when]\nstudy_description = {}": (4, "says nothing"),
    'when = "CT"': (3, "table of conditions"),
}


def test_a_whole_file_is_parsed_into_values():
    thin, rest = parse_routes(WHOLE, "x.toml").routes

    assert (thin.lungs, thin.lesions, thin.pet, thin.unknown) == ("lungs-rule", None, False, Unknown.TAKE)
    assert (thin.priority, thin.destinations) == (Priority.OFF_PEAK, ("pacs",))
    assert (thin.night.begins, thin.night.ends) == (time(21, 30), time(5, 0))
    assert thin.prefer == (Preference.DENSITY, Preference.THIN)
    assert [condition.fact for condition in thin.conditions][:2] == [Fact.CALLED_AE, Fact.IMAGE_TYPE]
    assert (thin.line, thin.conditions[0].line) == (2, 14)
    assert (rest.name, rest.conditions, rest.destinations) == ("rest", (), None)


@pytest.mark.parametrize("written", FAULTS, ids=lambda text: text.replace("\n", " | "))
def test_each_fault_is_told_with_its_line_and_a_suggestion(written):
    line, words = FAULTS[written]

    with pytest.raises(Misconfigured) as caught:
        parse_routes(f'[[route]]\nname = "a"\n{written}\n', "x.toml")

    assert caught.value.code == "CFG-ROUTES"
    assert f"x.toml:{line}: " in caught.value.message
    assert words in caught.value.message


def test_all_faults_are_told_at_once():
    with pytest.raises(Misconfigured) as caught:
        parse_routes('[[route]]\nname = "a"\npet = 1\n\n[[route]]\nname = "a"\nlunges = "x"\n', "x.toml")

    assert ["x.toml:3:" in caught.value.message, "x.toml:6:" in caught.value.message] == [True, True]
    assert "did you mean 'lungs'?" in caught.value.message


@pytest.mark.parametrize("text", ["", "[route]\nname = 'a'", "route = []", "[[route]]\nlungs = 'a'"], ids=repr)
def test_a_file_without_a_named_route_is_refused(text):
    with pytest.raises(Misconfigured):
        parse_routes(text, "x.toml")


def test_what_is_no_toml_is_refused_with_the_parsers_words():
    with pytest.raises(Misconfigured, match=r"x\.toml is not valid TOML: .*line 1"):
        parse_routes("name = = 3", "x.toml")


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(Misconfigured, match="absent"):
        load_routes(tmp_path / "absent.toml")


def test_a_file_with_a_mark_of_byte_order_is_read(tmp_path):
    (tmp_path / "a.toml").write_bytes(b"\xef\xbb\xbf" + DEFAULT_ROUTES_TOML.encode())
    assert load_routes(tmp_path / "a.toml").routes == load_routes(None).routes


def test_the_default_is_one_route_for_every_chest_ct(tmp_path):
    (tmp_path / "a.toml").write_text(DEFAULT_ROUTES_TOML)

    (default,) = load_routes(None).routes

    assert (default.name, default.conditions) == ("default", ())
    assert load_routes(tmp_path / "a.toml").routes == (default,)
