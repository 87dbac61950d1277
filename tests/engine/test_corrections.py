"""A reader's segmentation comes back to a running node: compared, kept, measured by order, counted."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.uid import generate_uid

from tests.engine.test_node import REPOSITORY, Node, node, results, study, study_uid

__all__ = ["node", "study"]
pytestmark = pytest.mark.orthanc
BIN = REPOSITORY / ".venv" / "bin"


def command(running: Node, *words: str, expect: int = 0) -> dict[str, Any]:
    """Run a command of ours on the node's settings and return its JSON."""
    done = subprocess.run(
        [sys.executable, "-m", "node", *words, "--json"], capture_output=True, text=True, timeout=120, check=False,
        env=os.environ | {"LUNGNODE_CONFIG": str(running.folder / "lungnode.toml"), "PYTHONPATH": str(REPOSITORY)},
    )  # fmt: skip
    assert done.returncode == expect, done.stdout + done.stderr
    return json.loads(done.stdout)


def analysed(running: Node, files: list[Path]) -> dict[str, Any]:
    """Send a study and return its job when it is done."""
    running.expect(files)
    running.send(files)
    uid = study_uid(files)
    return running.eventually(lambda: [j for j in running.jobs(uid) if j["state"] == "done"])[0]


def own_file(running: Node, job: dict[str, Any], kind: str) -> Path:
    return next((running.folder / "data" / "results" / job["workflow_id"] / "objects").glob(f"{kind}-*.dcm"))


def edited(seg: Path, out: Path, *, erase_rows: int = 0, time: str = "101112", frame: str = "") -> Path:
    """Our SEG as a viewer saves it after a reader erased the last rows of every frame: new UIDs, its own equipment."""
    ds = dcmread(seg)
    bits = np.unpackbits(np.frombuffer(ds.PixelData, np.uint8), bitorder="little")
    n = int(ds.NumberOfFrames) * ds.Rows * ds.Columns
    frames = bits[:n].reshape(-1, ds.Rows, ds.Columns)
    if erase_rows:
        occupied = np.nonzero(frames.any(axis=(0, 2)))[0]
        frames[:, occupied[-1] - erase_rows + 1 :, :] = 0
    packed = np.packbits(frames.reshape(-1), bitorder="little").tobytes()
    ds.PixelData = packed + b"\0" * (len(packed) % 2)
    ds.SOPInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID
    ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = "Viewer", "OHIF", "3.9"
    ds.ContentCreatorName, ds.ContentDate, ds.ContentTime = "Reader^Ruth", "20260304", time
    ds.FrameOfReferenceUID = frame or ds.FrameOfReferenceUID
    ds.SeriesDescription = "Segmentation edited"
    ds.save_as(out)
    return out


def test_a_saved_correction_is_compared_kept_measured_by_order_and_counted(
    node: Node, study, orthanc, tmp_path: Path
) -> None:
    files = study()
    job = analysed(node, files)
    correction = edited(own_file(node, job, "SEG"), tmp_path / "edited.dcm", erase_rows=4)
    uid = str(dcmread(correction, stop_before_pixels=True).SOPInstanceUID)
    orthanc.upload(correction)  # the reader saved it in the archive, nobody sent it here
    assert command(node, "corrections", "find", study_uid(files))["fetched"] == [uid]
    assert command(node, "corrections", "find")["fetched"] == []
    node.eventually(lambda: decision_of_kind(node, study_uid(files)))
    kept = command(node, "corrections", "show", uid)
    assert (kept["state"], kept["reader"], kept["saved_at"]) == ("used", "Reader^Ruth", "20260304101112")
    assert kept["workflow_id"] == job["workflow_id"]
    both = next(lung for lung in kept["comparison"]["lungs"] if lung["side"] == "both")
    assert 0.5 < both["dice"] < 1.0
    assert both["readers_ml"] < both["ours_ml"]
    assert len(node.jobs(study_uid(files))) == 1  # nothing is measured without an order

    ordered = command(node, "corrections", "remeasure", uid)
    node.eventually(lambda: sorted(j["state"] for j in node.jobs(study_uid(files))) == ["done", "done"])
    again = command(node, "corrections", "remeasure", uid)
    assert (again["job"], again["did"]) == (ordered["job"], "was ordered before")
    report = dcmread(own_file(node, {"workflow_id": ordered["job"]}, "SR"))
    assert report.VerificationFlag == "UNVERIFIED"
    assert report.SeriesDescription.endswith(" reader")
    ours = dcmread(own_file(node, job, "SR"), stop_before_pixels=True)
    superseded = report.PredecessorDocumentsSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence[0]
    assert superseded.ReferencedSOPInstanceUID == ours.SOPInstanceUID
    assert "Reader Ruth on 2026-03-04; the name is not authenticated" in report.to_json()
    assert uid in report.to_json()
    measured = json.loads((node.folder / "data" / "results" / ordered["job"] / "result.json").read_text())
    volume = next(m for m in measured["measurements"] if (m["name"], m["side"]) == ("lung_volume", "both"))
    assert volume["value"] == pytest.approx(both["readers_ml"])
    assert [t["Modality"] for t in results(orthanc, files)].count("SR") == 2

    # another, saved later, and one of another frame of reference come by C-STORE: all are kept, the last one counts
    later = edited(own_file(node, job, "SEG"), tmp_path / "later.dcm", erase_rows=1, time="111213")
    elsewhere = edited(own_file(node, job, "SEG"), tmp_path / "elsewhere.dcm", frame="1.2.3.4")
    node.send([later, elsewhere])
    node.eventually(lambda: len(command(node, "corrections", "list")["corrections"]) == 3)
    listed = {c["sop_instance_uid"]: c for c in command(node, "corrections", "list")["corrections"]}
    unused = listed[str(dcmread(elsewhere, stop_before_pixels=True).SOPInstanceUID)]
    assert (unused["state"], [r["code"] for r in unused["reasons"]]) == ("not used", ["COR-FOR"])
    last = listed[str(dcmread(later, stop_before_pixels=True).SOPInstanceUID)]
    counted = command(node, "evaluate", "--corrections")["corrections"]
    assert (counted["n"], counted["n_segmentations"], counted["n_not_used"]) == (1, 3, 1)
    assert counted["n_results"] >= 1
    assert counted["lungs"]["both"]["dice"]["mean"] == last["comparison"]["lungs"][-1]["dice"] > both["dice"]


