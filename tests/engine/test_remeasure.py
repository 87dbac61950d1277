"""What a reader drew, lesions too, becomes a report that refers to the reader's own segments."""

import os
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from typer.testing import CliRunner

from node.cli.corrections import app
from node.engine import heavy
from node.engine.analysis import read_analysis
from node.engine.case_file import CaseFile, SourceSeries, case_from_json, case_json, result_folder, write_case
from node.engine.correction_file import CorrectionFile, one_correction, write_correction
from node.engine.correction_state import NO_RESULT, correction_folder
from node.engine.correction_step import take_in
from node.engine.outbox import kept
from node.engine.remeasure import case_of_correction
from node.engine.stopped import Stopped, mark_stopped
from node.errors import Code, InputRefused
from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.thorax import make_thorax, thorax_grid
from node.settings import Settings
from tests.review.readers_seg import BIN, Part, Scan


@dataclass
class Done:
    """A data folder with one analysed case, and the scan that it is of."""

    settings: Settings
    case: CaseFile
    scan: Scan

    @property
    def data_dir(self) -> Path:
        return self.settings.data_dir

    def run(self, case: CaseFile) -> None:
        heavy.analyse(self.settings.model_dump(mode="json"), case.workflow_id)
        heavy.encode(self.settings.model_dump(mode="json"), case.workflow_id)

    def saved(self, parts: list[Part], **how: object) -> Path:
        """Keep a reader's segmentation where a received one lies."""
        path = self.scan.like_ohif(parts, **how)
        ds = dcmread(path, stop_before_pixels=True)
        series = self.data_dir / "spool" / "studies" / ds.StudyInstanceUID / ds.SeriesInstanceUID
        series.mkdir(parents=True)
        return path.rename(series / path.name)

    def taken(self, parts: list[Part], **how: object) -> CorrectionFile:
        path = self.saved(parts, **how)
        assert take_in(self.data_dir, path)["state"] != NO_RESULT
        return one_correction(self.data_dir, path.stem)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Done:
    """A small thorax, analysed by the rules; the reader adds a lesion in its right lung."""
    folder = tmp_path_factory.mktemp("remeasure")
    settings = Settings.model_validate({"data_dir": str(folder / "data"), "destinations": []})
    phantom = make_thorax(thorax_grid(n_slices=32, size=96), seed=1)
    files = write_series(phantom, folder / "ct", replace(SeriesOptions(), study_seed=f"remeasure-{os.getpid()}"))
    first = dcmread(files[0], stop_before_pixels=True)
    series = settings.data_dir / "spool" / "studies" / first.StudyInstanceUID / first.SeriesInstanceUID
    series.mkdir(parents=True)
    named = []
    for path in files:
        uid = str(dcmread(path, stop_before_pixels=True).SOPInstanceUID)
        target = path.rename(series / f"{uid}.dcm")
        named.append((uid, target.relative_to(settings.data_dir).as_posix()))
    source = SourceSeries(first.SeriesInstanceUID, tuple(sorted(named)))
    draft = CaseFile(
        "", first.StudyInstanceUID, "default", source, (), "lungs-rule", None, "normal", None, ("test",),
        created_s=time.time(),
    )  # fmt: skip
    case = case_from_json(heavy.identify(settings.model_dump(mode="json"), case_json(draft)))
    write_case(settings.data_dir, case)
    in_space = tuple(settings.data_dir / path for _, path in named)  # as written, so that masks lie on their own slices
    scan = Scan(in_space, phantom.grid, None, folder)
    made = Done(settings, case, scan)
    made.run(case)
    analysis = read_analysis(result_folder(settings.data_dir, case.workflow_id))
    made.scan = replace(scan, ours=analysis.segmentation)
    return made


def with_lesion(done: Done) -> list[Part]:
    lesion = np.zeros_like(done.scan.mask(1))
    z, y, x = (int(v) for v in np.argwhere(done.scan.mask(1)).mean(axis=0))
    lesion[z - 1 : z + 2, y - 3 : y + 3, x - 2 : x + 2] = True
    lungs = done.scan.mask(1) & ~lesion
    return [Part("Left lung", done.scan.mask(2), "left"), Part("Mass A", lesion, "nodule"), Part("R", lungs, "right")]


