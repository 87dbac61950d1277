"""A nodule that grew: the prior lies in a real Orthanc, is found, fetched, measured by today's model and compared."""

import json
import socket
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from scipy import ndimage

from node.engine import heavy, line
from node.engine.case_file import CaseFile, case_from_json, case_json, result_folder, write_case
from node.engine.case_start import source_of
from node.engine.crew import ChildEnded, StepOverTime
from node.engine.prior import seek_prior
from node.engine.steps import Steps, without_secrets
from node.errors import InputRefused, OurMistake
from node.facts.folder import read_folder
from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.grid import Grid
from node.phantom.phantom import Nodule
from node.phantom.thorax import make_thorax, thorax_grid
from node.segment.contract import ModelIdentity, Segment, SegmentKind, Task
from node.settings import Settings
from tests.conftest import free_port

PLACE = (-92.0, -28.0, 20.0)
SECOND = (70.0, -30.0, 40.0)
SLICES, SIZE = 112, 128
SHIFT_MM = (6.0, -9.0, 14.0)  # the patient lay elsewhere on the table


_segmented = {}  # by series: the same scan gives the same masks, and rules take seconds


class KnownNodules:
    """Today's model: rule-based lungs, and every dense ball at the places where this test puts nodules."""

    def __init__(self, lungs) -> None:
        self._lungs = lungs
        self.identity = lungs.identity
        self.identities = (lungs.identity, ModelIdentity("known", "1", "0" * 64, Task.LESIONS, "cpu"))
        self.runtimes = "cpu"

    def segment(self, volume):
        uid = volume.series.series_instance_uid
        if uid not in _segmented:
            _segmented[uid] = self._found(volume)
        return _segmented[uid]

    def _found(self, volume):
        found = self._lungs.segment(volume)
        shift = SHIFT_MM if volume.series.first.study_date < "20250101" else (0.0, 0.0, 0.0)
        labels = found.labels_zyx.copy()
        segments = list(found.segments)
        balls = [self._ball(volume, np.add(place, shift)) for place in (PLACE, SECOND)]
        for ball in sorted((b for b in balls if b.any()), key=np.count_nonzero, reverse=True):
            label = len(segments) + 1
            labels[ball] = label
            segments.append(Segment(label, SegmentKind.LESION, f"nodule-{label - 2}"))
        labels.flags.writeable = False
        models = self.identities
        return replace(found, labels_zyx=labels, segments=tuple(segments), models=models)

    @staticmethod
    def _ball(volume, centre_lps_mm):
        index = np.indices(volume.hu_zyx.shape).reshape(3, -1)
        lps = volume.lps_from_zyx[:3, :3] @ index + volume.lps_from_zyx[:3, 3:]
        near = (np.linalg.norm(lps - np.reshape(centre_lps_mm, (3, 1)), axis=0) < 14.0).reshape(volume.hu_zyx.shape)
        parts, _ = ndimage.label((volume.hu_zyx > -400) & near)
        centre = np.linalg.inv(volume.lps_from_zyx) @ np.append(centre_lps_mm, 1.0)
        here = parts[tuple(np.round(centre[:3]).astype(int))]
        return (parts == here) & (here > 0)


def scan(folder: Path, nodules, *, seed=0, shift=(0.0, 0.0, 0.0), **header):
    """Write one examination and return its series."""
    phantom = make_thorax(thorax_grid(SLICES, SIZE), seed=seed, nodules=nodules)
    matrix = phantom.grid.lps_from_zyx.copy()
    matrix[:3, 3] += shift
    phantom = replace(phantom, grid=Grid(phantom.grid.shape_zyx, matrix))
    options = replace(SeriesOptions(patient_id="GROWS-1"), **header)
    write_series(phantom, folder, options)
    (series,) = read_folder(folder).series
    return series


class ChildHere:
    """Runs the steps of a child process in this one; `slow` jobs with a prior end as it says."""

    def __init__(self, slow) -> None:
        self.slow = slow
        self.calls = []

    def call(self, job, arguments, *, limit_s, cancelled):
        self.calls.append((job, arguments))
        if job in self.slow and arguments.get("prior"):
            raise self.slow[job]
        return json.loads(json.dumps(getattr(heavy, job)(**json.loads(json.dumps(arguments)))))