def decision_of_kind(running: Node, study: str) -> bool:
    return bool(list((running.folder / "data" / "corrections" / study).glob("*/correction.json")))


def test_a_run_ordered_once_more_supersedes_with_new_uids_and_can_be_taken_back(node: Node, study, orthanc) -> None:
    files = study()
    job = analysed(node, files)
    before = {t["SOPInstanceUID"] for t in results(orthanc, files)}
    begun = command(node, "jobs", "retry", job["workflow_id"], "--again")
    assert begun["supersedes"] == job["workflow_id"]
    node.eventually(lambda: sorted(j["state"] for j in node.jobs(study_uid(files))) == ["done", "done"])
    new = [t for t in results(orthanc, files) if t["SOPInstanceUID"] not in before]
    assert len(new) == len(before)
    assert all(t["SeriesDescription"].endswith(" r2") for t in new)
    report = next(t for t in new if t["Modality"] == "SR")
    assert dcmread(own_file(node, job, "SR")).SOPInstanceUID in json.dumps(report["PredecessorDocumentsSequence"])
    refused = command(node, "jobs", "retry", job["workflow_id"], "--again", expect=3)
    assert refused["error"]["code"] == "JOB-SUPERSEDED"
    assert sorted(j["ordinal"] for j in node.jobs(study_uid(files))) == [1, 2]

    # what was made can be taken back, by order alone
    job, sent = {"workflow_id": begun["job"]}, {t["SOPInstanceUID"] for t in new}
    done = command(node, "jobs", "withdraw", job["workflow_id"], "--reason", "software-failure")
    assert done["destinations"]["orthanc"]["state"] == "stored"
    note = next(t for t in results(orthanc, files) if t["Modality"] == "KO")
    assert note["SeriesDescription"] == "lungnode rejection note"
    kept = next((node.folder / "data" / "results" / job["workflow_id"] / "withdrawn").glob("*.dcm"))
    ds = dcmread(kept)
    assert ds.ConceptNameCodeSequence[0].CodeValue == "113001"
    assert ds.ContentSequence[1].ConceptCodeSequence[0].CodeValue == "111218"
    named = [
        i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for i in ds.ContentSequence if "ReferencedSOPSequence" in i
    ]
    assert set(named) == sent
    checked = subprocess.run([BIN / "dciodvfy", "-new", kept], capture_output=True, text=True, check=False)
    assert [line for line in checked.stderr.splitlines() if line.startswith("Error")] == []
    again = command(node, "jobs", "withdraw", job["workflow_id"], "--reason", "software-failure")
    assert again["destinations"]["orthanc"]["sop_instance_uid"] == ds.SOPInstanceUID
    assert {j["workflow_id"]: j["state"] for j in node.jobs(study_uid(files))}[job["workflow_id"]] == "rejected"
    assert command(node, "jobs", "replay", job["workflow_id"], expect=3)["error"]["code"] == "JOB-REJECTED"