@pytest.mark.parametrize("how", [{}, {"kind": "LABELMAP"}, {"kind": "LABELMAP", "syntax": "1.2.840.10008.1.2.5"}])
def test_the_report_refers_to_the_readers_segments_by_their_own_numbers(done: Done, how: dict[str, str]) -> None:
    correction = done.taken(with_lesion(done), **how)
    case = case_of_correction(done.data_dir, correction)
    write_case(done.data_dir, case)
    done.run(case)
    folder = result_folder(done.data_dir, case.workflow_id)
    (made,) = kept(folder)
    report = dcmread(folder / made.path)
    groups = [
        g for g in report.ContentSequence[-1].ContentSequence
        if g.ContentTemplateSequence[0].TemplateIdentifier == "1411"
    ]  # fmt: skip
    found = {}
    for group in groups:
        name = group.ContentSequence[0].TextValue
        for item in group.ContentSequence:
            if item.ConceptNameCodeSequence[0].CodeValue == "121191":
                sop = item.ReferencedSOPSequence[0]
                assert sop.ReferencedSOPInstanceUID == correction.sop_instance_uid
                found[name] = sop.ReferencedSegmentNumber
        assert "the name is not authenticated" in str([i.get("TextValue", "") for i in group.ContentSequence])
    assert found == {"Left lung": 1, "Mass A": 2, "Right lung": 3}
    voxel_mm3 = done.scan.phantom.voxel_ml * 1000
    analysis = read_analysis(folder)
    assert [(one.name, one.n_voxels) for one in analysis.lesions] == [("Mass A", 72)]
    assert analysis.lesions[0].size is None or analysis.lesions[0].size.volume_mm3 == pytest.approx(72 * voxel_mm3)
    checked = subprocess.run(
        [BIN / "dciodvfy", "-new", folder / made.path], capture_output=True, text=True, check=False
    )
    unknown = "not segmentation" if how else "-"  # the tool takes no label map for a segmentation
    errors = [line.strip() for line in checked.stderr.splitlines() if line.startswith("Error")]
    assert [line for line in errors if not line.endswith(unknown)] == []
    if not how:  # DCMTK 3.6.7 does not know the class of label maps either
        subprocess.run(["/usr/bin/dsrdump", "+Pl", folder / made.path], check=True, capture_output=True)


def test_a_correction_has_the_density_of_its_zones_as_a_result_has(done: Done) -> None:
    case = case_of_correction(done.data_dir, done.taken(with_lesion(done)))
    write_case(done.data_dir, case)
    done.run(case)
    folder = result_folder(done.data_dir, case.workflow_id)
    ours = read_analysis(result_folder(done.data_dir, done.case.workflow_id))
    zones = {(q.side, q.zone, q.name) for q in read_analysis(folder).quantities if q.zone is not None}
    assert zones == {(q.side, q.zone, q.name) for q in ours.quantities if q.zone is not None} != set()
    (made,) = kept(folder)
    groups = dcmread(folder / made.path).ContentSequence[-1].ContentSequence
    of_zones = [g for g in groups if str(g.ContentSequence[0].get("TextValue", "")).endswith(" zone")]
    assert len(of_zones) == len({(q.side, q.zone) for q in ours.quantities if q.zone and q.value is not None}) > 0
    for group in of_zones:
        assert "the name is not authenticated" in str([i.get("TextValue", "") for i in group.ContentSequence])


def test_a_correction_that_lacks_a_lung_is_flagged_unsure_as_a_result_is(done: Done) -> None:
    case = case_of_correction(done.data_dir, done.taken([Part("Left lung", done.scan.mask(2), "left")]))
    write_case(done.data_dir, case)
    done.run(case)
    analysis = read_analysis(result_folder(done.data_dir, case.workflow_id))
    assert analysis.segmentation.unsure == ("no right lung was found: collapsed, removed or full of fluid?",)


def test_the_same_correction_gives_the_same_case(done: Done) -> None:
    correction = done.taken(with_lesion(done))
    one, other = (case_of_correction(done.data_dir, correction).workflow_id for _ in range(2))
    assert one == other != done.case.workflow_id


def lobes(done: Done) -> list[Part]:
    upper = done.scan.mask(1).copy()
    upper[:16] = False
    return [
        Part("lung upper lobe right", upper), Part("lung lower lobe right", done.scan.mask(1) & ~upper),
        Part("Left lung", done.scan.mask(2), "left"),
    ]  # fmt: skip


