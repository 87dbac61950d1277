"""One study through a running site: sent as a PACS would, waited for, read back from the archive."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from node.errors import InputRefused, WorldUnavailable
from node.facts.folder import read_folder
from node.harness.ports import listens
from node.harness.readback import Found, Row, read_comments, read_rows, wait_for_results
from node.harness.send import send
from node.harness.site import SENDER, Site
from node.harness.viewer import study_link
from node.phantom.study import StudyPlan, write_study
from node.route.case import Known
from node.route.rules import load_routes
from node.route.studies import select_among

PHANTOM = StudyPlan(n_slices=128, size=256, n_nodules=2)  # 2.5 mm: the thickest that density is measured on
LOG_TAIL_BYTES = 1500


@dataclass(frozen=True, slots=True)
class Shown:
    """What came of the study. `rows` is empty where it was refused; `comments` then say why."""

    study_instance_uid: str
    found: Found
    rows: tuple[Row, ...]
    comments: tuple[str, ...]
    link: str | None


def write_phantom(folder: Path) -> Path:
    """Write a synthetic thorax; return the folder of its images."""
    write_study(folder, PHANTOM)
    return folder / "CT"


def study_of(source: Path) -> tuple[str, tuple[Path, ...]]:
    """Choose the study of a folder that is shown, as `analyse` would, and all its files.

    Raises
    ------
    InputRefused
        DEMO-INPUT where the node would say nothing about any of it: nothing would ever come back.
    """
    folder = read_folder(source)
    answered = select_among(folder.series, load_routes(None), Known())
    study = answered.study_instance_uid
    if study is None:
        codes = sorted({reason.code for passed in answered.selection.passed for reason in passed.reasons})
        why = f"{len(folder.series)} series, none selected ({', '.join(codes)})" if folder.series else "no DICOM images"
        raise InputRefused("DEMO-INPUT", f"nothing to analyse in {source}: {why}")
    chosen = [series for series in folder.series if series.study_instance_uid == study]
    return study, tuple(file.path for series in chosen for file in series.files)


def send_study(site: Site, files: tuple[Path, ...], on_progress: Callable[[], None]) -> None:
    """Store a study into Orthanc, as a PACS would.

    Raises
    ------
    WorldUnavailable
        DEMO-SEND where not all of it was stored.
    """
    report = send(
        files, site.orthanc.ae_title, "127.0.0.1", site.orthanc.dicom_port, calling=SENDER, on_progress=on_progress
    )
    if report.failed:
        raise WorldUnavailable("DEMO-SEND", report.summary())


def wait_and_read(site: Site, study: str, *, limit_s: float, on_wait: Callable[[], None]) -> Shown:
    """Wait until the node's objects are in the archive, and read them.

    Raises
    ------
    WorldUnavailable
        DEMO-TIMEOUT where nothing came in time, NODE-ENDED where the node is gone.
    """

    def look() -> None:
        if not listens(site.node.dicom_port):
            raise WorldUnavailable("NODE-ENDED", f"the node ended:\n{_tail(site.node.log)}")
        on_wait()

    found = wait_for_results(site.orthanc, study, limit_s=limit_s, on_wait=look)
    document = found.report if found.report is not None else found.notice
    if not found.complete or document is None:
        raise WorldUnavailable(
            "DEMO-TIMEOUT", f"no result within {limit_s:.0f} s; the end of the node's log:\n{_tail(site.node.log)}"
        )
    rows = read_rows(document)
    link = study_link(site.viewer_url, study) if site.viewer_url else None
    return Shown(study, found, rows, read_comments(document), link)


def _tail(log: Path) -> str:
    return log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace") if log.exists() else "(no log)"