@dataclass
class Node:
    """A data folder with today's study, and the steps of its case."""

    settings: Settings
    workflow_id: str
    steps: Steps

    @property
    def folder(self) -> Path:
        return result_folder(self.settings.data_dir, self.workflow_id)

    def compare(self):
        """Run analyse and compare; return the codes of comparing, and the analysis."""
        found = self.steps.analyse(self.workflow_id, lambda: False)
        assert found["n_lesions"] > 0
        codes = self.steps.compare(self.workflow_id, lambda: False)["codes"]
        return codes, heavy.read_analysis(self.folder)

    def run(self):
        """Run analyse, compare and encode; return the codes of comparing, and result.json."""
        codes, _ = self.compare()
        self.steps.encode(self.workflow_id, lambda: False)
        return codes, json.loads((self.folder / "result.json").read_text())

    def report(self):
        (path,) = self.folder.glob("objects*/SR-*.dcm")
        return dcmread(path)


@pytest.fixture(scope="module")
def node(start_orthanc, tmp_path_factory):
    """Put a prior into an archive and today's study into a node; examinations are made once: `node(before(...))`."""
    server, scans, made = start_orthanc(), tmp_path_factory.mktemp("scans"), {}

    def examine(name, **options):
        if name not in made:
            own = {"study_seed": f"study-{name}", "series_seed": f"series-{name}", "frame_of_reference_seed": name}
            made[name] = scan(scans / name, **own | options)
        return made[name]

    def build(prior=None, *, today="grown", slow=None, **sections):
        server.clear()
        for file in prior.files if prior else ():
            server.upload(file.path)
        archive = {
            "name": "pacs",
            "dicomweb_url": server.dicomweb_url,
            "username": server.username,
            "password": server.password,
        }
        sections = {"archives": [archive]} | sections
        data_dir = tmp_path_factory.mktemp("data")
        settings = Settings.model_validate(
            {"data_dir": str(data_dir), "compute": {"threads": 1, "lungs": "lungs-rule"}} | sections
        )
        source = EXAMINATIONS[today](examine)
        spool = data_dir / "spool" / "studies" / source.study_instance_uid / source.series_instance_uid
        spool.mkdir(parents=True)
        for file in source.files:
            (spool / f"{file.facts.sop_instance_uid}.dcm").write_bytes(file.path.read_bytes())
        (series,) = read_folder(spool).series
        draft = CaseFile(
            "", series.study_instance_uid, "default", source_of(series, data_dir), (), "lungs-rule", "known", "normal",
            (), ("test",),
        )  # fmt: skip
        file = case_from_json(heavy.identify(without_secrets(settings), case_json(draft)))
        write_case(data_dir, file)
        steps = Steps(
            settings,
            ChildHere(slow or {}),
            None,
            identity_differs=lambda *_: None,
            enough_disk=lambda: True,
            seek_prior=lambda *asked: seek_prior(settings, *asked),
        )
        return Node(settings, file.workflow_id, steps)

    build.examine = examine
    known = line.model_of
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            line, "model_of", lambda case, settings: KnownNodules(known(replace(case, lesions=None), settings))
        )
        patch.setattr(heavy, "_sources", {})
        yield build


@pytest.fixture(scope="module")
def grew(node):
    """A whole run: the node, the prior, the codes of comparing and result.json."""
    prior = before(node.examine)
    one = node(prior)
    return one, prior, *one.run()


def grown(examine):
    return examine("grown", nodules=[Nodule(PLACE, 18.0), Nodule(SECOND, 11.0)], study_date="20250102")


EXAMINATIONS = {"grown": grown}


def before(examine, name="before", **changes):
    options = {
        "nodules": [Nodule(PLACE, 12.0), Nodule(SECOND, 15.0)],
        "seed": 3,
        "shift": SHIFT_MM,
        "study_date": "20240706",
    } | changes
    return examine(name, **options)


def items(dataset):
    yield dataset
    for child in dataset.get("ContentSequence") or []:
        yield from items(child)


def concept(item):
    return item.ConceptNameCodeSequence[0].CodeValue if "ConceptNameCodeSequence" in item else ""


@pytest.mark.orthanc
def test_a_nodule_that_grew_has_a_doubling_time_against_the_prior_in_the_archive(grew):
    _, prior, codes, result = grew

    assert codes == []
    assert result["prior"]["study_instance_uid"] == prior.study_instance_uid
    assert result["prior"]["n_matched"] == 2
    large, small = result["findings"]
    growth = large["more"]["growth"]
    truth_d = np.log(2.0) * 180 / np.log((18.0 / 12.0) ** 3)
    assert growth["days"] == 180
    assert growth["doubling_time_d"] == pytest.approx(truth_d, rel=0.12)
    assert growth["diameter_change_mm"] == pytest.approx(6.0, abs=3.1)  # a pixel
    assert growth["apart_mm"] < 4.0
    assert small["more"]["growth"]["doubling_time_d"] is None
    assert "not growing" in small["more"]["growth"]["text"]


