"""What may be deleted, and when: nothing that is not delivered; the rest after its time (architecture 4)."""

import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

from node.engine.announced import forget_expected
from node.engine.case_catalogue import CaseCatalogue
from node.engine.case_file import CaseFile, result_folder
from node.engine.files import read_json
from node.engine.steps import SAFE_FILE
from node.engine.stopped import Stopped, why_stopped
from node.engine.stores import Stores
from node.errors import Misconfigured


def sweep(
    data_dir: Path,
    stores: Stores,
    *,
    older_than_s: float,
    now_s: float,
    forget: Callable[[str], None] = lambda _workflow_id: None,
) -> tuple[str, ...]:
    """Remove the studies that are done with and old enough, with everything made of them; return their UIDs.

    A study is done with when each of its cases is safe at every destination, or was cancelled or superseded; one of
    which no case was made is done with when that was decided and nothing of it has come for as long. The decisions
    about a study go with it, or, where nothing of it is here any more, when the last one is old enough. What is kept of
    associations, announcements and journals goes when nothing of it is needed. While the file of a case is damaged,
    nothing goes.

    Parameters
    ----------
    forget : what else knows a case by its workflow id: the engine would not analyse it again when it is sent again.
    """
    catalogue = CaseCatalogue(data_dir)
    removed = []
    everything = catalogue.all()
    if catalogue.damaged:
        return ()  # nobody knows of which study a damaged case is, nor whether it is delivered
    waited_for = {w["study_instance_uid"] for w in read_json(data_dir / "engine" / "waiting.json") or ()}
    here = {*stores.index.studies(), *(c.study_instance_uid for c in everything)}
    for study in sorted(here):
        cases = catalogue.of_study(study)
        arrival = stores.index.arrival(study)
        if arrival is not None and now_s - arrival.last_at_s < older_than_s:
            continue
        if not cases and (study in waited_for or not stores.ledger.decisions(study)):
            continue  # intake has not come to it, as after a worker that was away for long
        ends = [_ended_s(data_dir, case) for case in cases]
        if any(end is None or now_s - end < older_than_s for end in ends):
            continue
        files = stores.index.everywhere(study)
        if stores.index.arrival(study) != arrival:
            continue  # more of it has come meanwhile
        _remove(data_dir, stores, study, cases, files)
        removed.append(study)
        for case in cases:
            forget(case.workflow_id)
    stores.ledger.forget(before_s=now_s - older_than_s, but=here - set(removed))
    stores.index.forget_past(before_s=now_s - older_than_s)
    forget_expected(data_dir, before_s=now_s - older_than_s, but=here)
    return tuple(removed)


def _ended_s(data_dir: Path, case: CaseFile) -> float | None:
    """Return when nothing more was to be done for a case; None where something is, or a damaged file hides it."""
    folder = result_folder(data_dir, case.workflow_id)
    try:
        safe, stopped = read_json(folder / SAFE_FILE), why_stopped(folder)
    except Misconfigured:
        return None
    if safe is not None:
        return float(safe["at_s"])
    if stopped is None or stopped[0] is Stopped.HELD:
        return None
    return folder.stat().st_mtime


def _remove(data_dir: Path, stores: Stores, study: str, cases: tuple[CaseFile, ...], files: tuple[Path, ...]) -> None:
    """Remove the sources first: a study without results would be analysed again, results without sources are not.

    Of the sources just `files` go: what the receiver has kept since is not in the index yet.
    """
    stores.index.remove(files)
    layout = stores.layout
    for root in (layout.studies, layout.variants):
        _remove_empty(root / study)
    for root in (layout.quarantine, layout.superseded):  # intake alone writes there
        shutil.rmtree(root / study, ignore_errors=True)
    shutil.rmtree(data_dir / "expected" / study, ignore_errors=True)
    for case in cases:
        shutil.rmtree(result_folder(data_dir, case.workflow_id), ignore_errors=True)
    structlog.get_logger().info("engine.study_removed", study_uid=study)


def _remove_empty(folder: Path) -> None:
    """Remove a study's folder and its series' folders where nothing is in them."""
    for path in (*folder.glob("*"), folder):
        with suppress(OSError):
            path.rmdir()
