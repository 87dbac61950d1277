"""Segmentations that readers saved in an archive without sending them here: found by QIDO-RS, fetched by WADO-RS.

What is fetched goes into the spool like a received instance, and intake judges it as it judges those.
"""

import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import structlog

from node.archive.endpoint import WebEndpoint, endpoint_of_archive
from node.archive.search import search
from node.archive.wado import retrieve_series
from node.engine.case_catalogue import CaseCatalogue
from node.engine.case_file import result_folder
from node.engine.correction_state import has_result
from node.engine.full_disk import MAY_BE_FULL, tells_full_disk
from node.engine.stores import Stores, opened_stores
from node.engine.worker import slot_when_free
from node.errors import LungnodeError
from node.facts.read import Unread, read_facts
from node.facts.segmentation import SEGMENTATION_CLASSES
from node.settings import Archive, Settings
from node.settings_values import CORRECTIONS_SLOT
from node.store.journal import Event, Journal
from node.store.layout import InstanceUids, is_uid
from node.store.part10 import FileMeta, encode_meta, read_meta
from node.store.spool import Outcome, Spool

_MOST_STUDIES = 100  # of one round, the newest; older ones are found by order
_WITHIN_S = 120.0  # for one series
_COPY_BYTES = 1 << 20


def search_loop(settings: Settings, stopping: threading.Event) -> None:
    """Look into each archive as often as its settings say; of several workers one does."""
    asked = [archive for archive in settings.archives if archive.corrections_every_s > 0]
    if not asked:
        stopping.wait()  # a loop that ends takes its worker with it
        return
    lock = slot_when_free(settings, CORRECTIONS_SLOT, stopping)
    if lock is None:
        return
    due_s = {archive.name: time.monotonic() + archive.corrections_every_s for archive in asked}
    try:
        while not stopping.wait(1.0):
            for archive in asked:
                if time.monotonic() >= due_s[archive.name]:
                    due_s[archive.name] = time.monotonic() + archive.corrections_every_s
                    try:
                        search_archive(settings, archive)
                    except MAY_BE_FULL as error:
                        if not tells_full_disk("engine.corrections_wait", error):
                            raise
    finally:
        lock.release()


def search_archive(settings: Settings, archive: Archive, study_uid: str | None = None) -> tuple[str, ...]:
    """Fetch the foreign segmentations of studies with a result of ours; return the UIDs of those that are new here.

    An archive that does not answer is named in the log, and asked again in the next round.

    Parameters
    ----------
    study_uid : one study; None for the newest ones.
    """
    endpoint = endpoint_of_archive(archive, settings.receive.ae_title)
    if not isinstance(endpoint, WebEndpoint):
        return ()
    found: list[str] = []
    with opened_stores(settings) as stores:
        for study in _studies(settings, study_uid):
            try:
                found += _search_study(settings, stores, endpoint, archive.name, study)
            except (LungnodeError, OSError) as error:
                code = error.code if isinstance(error, LungnodeError) else type(error).__name__
                log = structlog.get_logger().bind(archive=archive.name, study_uid=study)
                log.warning("engine.corrections_not_sought", code=code)
                if isinstance(error, LungnodeError) and error.retryable:
                    break
    return tuple(found)


def _studies(settings: Settings, study_uid: str | None) -> list[str]:
    cases = reversed(CaseCatalogue(settings.data_dir).all())
    with_result = [c for c in cases if has_result(result_folder(settings.data_dir, c.workflow_id))]
    every = list(dict.fromkeys(c.study_instance_uid for c in with_result))
    return every[:_MOST_STUDIES] if study_uid is None else [uid for uid in every if uid == study_uid]


def _search_study(
    settings: Settings, stores: Stores, endpoint: WebEndpoint, archive: str, study_uid: str
) -> Iterator[str]:
    own = {result.series_uid for result in stores.own.of_study(study_uid)}
    answers = search(endpoint, "SERIES", {"StudyInstanceUID": study_uid}, ("SeriesInstanceUID", "Modality"))
    for answer in answers:
        series_uid = answer["SeriesInstanceUID"] or ""
        here = stores.layout.studies / study_uid / series_uid
        if answer["Modality"] != "SEG" or not is_uid(series_uid) or series_uid in own or here.exists():
            continue
        folder = settings.data_dir / "fetched" / series_uid
        shutil.rmtree(folder, ignore_errors=True)
        try:
            files = retrieve_series(endpoint, study_uid, series_uid, folder, until_s=time.monotonic() + _WITHIN_S)
            for file in files:
                if (sop := _take(settings, file, study_uid, archive)) is not None:
                    yield sop
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _take(settings: Settings, file: Path, study_uid: str, archive: str) -> str | None:
    """Keep one fetched instance as if it had been received; return its UID where it is new."""
    facts = read_facts(file)
    if isinstance(facts, Unread) or facts.sop_class_uid not in SEGMENTATION_CLASSES:
        return None
    uids = InstanceUids(facts.study_instance_uid, facts.series_instance_uid, facts.sop_instance_uid)
    if uids.study != study_uid:
        return None
    spool = Spool(settings.data_dir)
    meta = read_meta(file)
    head = encode_meta(
        FileMeta(
            facts.sop_class_uid, uids.sop, facts.transfer_syntax_uid, archive[:16].upper(), settings.receive.ae_title
        )
    )
    incoming = spool.begin()
    try:
        with file.open("rb") as source, os.fdopen(os.dup(incoming.descriptor), "wb") as target:
            source.seek(meta.data_set_offset)
            target.write(head)
            shutil.copyfileobj(source, target, _COPY_BYTES)
    except BaseException:  # an open descriptor keeps its lock, and what is locked is never cleaned away
        spool.discard(incoming)
        raise
    kept = spool.keep(incoming, uids, len(head))
    journal = Journal(spool.layout.journal, "fetch-0")
    try:
        journal.write(
            Event.KEPT, association=f"fetch-{uids.sop}", outcome=kept.outcome, study=uids.study, series=uids.series,
            sop=uids.sop, sop_class=facts.sop_class_uid, syntax=facts.transfer_syntax_uid,
            path=spool.relative(kept.path), n_bytes=kept.path.stat().st_size,
        )  # fmt: skip
    finally:
        journal.close()
    return uids.sop if kept.outcome is Outcome.NEW else None