@pytest.mark.orthanc
def test_the_report_names_the_prior_as_evidence_of_another_study_and_passes_the_self_check(grew):
    one, prior, _, result = grew  # encode checks itself
    report = one.report()

    (time_item,) = [i for i in items(report) if concept(i) == "LN-VDT"]
    assert time_item.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "d"
    (image,) = [c for c in time_item.ContentSequence if c.ValueType == "IMAGE"]
    elsewhere = report.PertinentOtherEvidenceSequence[0]
    assert elsewhere.StudyInstanceUID == prior.study_instance_uid
    named = [i.ReferencedSOPInstanceUID for i in elsewhere.ReferencedSeriesSequence[0].ReferencedSOPSequence]
    assert image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID in named  # of two lesions that were compared
    assert set(named) <= {f.facts.sop_instance_uid for f in prior.files}
    assert {s.StudyInstanceUID for s in report.CurrentRequestedProcedureEvidenceSequence} == {
        result["study_instance_uid"]
    }


@pytest.mark.orthanc
def test_a_lesion_keeps_number_key_and_tracking_uid_over_the_follow_up(grew):
    """In the prior the second place held the larger one: nodule-1 there is nodule-1 today."""
    one, prior, _, result = grew
    identity = heavy._identity(heavy._case_file(one.settings, one.workflow_id))

    by_side = {f["side"]: f for f in result["findings"]}
    assert by_side["left"]["name"] == "nodule-1"
    assert by_side["right"]["name"] == "nodule-2"
    uids = {f["tracking_uid"] for f in result["findings"]}
    (first, second) = heavy.read_analysis(one.folder).lesions
    assert {first.first_seen.study_uid, second.first_seen.study_uid} == {prior.study_instance_uid}
    there = [identity.tracking_uid(prior.series_instance_uid, lesion.lesion_key, lesion.first_seen)
             for lesion in (first, second)]  # fmt: skip
    assert uids == set(there)
    labels = {s.SegmentLabel for s in dcmread(next(one.folder.glob("objects*/SEG-*.dcm"))).SegmentSequence}
    assert {"nodule-1", "nodule-2"} <= labels


DIFFERING = {
    "birth date": {"birth_date": "19500102"},
    "sex": {"sex": "M"},
}


@pytest.mark.orthanc
@pytest.mark.parametrize("differs", DIFFERING)
def test_a_study_of_somebody_with_the_same_id_is_never_compared(differs, node):
    one = node(before(node.examine, differs, nodules=[Nodule(PLACE, 10.0)], **DIFFERING[differs]))
    codes, analysis = one.compare()

    assert codes == ["PRIOR-ID"]
    assert analysis.prior is None
    assert [lesion.before for lesion in analysis.lesions] == [None, None]
    assert "PRIOR-ID" in [reason.code for reason in analysis.reasons]


@pytest.mark.orthanc
def test_without_a_birth_date_nobody_is_compared_unless_a_setting_allows_it(node):
    blank = {"birth_date": "", "age": "075Y"}
    EXAMINATIONS["blank"] = lambda examine: examine(
        "blank", nodules=[Nodule(PLACE, 16.0)], study_date="20250102", **blank
    )
    prior = before(node.examine, "blank-before", nodules=[Nodule(PLACE, 10.0)], **blank)
    codes, _ = node(prior, today="blank").compare()
    assert codes == ["PRIOR-ID"]
    _, allowed = node(prior, today="blank", rules={"compare_without_birth_date": True}).compare()
    assert allowed.prior.study_instance_uid == prior.study_instance_uid


@pytest.mark.orthanc
def test_another_kernel_is_said_and_gives_no_growth(node):
    prior = before(node.examine, "sharp", nodules=[Nodule(PLACE, 10.0)], kernel="B70f")
    one = node(prior)
    _, result = one.run()

    found = max(result["findings"], key=lambda f: f["volume_mm3"])
    assert found["more"]["growth"]["doubling_time_d"] is None
    assert "kernels differ" in found["more"]["growth"]["text"]
    assert "PRIOR-UNLIKE" in found["codes"]
    assert "PertinentOtherEvidenceSequence" not in one.report()


