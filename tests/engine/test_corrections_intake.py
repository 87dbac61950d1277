"""Foreign segmentations among what arrives: judged once, when there is something to judge them by."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import generate_uid

from node.engine.case_catalogue import CaseCatalogue
from node.engine.correction_state import NO_RESULT, correction_folder
from node.engine.corrections import Corrections
from node.engine.files import write_json
from node.errors import InputRefused
from tests.engine.test_intake import Site, make_site, slices, uids

__all__ = ["make_site", "slices"]
SEG = "1.2.840.10008.5.1.4.1.1.66.4"


class Judge:
    """Stands for the child process that compares: files what it is told to."""

    def __init__(self, site: Site) -> None:
        self.site, self.asked, self.answer = site, [], "used"

    def __call__(self, path: Path) -> dict[str, Any]:
        self.asked.append(path.stem)
        if self.answer == "damaged":
            raise InputRefused("FILE-UNREAD", "cannot be parsed")
        if self.answer != NO_RESULT:
            study = path.parent.parent.name
            write_json(correction_folder(self.site.settings.data_dir, study, path.stem) / "correction.json", {})
        return {"state": self.answer, "codes": []}


@pytest.fixture
def judged(make_site: Callable[..., Site], slices) -> tuple[Site, Judge, list[Path]]:
    """A site with one case at work, and a judge."""
    site, files = make_site(), slices()
    judge = Judge(site)
    data_dir = site.settings.data_dir
    site.intake._corrections = Corrections(data_dir, site.intake.ledger, judge, CaseCatalogue(data_dir))
    site.receive(files)
    site.intake.tick()
    return site, judge, files


def segmentation(files: list[Path], out: Path, **changes: object) -> Path:
    """A foreign object of the same study; what it says is the judge's business."""
    ds: Dataset = dcmread(files[0])
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = SEG
    ds.Modality = "SEG"
    ds.SOPInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    for keyword, value in changes.items():
        setattr(ds, keyword, value)
    ds.save_as(out)
    return out


def finish(site: Site) -> None:
    """Make it look as if the case had come to a result."""
    write_json(site.folder(site.cases[0]) / "analysis.json", {})


def look_again(site: Site, files: list[Path]) -> None:
    site.intake._due[uids(files)[0]] = 0.0
    site.intake.tick()


def test_it_is_judged_once_and_the_decision_is_kept(judged, tmp_path: Path) -> None:
    site, judge, files = judged
    finish(site)
    site.receive([segmentation(files, tmp_path / "seg.dcm")], "a2")
    site.intake.tick()
    look_again(site, files)
    assert len(judge.asked) == 1
    kinds = [(d.kind, d.reason) for d in site.intake.ledger.decisions(uids(files)[0])]
    assert ("correction", "compared with our result") in kinds
    assert len(site.cases) == 1


def test_it_waits_for_the_case_that_is_at_work(judged, tmp_path: Path) -> None:
    site, judge, files = judged
    site.receive([segmentation(files, tmp_path / "seg.dcm")], "a2")
    site.intake.tick()
    assert judge.asked == []
    assert uids(files)[0] in site.intake._due  # it is looked at again without anybody's doing
    finish(site)
    look_again(site, files)
    assert len(judge.asked) == 1


def test_without_any_result_it_is_passed_over_with_a_code(judged, tmp_path: Path) -> None:
    site, judge, files = judged
    finish(site)
    judge.answer = NO_RESULT
    site.receive([segmentation(files, tmp_path / "seg.dcm")], "a2")
    site.intake.tick()
    look_again(site, files)
    assert len(judge.asked) == 1
    codes = [d.fields.get("code") for d in site.intake.ledger.decisions(uids(files)[0])]
    assert codes.count("COR-NORES") == 1


@pytest.mark.parametrize("answer", ["refused", "damaged"])
def test_what_is_not_used_is_told_and_not_judged_again(judged, tmp_path: Path, answer: str) -> None:
    site, judge, files = judged
    finish(site)
    judge.answer = answer
    site.receive([segmentation(files, tmp_path / "seg.dcm")], "a2")
    site.intake.tick()
    look_again(site, files)
    assert len(judge.asked) == 1
    assert "not used as a correction" in [d.reason for d in site.intake.ledger.decisions(uids(files)[0])]


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"Manufacturer": "lungnode", "ManufacturerModelName": "lungnode"}, id="ours"),
        pytest.param({"PatientID": "SOMEBODY-ELSE"}, id="another patient's"),
    ],
)
def test_ours_and_those_of_another_patient_are_not_judged(judged, tmp_path: Path, changes: dict[str, str]) -> None:
    site, judge, files = judged
    finish(site)
    site.receive([segmentation(files, tmp_path / "seg.dcm", **changes)], "a2")
    site.intake.tick()
    assert judge.asked == []
