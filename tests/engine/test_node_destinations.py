"""One running node, one destination of each kind: each receives exactly the kinds of objects that it asks for."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from node.deliver.receipt import State
from node.engine.delivery_file import Stage, all_deliveries
from node.engine.outbox import kept
from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.pet import make_pet, pet_grid
from node.phantom.pet_dicom import PetOptions, write_pet
from node.phantom.phantom import Nodule
from node.phantom.thorax import make_thorax, thorax_grid
from tests.engine.test_node import REPOSITORY, Node, free_port
from tests.report.test_validators import not_allowed

pytestmark = pytest.mark.orthanc

HOT = Nodule((94.0, 12.0, -90.0), 24.0, suv_g_ml=9.0)
WANTED = {
    "web": {"SEG", "SR", "NOTICE"},
    "pacs": {"SR", "RTSTRUCT", "NOTICE_SC"},
    "rest": {"SUMMARY", "SC", "PDF"},
    "files": {"SEG", "SR", "SUMMARY", "NOTICE"},  # by default: nobody says that it draws any of them
}


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory, orthanc) -> Iterator[Node]:
    folder = tmp_path_factory.mktemp("node")
    port, status_port = free_port(), free_port()
    login = f'username = "{orthanc.username}"\npassword = "{orthanc.password}"'
    (folder / "out").mkdir()
    (folder / "lungnode.toml").write_text(
        f"""
data_dir = "{folder / "data"}"
[receive]
port = {port}
peers = [{{ ae_title = "TESTER" }}]
[watch]
port = {status_port}
[disk]
soft_free_gib = 0.01
hard_free_gib = 0.005
[completeness]
quiet_s = 1.0
maximum_wait_s = 4.0
[[destinations]]
name = "web"
kind = "stow"
url = "{orthanc.dicomweb_url}"
objects = ["SEG", "SR", "NOTICE"]
{login}
[[destinations]]
name = "pacs"
kind = "cstore"
ae_title = "{orthanc.ae_title}"
host = "127.0.0.1"
port = {orthanc.dicom_port}
objects = ["SR", "RTSTRUCT", "NOTICE_SC"]
confirm = "none"
[[destinations]]
name = "rest"
kind = "orthanc"
url = "{orthanc.http_url}"
objects = ["SC", "PDF"]
{login}
[[destinations]]
name = "files"
kind = "folder"
path = "{folder / "out"}"
"""
    )
    with (folder / "node.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "node", "serve"],
            stdout=log, stderr=subprocess.STDOUT, cwd=folder,
            env=os.environ | {"LUNGNODE_CONFIG": str(folder / "lungnode.toml"), "PYTHONPATH": str(REPOSITORY)},
        )  # fmt: skip
    running = Node(folder, port, status_port, process)
    running.eventually(lambda: "receive.ready" in running.log() and "engine.started" in running.log())
    yield running
    process.send_signal(signal.SIGTERM)
    assert process.wait(40) == 0


def arrived(node: Node, study: str) -> tuple[dict[str, set[str]], Path]:
    """Wait until every destination is safe; return the kinds that each confirmed, and the case's folder."""
    job = node.eventually(lambda: [j for j in node.jobs(study) if j["state"] == "done"])[0]
    (folder,) = (node.folder / "data" / "results").glob(f"{job['workflow_id']}*")
    deliveries = {d.destination: d for d in all_deliveries(folder)}
    objects = kept(folder) or ()
    kind_of = {o.sop_instance_uid: o.kind for o in objects}
    assert {d.stage for d in deliveries.values()} == {Stage.SAFE}
    for delivery in deliveries.values():
        assert {r.state for r in delivery.receipts.values()} <= {State.STORED}
        assert set(delivery.confirmed) == set(delivery.receipts)
    return {name: {kind_of[uid] for uid in d.receipts} for name, d in deliveries.items()}, folder


def evidence(report: Dataset) -> set[str]:
    (study,) = report.CurrentRequestedProcedureEvidenceSequence
    return {sop.ReferencedSOPInstanceUID for s in study.ReferencedSeriesSequence for sop in s.ReferencedSOPSequence}


def test_a_pet_ct_reaches_each_destination_as_it_asks(node: Node, tmp_path: Path) -> None:
    seed = f"destinations-{os.getpid()}"
    options = SeriesOptions(study_seed=seed, series_seed=f"{seed}-ct", patient_id="P-destinations")
    ct = write_series(make_thorax(thorax_grid(40, 96), nodules=[HOT], noise_hu=8.0), tmp_path / "ct", options)
    pet_options = replace(options, series_seed=f"{seed}-pet", series_number=5, series_description="PET AC")
    pet = write_pet(make_pet(pet_grid(), nodules=[HOT]), tmp_path / "pet", PetOptions(series=pet_options))
    node.send([*ct, *pet])
    study = str(dcmread(ct[0], stop_before_pixels=True).StudyInstanceUID)
    found, folder = arrived(node, study)
    results = {name: kinds & {o.kind for o in kept(folder) or ()} for name, kinds in WANTED.items()}
    assert found == results
    assert found["files"] == {"SEG", "SR", "SUMMARY"}
    assert found["pacs"] == {"SR", "RTSTRUCT"}
    files = {dcmread(path, stop_before_pixels=True).SOPInstanceUID: path for path in folder.rglob("objects/*.dcm")}
    assert {path.name: not_allowed(path) for path in files.values()} == {path.name: [] for path in files.values()}
    in_folder = [dcmread(path) for path in (node.folder / "out").rglob("*.dcm")]
    (ours,) = [d for d in in_folder if d.Modality == "SR" and d.StudyInstanceUID == study]
    others = {o.sop_instance_uid: o.kind for o in kept(folder) or () if o.kind not in ("SEG", "SR")}
    assert {others[uid] for uid in evidence(ours) & set(others)} == {"SUMMARY"}
    pets = {str(dcmread(path, stop_before_pixels=True).SOPInstanceUID) for path in pet}
    assert pets <= evidence(ours)


def test_a_refusal_reaches_each_destination_as_text_or_as_an_image(node: Node, tmp_path: Path) -> None:
    seed = f"refused-{os.getpid()}"
    options = SeriesOptions(study_seed=seed, series_seed=f"{seed}-ct", patient_id="P-refused")
    files = list(write_series(make_thorax(thorax_grid(32, 96)), tmp_path / "ct", options))
    sent = [file for n, file in enumerate(files) if n not in (14, 15)]
    node.send(sent)
    found, _ = arrived(node, str(dcmread(sent[0], stop_before_pixels=True).StudyInstanceUID))
    assert found == {"web": {"NOTICE"}, "pacs": {"NOTICE_SC"}, "rest": set(), "files": {"NOTICE"}}
