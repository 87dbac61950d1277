"""The default route on the real series, and on each odd folder as far as routing decides."""

import json

import pytest

from node.facts.folder import read_folder
from node.route.case import Known
from node.route.explain import as_json, explain
from node.route.rules import load_routes
from node.route.studies import select_among

DEFAULT = load_routes(None)
# folders in which routing offers something, and `volume` or `segment` refuses it
OFFERED = {"abdomen-pelvis-ct", "enhanced", "malformed", "non-chest", "transfer-syntax"}


@pytest.mark.parametrize(
    ("name", "n_slices"),
    [
        ("lidc-idri-0001", 133),
        ("lung-dx-a0001-b", 64),
        ("lung-dx-a0002-b40f", 30),
        ("lung-dx-a0002-b70f", 30),
        ("4d-lung-113", 99),
    ],
)
def test_each_thoracic_ct_is_selected_alone(name, n_slices, data_dir):
    selection = select_among(read_folder(data_dir / "ct" / name).series, DEFAULT, Known()).selection

    assert [(case.anchor.n_instances, case.lungs) for case in selection.cases] == [(n_slices, "lungs-joint")]


def test_of_two_kernels_of_one_scan_the_soft_one_is_taken(data_dir):
    series = [s for k in ("b40f", "b70f") for s in read_folder(data_dir / "ct" / f"lung-dx-a0002-{k}").series]

    selection = select_among(series, DEFAULT, Known()).selection

    assert [case.anchor.first.convolution_kernel for case in selection.cases] == [("B40f",)]
    assert [(p.series.first.convolution_kernel, p.reasons[0].code) for p in selection.passed] == [
        (("B70f",), "RT-PASSED")
    ]
    assert "same scan was chosen by the rule 'soft'" in selection.passed[0].reasons[0].text


def test_the_pet_ct_gives_one_case_with_its_corrected_pet(data_dir):
    selection = select_among(read_folder(data_dir / "petct").series, DEFAULT, Known()).selection

    (case,) = selection.cases
    assert case.anchor.first.series_description == "CT IMAGES"
    assert [partner.first.series_description for partner in case.partners] == ["PET AC"]
    codes = sorted(reason.code for passed in selection.passed for reason in passed.reasons)
    assert codes == ["RT-LOCALIZER", *["RT-MODALITY"] * 6, "RT-PASSED"]


def _expected(data_dir):
    return json.loads((data_dir / "odd" / "expected.json").read_text())["folders"]


@pytest.mark.parametrize(
    "name",
    ["abdomen-pelvis-ct", "charset", "ct-labelled-seg", "enhanced", "ge-tilted-head", "localizer", "malformed",
     "non-chest", "pet-part", "pet-single", "secondary-capture", "seg-sr", "transfer-syntax"],
)  # fmt: skip
def test_each_odd_folder_comes_to_what_is_expected(name, data_dir):
    expected = _expected(data_dir)[name]
    folder = read_folder(data_dir / "odd" / name)

    selection = select_among(folder.series, DEFAULT, Known()).selection

    codes = {reason.code.value for passed in selection.passed for reason in passed.reasons}
    codes |= {unread.code.value for unread in folder.unread}
    assert bool(selection.cases) == (name in OFFERED)
    if name not in OFFERED:
        assert "not-routed" in expected["outcome"]
        assert codes & set(expected["one_of"])
    else:
        assert "refused" in expected["outcome"]


def test_the_table_of_odd_folders_is_complete(data_dir):
    assert len(_expected(data_dir)) == 13


def test_the_explanation_names_every_series_and_every_rule_as_plain_json(data_dir):
    explained = explain(read_folder(data_dir / "petct").series, DEFAULT, Known())

    written = json.loads(json.dumps(as_json(explained)))

    assert len(written["series"]) == 10
    assert {series["role"] for series in written["series"]} == {"analysed", "partner", "passed-over", "skipped"}
    assert all(series["rules"][0]["route"] == "default" for series in written["series"])
