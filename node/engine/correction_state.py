"""Where a correction is kept, and what there is to hold one against: no more than intake needs to know."""

from pathlib import Path

from node.engine.stopped import why_stopped

NO_RESULT = "no-result"  # the answer about a segmentation of a series that we have no result of
CORRECTION_FILE = "correction.json"
_FOLDER = "corrections"


def corrections_root(data_dir: Path) -> Path:
    """Return where all corrections are kept; it outlives their studies."""
    return data_dir / _FOLDER


def correction_folder(data_dir: Path, study_uid: str, sop_uid: str) -> Path:
    """Return where everything about one is kept."""
    return corrections_root(data_dir) / study_uid / sop_uid


def is_filed(data_dir: Path, study_uid: str, sop_uid: str) -> bool:
    """Whether a segmentation was judged before."""
    return (correction_folder(data_dir, study_uid, sop_uid) / CORRECTION_FILE).exists()


def has_result(folder: Path) -> bool:
    """Whether the run of this folder has segmented its series, and nothing has stopped it since."""
    return (folder / "analysis.json").exists() and why_stopped(folder) is None
