"""Heavy steps of a test: they wait for a file where the test says so, and leave small objects behind."""

import os
import signal
import time
import uuid
from pathlib import Path

from node.engine.case_file import read_case_file, result_folder
from node.engine.outbox import KeptObject, digest_of, publish
from node.errors import OurMistake

WAIT_AT_MOST_S = 60.0


def warm() -> None:
    pass


def analyse(settings: dict, workflow_id: str) -> dict:
    folder = result_folder(Path(settings["data_dir"]), workflow_id)
    _note(folder, "analyse")
    _obey(folder, "analyse")
    if (folder / "analyse.order").exists() and (folder / "analyse.order").read_text() == "partial":
        return {"outcome": "processed", "codes": ["GEO-PARTIAL"]}
    if (folder / "analyse.order").exists() and (folder / "analyse.order").read_text() == "lesions":
        return {"outcome": "processed", "codes": [], "n_lesions": 2}
    return {"outcome": "processed", "codes": []}


def encode(settings: dict, workflow_id: str) -> None:
    data_dir = Path(settings["data_dir"])
    folder = result_folder(data_dir, workflow_id)
    _note(folder, "encode")
    _obey(folder, "encode")
    case = read_case_file(data_dir, workflow_id)
    objects = folder / f"objects-{uuid.uuid4().hex}"
    objects.mkdir()
    made = []
    for number, kind in enumerate(("SEG", "SR"), start=1):
        path = objects / f"{kind}.dcm"
        path.write_bytes(f"{kind} of {workflow_id} {uuid.uuid4()}".encode())
        uid = f"1.2.3.{int(workflow_id[:8], 16)}.{number}"
        made.append(KeptObject(kind, str(path.relative_to(folder)), digest_of(path), "1.2", uid, uid + ".1", number))
    publish(folder, made)
    assert case is not None
    _obey(folder, "encoded")


def _note(folder: Path, step: str) -> None:
    with (folder / "steps.log").open("a") as log:
        log.write(f"{step} {os.getpid()}\n")


def _obey(folder: Path, step: str) -> None:
    """Do what the test wants at this point: wait for a file, end the process, raise."""
    order = folder / f"{step}.order"
    word = order.read_text() if order.exists() else ""
    if word == "library":
        raise RuntimeError("Error encountered while writing")
    if word == "die":
        os.kill(os.getpid(), signal.SIGSEGV)
    if word == "out-of-memory":
        os.kill(os.getpid(), signal.SIGKILL)
    if word == "raise":
        raise OurMistake("TEST-MISTAKE", "as ordered")
    deadline_s = time.monotonic() + WAIT_AT_MOST_S
    while word == "wait" and not (folder / f"{step}.go").exists() and time.monotonic() < deadline_s:
        time.sleep(0.01)