def both(done: Done) -> list[Part]:
    return [Part("Lungs", done.scan.mask(1) | done.scan.mask(2), "lung")]


@pytest.mark.parametrize("drawn", [lobes, both])
def test_a_lung_that_is_not_one_segment_is_compared_but_not_measured(
    done: Done, drawn: Callable[[Done], list[Part]]
) -> None:
    correction = done.taken(drawn(done))
    assert correction.is_used
    with pytest.raises(InputRefused) as refused:
        case_of_correction(done.data_dir, correction)
    assert refused.value.code == Code.COR_SEGMENT


def test_what_is_not_used_cannot_be_measured(done: Done) -> None:
    def elsewhere(ds) -> None:
        ds.FrameOfReferenceUID = "1.2.3.4"

    correction = done.taken(with_lesion(done), change=elsewhere)
    assert [r.code for r in correction.reasons] == [Code.COR_FOR]
    for one in (correction, replace(done.taken(with_lesion(done)), withdrawn=True)):
        with pytest.raises(InputRefused) as refused:
            case_of_correction(done.data_dir, one)
        assert refused.value.code == "COR-UNUSED"


def test_what_is_no_longer_kept_cannot_be_measured(done: Done) -> None:
    correction = done.taken(with_lesion(done))
    folder = correction_folder(done.data_dir, correction.study_instance_uid, correction.sop_instance_uid)
    (folder / "masks" / "labels.nrrd").unlink()
    with pytest.raises(InputRefused) as refused:
        case_of_correction(done.data_dir, correction)
    assert refused.value.code == "COR-GONE"


def test_a_segmentation_of_a_series_without_a_current_result_is_not_kept(done: Done, tmp_path: Path) -> None:
    def of_others(ds) -> None:
        ds.ReferencedSeriesSequence[0].SeriesInstanceUID = "1.2.3.4.5"

    path = done.saved(with_lesion(done), change=of_others)
    assert take_in(done.data_dir, path) == {"state": NO_RESULT, "codes": []}
    mark_stopped(result_folder(done.data_dir, done.case.workflow_id), Stopped.REJECTED, "a note")
    try:
        assert take_in(done.data_dir, done.saved(with_lesion(done)))["state"] == NO_RESULT
    finally:
        (result_folder(done.data_dir, done.case.workflow_id) / "stopped.json").unlink()


def test_a_series_that_is_named_by_its_images_alone_is_found(done: Done) -> None:
    def without_series(ds) -> None:
        del ds.ReferencedSeriesSequence

    assert done.taken(with_lesion(done), change=without_series).is_used


def test_no_trace_of_the_patient_is_kept_with_a_correction(done: Done) -> None:
    correction = done.taken(with_lesion(done))
    folder = correction_folder(done.data_dir, correction.study_instance_uid, correction.sop_instance_uid)
    write_correction(done.data_dir, correction)
    assert "Phantom^Thorax" not in (folder / "correction.json").read_text()
    assert "PHANTOM-1" not in (folder / "correction.json").read_text()


def test_an_operator_names_what_the_viewer_left_without_a_name(done: Done, tmp_path: Path) -> None:
    lesion = with_lesion(done)[1].mask_zyx
    correction = done.taken([*done.scan.parts_of_lungs(), Part("Segment 3", lesion)])
    assert (correction.comparison.lesions_judged, correction.reasons[0].code) == (False, Code.COR_SEGMENT)
    (tmp_path / "lungnode.toml").write_text(f'data_dir = "{done.data_dir}"\n')
    config = ["--config", str(tmp_path / "lungnode.toml")]
    wrong = CliRunner().invoke(app, ["name", correction.sop_instance_uid, "3=kidney", *config])
    assert wrong.exit_code == 2
    named = CliRunner().invoke(app, ["name", correction.sop_instance_uid, "3=lesion", *config])
    assert "lesion 'Segment 3' was added" in named.stdout, named.output
    again = one_correction(done.data_dir, correction.sop_instance_uid)
    case = case_of_correction(done.data_dir, again)
    assert case.workflow_id != case_of_correction(done.data_dir, correction).workflow_id
    write_case(done.data_dir, case)
    done.run(case)
    assert [o.name for o in read_analysis(result_folder(done.data_dir, case.workflow_id)).lesions] == ["Segment 3"]
