"""One study through a running site: sent as a PACS would, waited for, read back from the archive."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from node.errors import InputRefused, WorldUnavailable
from node.facts.folder import Folder, read_folder
from node.harness.ports import listens
from node.harness.readback import Found, Row, read_comments, read_rows, wait_for_results
from node.harness.send import send
from node.harness.site import SENDER, Site
from node.harness.viewer import study_link
from node.phantom.study import StudyPlan, write_study

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
    """Choose the study of a folder that is shown, the one with the most CT images, and its files.

    Raises
    ------
    InputRefused
        DEMO-INPUT where there is nothing readable in it.
    """
    folder: Folder = read_folder(source)
    sizes: dict[str, tuple[int, int]] = {}
    for series in folder.series:
        ct, others = sizes.get(series.study_instance_uid, (0, 0))
        is_ct = series.first.modality == "CT"
        sizes[series.study_instance_uid] = (ct + is_ct * series.n_instances, others + (not is_ct) * series.n_instances)
    if not sizes:
        raise InputRefused("DEMO-INPUT", f"no DICOM images in {source}")
    study = max(sizes, key=lambda uid: sizes[uid])
    chosen = [series for series in folder.series if series.study_instance_uid == study]
    return study, tuple(file.path for series in chosen for file in series.files)


def send_study(site: Site, files: tuple[Path, ...], on_progress: Callable[[], object]) -> None:
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


def wait_and_read(site: Site, study: str, *, limit_s: float, on_wait: Callable[[], object]) -> Shown:
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
