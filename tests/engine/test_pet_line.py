"""The PET of a CT in the straight line: measured beside it, or refused without harm to the CT's result."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from node.engine import heavy, line
from node.engine.analysis import Analysis, read_analysis, write_analysis
from node.engine.case_file import case_from_json, case_json, result_folder, write_case
from node.engine.case_start import Decided, _draft
from node.engine.findings import findings_of
from node.engine.folder import Asked, analyse_folder
from node.engine.known import known_of
from node.facts.folder import read_folder
from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.pet import make_pet, pet_grid
from node.phantom.pet_dicom import PetOptions, suvbw_factor, write_pet
from node.phantom.phantom import Nodule
from node.phantom.thorax import make_thorax, thorax_grid
from node.route.rules import load_routes
from node.route.select import Case, Selection, select
from node.segment.contract import ModelIdentity, Segmentation, Task
from node.settings import Settings
from node.store.layout import Layout
from node.volume.volume import Volume
from tests.measure.lesions.conftest import segmentation_of

HOT = Nodule((94.0, 12.0, -90.0), 24.0, suv_g_ml=9.0)
APART = Nodule((-91.0, -29.0, 17.0), 20.0, suv_g_ml=6.5)  # in the PET only: no lesion of the CT
PET = SeriesOptions(series_seed="pet", series_number=5, series_description="PET AC")
FACTOR = suvbw_factor(PetOptions())
BY_RULES = Settings.model_validate({"compute": {"lungs": "lungs-rule"}})
OUTLINES = ModelIdentity("lungs-outlined", "1", "0" * 64, Task.LUNGS, "cpu/none/none")

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the phantom's PET-CT; keywords are overrides of the PET's headers (None takes one out)."""

    def make(ct: SeriesOptions | None = None, **pet_headers: object) -> Path:
        folder = tmp_path / "study"
        write_series(make_thorax(thorax_grid(80, 200), nodules=[HOT], noise_hu=8.0), folder / "ct", ct)
        uptake = make_pet(pet_grid(), nodules=[HOT, APART])
        write_pet(uptake, folder / "pet", PetOptions(series=replace(PET, overrides=pet_headers)))
        return folder

    return make


def outcome_of(folder: Path, out: Path) -> dict[str, Any]:
    found = analyse_folder(folder, out, BY_RULES, Asked(), lambda _: None)
    as_read: dict[str, Any] = json.loads(json.dumps(found.as_json(out)))
    return as_read


def pet_series(result: dict[str, Any]) -> dict[str, Any]:
    return next(s for s in result["series"] if s["modality"] == "PT")


def test_a_pet_is_measured_and_its_foci_outside_ct_lesions_are_listed_apart(write: Write, tmp_path: Path) -> None:
    result = outcome_of(write(), tmp_path / "out")
    (pet,) = result["pet"]
    assert result["outcome"] == "processed"
    assert pet["suvbw_factor"] == pytest.approx(FACTOR, rel=1e-4)
    assert pet_series(result)["role"] == "analysed"
    nearest_mm = [
        min(np.linalg.norm(np.subtract(f["centre_lps_mm"], n.centre_lps_mm)) for f in pet["foci"]) for n in (HOT, APART)
    ]
    assert max(nearest_mm) < 5.0
    assert result["findings"] == []


def test_a_pet_without_a_weight_is_refused_and_the_ct_keeps_its_result(write: Write, tmp_path: Path) -> None:
    result = outcome_of(write(PatientWeight=None), tmp_path / "out")
    (pet,) = result["pet"]
    assert (result["outcome"], pet["suvbw_factor"], pet["foci"]) == ("processed", None, [])
    assert "PT-WEIGHT" in pet["codes"]
    assert pet_series(result)["role"] == "refused"
    assert "PT-WEIGHT" in [r["code"] for r in pet_series(result)["reasons"]]
    assert result["measurements"]


def test_a_pet_without_its_ct_is_not_routed_and_keeps_its_factor(write: Write, tmp_path: Path) -> None:
    result = outcome_of(write() / "pet", tmp_path / "out")
    (pet,) = result["pet"]
    assert result["outcome"] == "not-routed"
    assert "RT-NOPAIR" in pet["codes"]
    assert pet["suvbw_factor"] == pytest.approx(FACTOR, rel=1e-4)


def test_a_pet_taken_hours_after_its_ct_keeps_its_factor_and_is_refused(write: Write) -> None:
    case, _ = case_of(write(SeriesOptions(overrides={"AcquisitionDate": "20250101", "AcquisitionDateTime": None})))
    analysis = analysed(case)
    assert analysis.pet is not None
    assert "REG-TIME" in [r.code.value for r in analysis.pet.line.reasons]
    assert analysis.pet.line.is_refused
    assert analysis.pet.line.suvbw_factor == pytest.approx(FACTOR, rel=1e-4)


