"""What a case's flushed JSON vouches for is flushed, too: bytes before the name, the name before anything is told."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset

from node.deliver.folder import place_of, send
from node.deliver.receipt import Outgoing
from node.engine.analysis import Analysis, rewrite_analysis
from node.engine.files import publish_json, write_json
from node.engine.masks import write_labels
from node.report.stamp import write
from node.segment.contract import LungDefinition, Segmentation
from node.settings import Destination
from node.store.commitments import CommitmentAnswer, write_answer


def put_object(folder: Path) -> Path:
    ds = Dataset()
    ds.SOPClassUID, ds.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.66.4", "1.2.3"
    write(ds, folder / "SEG.dcm")
    return folder / "SEG.dcm"


def put_labels(folder: Path) -> Path:
    write_labels(np.zeros((2, 2, 2), np.uint8), np.eye(4), folder / "masks" / "labels.nrrd")
    return folder / "masks" / "labels.nrrd"


def put_analysis(folder: Path) -> Path:
    found = Segmentation(np.zeros((2, 2, 2), np.uint8), (), next(iter(LungDefinition)), ())
    rewrite_analysis(Analysis(found, (), (), {}), folder)
    return folder / "analysis.json"


def put_answer(folder: Path) -> Path:
    write_answer(folder / "commitments", "2.25.1", CommitmentAnswer(frozenset({"1.2"}), {}))
    return folder / "commitments" / "2.25.1.json"


def put_delivery(folder: Path) -> Path:
    (folder / "kept.dcm").write_bytes(b"result")
    sent = Outgoing("SEG", folder / "kept.dcm", "1", "1.2.3.4", "1.2.3", "1.2")
    there = Destination(name="out", kind="folder", path=folder)
    send([sent], there)
    return place_of(sent, there)


def put_json(folder: Path) -> Path:
    write_json(folder / "a" / "safe.json", {})
    return folder / "a" / "safe.json"


def put_published(folder: Path) -> Path:
    publish_json(folder / "a" / "objects.json", [])
    return folder / "a" / "objects.json"


@pytest.mark.parametrize(
    "put", [put_object, put_labels, put_analysis, put_answer, put_delivery, put_json, put_published]
)
def test_bytes_and_names_are_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, put: Callable) -> None:
    flushed: list[int] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        flushed.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noted)
    path = put(tmp_path)
    folders = [folder for folder in path.parents if folder.is_relative_to(tmp_path)]
    assert flushed.index(path.stat().st_ino) < len(flushed) - 1 - flushed[::-1].index(path.parent.stat().st_ino)
    assert {folder.stat().st_ino for folder in folders} <= set(flushed)
    assert list(tmp_path.rglob("*.part*")) == []
