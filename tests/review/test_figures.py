"""The acceptance figures are those of the definitions, over the last correction of each result."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from node.cli.evaluate import app
from node.engine.acceptance import acceptance
from node.engine.correction_file import CorrectionFile, write_correction
from node.engine.stores import opened_stores
from node.errors import Code, NotYetThere, refuse
from node.measure.quantity import Side
from node.review.compare import Comparison, LesionAgreement, LungAgreement
from node.segment.contract import ModelIdentity, Task
from node.settings import Settings
from node.store.layout import Layout
from node.store.own import KeptResult

MODEL = ModelIdentity("lungs-rule", "1", "a" * 64, Task.LUNGS, "cpu")


def compared(dice: float, ours_ml: float, readers_ml: float, *lesions: LesionAgreement) -> Comparison:
    return Comparison((LungAgreement(Side.BOTH, dice, ours_ml, readers_ml),), lesions, True, bool(lesions))


def correction(
    n: int, workflow: str, comparison: Comparison | None, saved_at: str = "20260101120000"
) -> CorrectionFile:
    reasons = () if comparison is not None else (refuse(Code.COR_GEOM, "other pixels"),)
    return CorrectionFile(
        f"1.2.3.{n}", "1.2", f"1.2.4.{n}", "1.2.5", "1.2.6", workflow, "Reader^Ruth", "OHIF", saved_at, float(n), "p",
        reasons, comparison, models=(MODEL,),
    )  # fmt: skip


@pytest.fixture
def ask(tmp_path: Path) -> Callable[..., dict]:
    """Keeps corrections and results, and asks the command."""

    def answer(corrections: list[CorrectionFile], n_results: int) -> dict:
        settings = Settings.model_validate({"data_dir": str(tmp_path / "data"), "destinations": []})
        for one in corrections:
            write_correction(settings.data_dir, one)
        Layout(settings.data_dir).create()
        with opened_stores(settings) as stores:
            for n in range(n_results):
                path = settings.data_dir / "results" / f"w{n}" / "SEG.dcm"
                stores.own.remember(KeptResult(f"1.9.{n}", "1.2", "1.2", "1.2.5", f"w{n}", "SEG", path))
                stores.own.remember(KeptResult(f"1.8.{n}", "1.2", "1.2", "1.2.5", f"w{n}", "SR", path))
        (tmp_path / "lungnode.toml").write_text(f'data_dir = "{settings.data_dir}"\n')
        done = CliRunner().invoke(app, ["--corrections", "--config", str(tmp_path / "lungnode.toml"), "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)["corrections"]

    return answer


def test_mean_and_spread_are_taken_over_results(ask) -> None:
    kept = LesionAgreement("nodule-1", "nodule-1", 0.8, 100.0, 150.0)
    added, removed = LesionAgreement(None, "new", 0.0, 0.0, 30.0), LesionAgreement("nodule-2", None, 0.0, 9.0, 0.0)
    found = ask(
        [correction(1, "w0", compared(0.9, 1000.0, 1100.0, kept, added)),
         correction(2, "w1", compared(1.0, 2000.0, 2000.0)),
         correction(3, "w2", compared(0.8, 3000.0, 2700.0, removed)),
         correction(4, "w3", None)],
        n_results=8,
    )  # fmt: skip
    assert (found["n_results"], found["n_corrected"], found["n_unchanged"], found["n_not_used"]) == (8, 2, 1, 1)
    assert found["corrected_percent"] == 25.0
    both = found["lungs"]["both"]
    assert (both["dice"]["n"], both["dice"]["mean"]) == (3, pytest.approx(0.9))
    assert both["dice"]["sd"] == pytest.approx(0.1)
    assert both["difference_ml"]["mean"] == pytest.approx(-200.0 / 3)
    lesions = found["lesions"]
    assert (lesions["n_results"], lesions["n_added"], lesions["n_removed"], lesions["n_kept"]) == (2, 1, 1, 1)
    assert lesions["dice"] == {"n": 1, "mean": 0.8, "sd": None, "minimum": 0.8, "maximum": 0.8}
    assert [(m["name"], m["n"]) for m in found["models"]] == [("lungs-rule", 3)]


def test_of_several_corrections_the_last_that_was_saved_counts_and_all_are_kept(ask) -> None:
    late = correction(1, "w0", compared(0.7, 1.0, 1.0), "20260103120000")
    early = correction(2, "w0", compared(0.9, 1.0, 1.0), "20260102120000")  # it arrived later
    found = ask([late, early], n_results=1)
    assert (found["n"], found["n_segmentations"], found["lungs"]["both"]["dice"]["mean"]) == (1, 2, 0.7)
    gone = ask([replace(late, withdrawn=True)], n_results=1)
    assert (gone["lungs"]["both"]["dice"]["mean"], gone["n_withdrawn"]) == (0.9, 1)


def test_without_any_correction_there_are_counts_and_no_means(ask) -> None:
    found = ask([], n_results=3)
    assert (found["n_results"], found["n_corrected"], found["lungs"]["both"]["dice"]["mean"]) == (3, 0, None)


def test_a_person_reads_it_and_a_model_still_needs_its_set(tmp_path: Path) -> None:
    (tmp_path / "lungnode.toml").write_text(f'data_dir = "{tmp_path / "data"}"\n')
    Layout(tmp_path / "data").create()
    shown = CliRunner().invoke(app, ["--corrections", "--config", str(tmp_path / "lungnode.toml")])
    assert "0 results, 0 changed by a reader" in shown.stdout
    assert CliRunner().invoke(app, ["lungs-rule"]).exit_code == 2


def test_a_question_makes_no_data_folder_where_it_is_away(tmp_path: Path) -> None:
    settings = Settings.model_validate({"data_dir": str(tmp_path / "data"), "destinations": []})

    with pytest.raises(NotYetThere) as away:
        acceptance(settings)

    assert away.value.code == "ENV-DATA"
    assert not (tmp_path / "data").exists()