def test_a_lesion_is_a_finding_with_its_numbers_on_ct_and_pet(write: Write, tmp_path: Path) -> None:
    case, volume = case_of(write())
    analysis = analysed(case)
    identity = line.identify(case, Outlined(), BY_RULES)
    (finding,) = findings_of(analysis, case.anchor.series_instance_uid, identity)
    assert finding["side"] == "left"
    assert finding["long_axis_mm"] == pytest.approx(HOT.diameter_mm, abs=volume.spacing_zyx_mm[1])
    uptake = make_pet(pet_grid(), nodules=[HOT, APART]).suv_zyx
    assert uptake is not None
    assert finding["suv_max"] == pytest.approx(float(uptake.max()), rel=1e-3)
    assert finding["more"]["mtv_ml"]["mtv25"] > 0
    assert finding["tracking_uid"].startswith("2.25.")
    first, last = finding["slices"]
    z_mm = [(volume.lps_from_zyx @ [k, 0, 0, 1])[2] for k in (first, last)]
    assert min(z_mm) < HOT.centre_lps_mm[2] < max(z_mm)
    apart = analysis.pet.line.foci if analysis.pet else ()
    assert all(np.linalg.norm(np.subtract(f.centre_lps_mm, HOT.centre_lps_mm)) > 20.0 for f in apart)


def test_an_analysis_with_lesions_and_pet_is_the_same_from_disk_and_passes_the_self_check(
    write: Write, tmp_path: Path
) -> None:
    case, volume = case_of(write())
    analysis = analysed(case)
    write_analysis(analysis, volume, tmp_path)
    kept = read_analysis(tmp_path)
    assert kept is not None
    assert (kept.lesions, kept.pet) == (analysis.lesions, analysis.pet)
    identity = line.identify(case, Outlined(), BY_RULES)
    objects = line.encode_case(case, identity, BY_RULES, tmp_path, now=datetime.now(UTC), volume=volume)
    assert {o.kind for o in objects} >= {"SEG", "SR"}


@pytest.mark.parametrize(("headers", "role"), [({}, "analysed"), ({"PatientWeight": None}, "refused")])
def test_the_durable_steps_say_the_same_of_a_pet(
    write: Write, tmp_path: Path, headers: dict[str, object], role: str
) -> None:
    settings = Settings(data_dir=tmp_path)
    Layout(tmp_path).create()
    selection = selected(write(**headers))
    draft = _draft(Decided(selection.cases[0], selection, "all there", proved=True), tmp_path, datetime.now(UTC))
    kept_settings = settings.model_dump(mode="json")
    case = case_from_json(heavy.identify(kept_settings, case_json(draft)))
    write_case(tmp_path, case)
    heavy.analyse(kept_settings, case.workflow_id)
    heavy.encode(kept_settings, case.workflow_id)
    result = json.loads((result_folder(tmp_path, case.workflow_id) / "result.json").read_text())
    direct = outcome_of(tmp_path / "study", tmp_path / "out")
    assert pet_series(result)["role"] == role
    assert pet_series(result) == pet_series(direct)
    assert result["pet"] == direct["pet"]


def test_the_real_pet_ct_gives_its_factor_and_names_the_uncorrected_series(data_dir: Path, tmp_path: Path) -> None:
    result = outcome_of(data_dir / "petct" / "acrin-nsclc-fdg-pet-042", tmp_path / "out")
    measured, uncorrected = result["pet"]
    assert measured["suvbw_factor"] == pytest.approx(4.2111e-4, rel=1e-4)
    assert max(f["suv_max"] for f in measured["foci"]) == pytest.approx(42.22, abs=0.01)
    assert uncorrected["suvbw_factor"] is None
    assert {"PT-NAC", "PT-UNITS"} <= set(uncorrected["codes"])


def test_a_real_part_of_a_pet_is_not_routed_and_keeps_its_factor(data_dir: Path, tmp_path: Path) -> None:
    result = outcome_of(data_dir / "odd" / "pet-part", tmp_path / "out")
    (pet,) = result["pet"]
    assert result["outcome"] == "not-routed"
    assert "RT-NOPAIR" in pet["codes"]
    assert pet["suvbw_factor"] == pytest.approx(3.5366e-4, rel=1e-4)


@dataclass(frozen=True)
class Outlined:
    """Stands in for a lesion model, of which none is installed: gives the phantom's own outlines."""

    identity: ModelIdentity = OUTLINES

    def segment(self, volume: Volume) -> Segmentation:
        phantom = make_thorax(thorax_grid(80, 200), nodules=[HOT], noise_hu=8.0)
        assert np.allclose(volume.lps_from_zyx, phantom.grid.lps_from_zyx)
        lesions = replace(self.identity, name="lesions-outlined", task=Task.LESIONS)
        return replace(segmentation_of(phantom.labels_zyx, 1), models=(self.identity, lesions))


def selected(folder: Path) -> Selection:
    return select(read_folder(folder).series, load_routes(None), known_of(BY_RULES))


def case_of(folder: Path) -> tuple[Case, Volume]:
    (case,) = selected(folder).cases
    volume = line.read_case(case, BY_RULES)
    assert isinstance(volume, Volume)
    return case, volume


def analysed(case: Case) -> Analysis:
    volume = line.read_case(case, BY_RULES)
    assert isinstance(volume, Volume)
    found = line.analyse_volume(volume, Outlined(), line.pet_of(case))
    assert isinstance(found, Analysis)
    return found
