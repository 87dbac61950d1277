"""A study that is deleted in the archive while its results wait: they do not bring it back, and are not lost."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from node.engine import outside
from node.engine.case_file import read_case_file, write_case
from node.engine.configuration import faults_of
from node.engine.delivery_file import Stage, read_delivery, write_delivery
from node.engine.outbox import KeptObject, digest_of, kept, publish
from node.engine.retention import sweep
from node.engine.steps import Steps
from node.engine.stores import opened_stores

pytestmark = pytest.mark.orthanc

SEG, CT = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.2"


def instance(path: Path, sop_class: str, study: str) -> Dataset:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID, ds.SeriesInstanceUID = sop_class, generate_uid(), generate_uid()
    ds.StudyInstanceUID, ds.PatientID = study, "P-deleted"
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.save_as(path, enforce_file_format=True)
    return ds


def steps_of(settings) -> Steps:
    """The steps as the node has them, without a child process."""
    return Steps(settings, None, outside.ways(settings), identity_differs=lambda *_: None, enough_disk=lambda: True)


def analysed(bench, study: str) -> str:
    """A case of this study with one kept result; its workflow id."""
    case = bench.new_case()
    known = read_case_file(bench.data_dir, case)
    assert known is not None
    write_case(bench.data_dir, replace(known, study_instance_uid=study))
    path = bench.folder(case) / "seg.dcm"
    made = instance(path, SEG, study)
    uids = (made.SOPInstanceUID, made.SeriesInstanceUID)
    publish(bench.folder(case), [KeptObject("SEG", "seg.dcm", digest_of(path), SEG, *uids, 900000)])
    return case


def archive(orthanc, kind: str) -> dict[str, object]:
    login = {"username": orthanc.username, "password": orthanc.password}
    where = {
        "stow": {"url": orthanc.dicomweb_url} | login,
        "orthanc": {"url": orthanc.http_url} | login,
        "cstore": {"ae_title": orthanc.ae_title, "host": "127.0.0.1", "port": orthanc.dicom_port},
    }
    return {"name": "source", "kind": kind, "objects": ["SEG"], "needs_study": True} | where[kind]


@pytest.mark.parametrize("kind", ["stow", "orthanc", "cstore"])
def test_a_study_that_was_deleted_does_not_come_back_and_nothing_is_lost(make_bench, orthanc, tmp_path, kind) -> None:
    bench, study = make_bench(destinations=[archive(orthanc, kind)]), generate_uid()
    case, steps = analysed(bench, study), steps_of(bench.settings)
    instance(tmp_path / "ct.dcm", CT, study)
    orthanc.upload(tmp_path / "ct.dcm")
    (found,) = orthanc.rest("POST", "/tools/lookup", study.encode())
    orthanc.rest("DELETE", f"/studies/{found['ID']}")

    assert steps.attempt(case, "source", 0.0, lambda: False)["stage"] == Stage.HELD
    assert orthanc.rest("POST", "/tools/lookup", study.encode()) == []
    assert read_delivery(bench.folder(case), "source").why.startswith("DLV-NOSTUDY: ")
    assert not steps.settle(case)
    with opened_stores(bench.settings) as stores:
        assert sweep(bench.data_dir, stores, older_than_s=0.0, now_s=4e9) == ()
    assert kept(bench.folder(case)) is not None

    orthanc.upload(tmp_path / "ct.dcm")
    held = read_delivery(bench.folder(case), "source")
    write_delivery(bench.folder(case), replace(held, stage=Stage.WAITING, attempts=0))  # as `jobs replay` does
    assert steps.attempt(case, "source", 0.0, lambda: False)["stage"] == Stage.SAFE
    assert steps.settle(case)


def test_a_destination_that_cannot_be_asked_for_studies_is_told_before_the_start(make_bench, orthanc) -> None:
    blind = [archive(orthanc, "cstore") | {"name": "tls", "tls": True, "confirm": "none"}, archive(orthanc, "cstore")]
    settings = make_bench(destinations=blind).settings
    told = [fault for fault in faults_of(settings) if "needs_study" in fault]
    assert [fault.split(" cannot")[0] for fault in told] == ["destinations: 'tls'"]