@pytest.mark.orthanc
def test_a_prior_that_is_refused_leaves_todays_result_and_says_so(node):
    prior = before(node.examine, "few", nodules=[Nodule(PLACE, 10.0)], slices={30: {"PixelSpacing": [3.0, 3.0]}})
    codes, analysis = node(prior).compare()

    assert codes == ["PRIOR-REFUSED"]
    assert "GEO-MATRIX" in next(r.text for r in analysis.reasons if r.code == "PRIOR-REFUSED")
    assert len(analysis.lesions) == 2


ENDS = {
    "too slow": (StepOverTime(1.0), "PRIOR-LATE"),
    "out of memory": (ChildEnded(9), "PRIOR-REFUSED"),
    "a file that cannot be read": (InputRefused("FILE-UNREAD", "as ordered"), "PRIOR-REFUSED"),
    "our mistake": (OurMistake("STEP-CRASH", "as ordered"), "PRIOR-REFUSED"),
}


@pytest.mark.orthanc
@pytest.mark.parametrize("how", ENDS)
def test_a_comparison_that_goes_wrong_does_not_keep_the_result(how, node):
    ends, code = ENDS[how]
    one = node(before(node.examine), slow={"compare": ends})
    codes, analysis = one.compare()

    assert codes == [code]
    assert analysis.prior is None
    assert not (one.folder / "prior").exists()


@pytest.mark.orthanc
def test_a_result_without_its_comparison_goes_out(node):
    one = node(before(node.examine), slow={"compare": StepOverTime(1.0)})
    codes, result = one.run()

    assert codes == ["PRIOR-LATE"]
    assert result["outcome"] == "processed"
    assert result["prior"] is None
    assert not (one.folder / "prior").exists()


@pytest.mark.orthanc
def test_an_archive_that_is_away_is_said_and_keeps_nobody_waiting(node):
    one = node(archives=[{"name": "gone", "dicomweb_url": f"http://127.0.0.1:{free_port()}/dicom-web"}])
    started_s = time.monotonic()
    codes, analysis = one.compare()

    assert codes == ["PRIOR-AWAY"]
    assert "ARCHIVE-DOWN" in next(r.text for r in analysis.reasons if r.code == "PRIOR-AWAY")
    assert time.monotonic() - started_s < 60.0


@pytest.mark.orthanc
def test_an_archive_without_a_prior_adds_nothing(node):
    codes, analysis = node().compare()
    assert codes == []
    assert analysis.prior is None
    assert not [r for r in analysis.reasons if r.code.startswith("PRIOR")]


@pytest.mark.orthanc
def test_a_silent_archive_is_left_after_the_limit(node, silent_port):
    one = node(
        archives=[{"name": "silent", "dicomweb_url": f"http://127.0.0.1:{silent_port}/dicom-web"}],
        completeness={"prior_wait_s": 1.0},
    )
    found = one.steps.analyse(one.workflow_id, lambda: False)
    (one.folder / "analysis.json").touch()
    started_s = time.monotonic()
    codes = one.steps.compare(one.workflow_id, lambda: False)["codes"]

    assert found["n_lesions"] == 2
    assert codes == ["PRIOR-LATE"]
    assert time.monotonic() - started_s < 10.0


@pytest.fixture
def silent_port():
    """A port that takes connections and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


@pytest.mark.orthanc
def test_a_re_run_by_another_outline_keeps_key_and_number(node):
    one = node(archives=[])
    one.compare()
    tracks = list((one.settings.data_dir / "tracks").glob("*.json"))
    before_run = heavy.read_analysis(one.folder)
    moved = [replace(lesion, lesion_key="L0P0S0", centre_lps_mm=(lesion.centre_lps_mm[0] + 2.0,
             *lesion.centre_lps_mm[1:])) for lesion in before_run.lesions]  # fmt: skip
    series = heavy._case_of(heavy._case_file(one.settings, one.workflow_id), one.settings.data_dir).anchor
    again = heavy.with_known_identities(replace(before_run, lesions=tuple(moved)), series, one.settings.data_dir)

    assert len(tracks) == 1
    assert [lesion.lesion_key for lesion in again.lesions] == [lesion.lesion_key for lesion in before_run.lesions]
    assert [lesion.name for lesion in again.lesions] == ["nodule-1", "nodule-2"]
