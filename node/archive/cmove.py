"""Whole series by C-MOVE (PS3.4 annex C): the archive stores them at a title of ours that listens only meanwhile.

The title is not the receiver's: what is moved here is a prior to compare with, no study to analyse.
"""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage
from pynetdicom import ALL_TRANSFER_SYNTAXES, evt
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelMove

from node.application_entity import application_entity
from node.archive.cfind import opened
from node.archive.endpoint import DimseEndpoint, MoveTo
from node.errors import Misconfigured, WorldUnavailable

_SUCCESS, _PENDING = 0x0000, 0xFF00
_STORED, _NOT_ASKED_FOR = 0x0000, 0x0124
_SILENT_AT_MOST_S = 60.0  # an archive that fetches from a tape may pause between two instances
_CLASSES = (CTImageStorage, EnhancedCTImageStorage)
_MOVE = StudyRootQueryRetrieveInformationModelMove


def move_series(
    endpoint: DimseEndpoint, study_uid: str, series_uid: str, folder: Path, *, until_s: float | None = None
) -> tuple[Path, ...]:
    """Have all instances of a series moved into `folder`, which appears only when all of them are there.

    Parameters
    ----------
    until_s : when to give up, by `time.monotonic()`

    Raises
    ------
    WorldUnavailable
        ARCHIVE-PARTIAL some could not be moved; ARCHIVE-ANSWER the move ended with a failure; ARCHIVE-SLOW not done
        in time; ARCHIVE-PORT our port is taken; and those of `cfind.opened`.
    Misconfigured
        ARCHIVE-MOVE the settings name no title and port to move to.
    """
    if endpoint.move_to is None:
        raise Misconfigured("ARCHIVE-MOVE", "the archive has no move_ae_title and move_port, nor dicomweb_url")
    part_folder = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part_folder, ignore_errors=True)  # of a fetch that was killed
    part_folder.mkdir(parents=True)
    try:
        with _listening(endpoint.move_to, endpoint.ae_title, (study_uid, series_uid), part_folder):
            n_moved = _moved(endpoint, endpoint.move_to, study_uid, series_uid, until_s)
        files = list(part_folder.iterdir())
        if not files or len(files) != n_moved:
            text = f"the archive says that it moved {n_moved} instances, {len(files)} came"
            raise WorldUnavailable("ARCHIVE-PARTIAL", text)
        part_folder.rename(folder)
    finally:
        shutil.rmtree(part_folder, ignore_errors=True)
    return tuple(sorted(folder.iterdir()))


def _moved(endpoint: DimseEndpoint, to: MoveTo, study_uid: str, series_uid: str, until_s: float | None) -> int:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = "SERIES"
    identifier.StudyInstanceUID, identifier.SeriesInstanceUID = study_uid, series_uid
    with opened(endpoint, _MOVE) as association:
        for status, _ in association.send_c_move(identifier, to.ae_title, _MOVE):
            if "Status" not in status:
                raise WorldUnavailable("ARCHIVE-DOWN", "the archive broke the association off while it moved")
            if until_s is not None and time.monotonic() > until_s:
                raise WorldUnavailable("ARCHIVE-SLOW", "the archive did not move everything in time")
            if status.Status == _SUCCESS:
                return int(status.get("NumberOfCompletedSuboperations") or 0)
            if status.Status != _PENDING:
                raise WorldUnavailable("ARCHIVE-ANSWER", f"the move ended with status 0x{status.Status:04X}")
    raise WorldUnavailable("ARCHIVE-ANSWER", "the move ended without a status")


@contextmanager
def _listening(to: MoveTo, archive_title: str, wanted: tuple[str, str], folder: Path) -> Iterator[None]:
    """Take instances of the wanted series, from the archive alone, and write them as numbered files."""
    entity = application_entity(to.ae_title)
    entity.network_timeout = _SILENT_AT_MOST_S
    entity.require_called_aet, entity.require_calling_aet = True, [archive_title]
    for sop_class in _CLASSES:
        entity.add_supported_context(sop_class, ALL_TRANSFER_SYNTAXES)
    lock, seen = threading.Lock(), set[str]()

    def keep(event: Any) -> int:
        ids = (str(event.dataset.get("StudyInstanceUID", "")), str(event.dataset.get("SeriesInstanceUID", "")))
        if ids != wanted:
            return _NOT_ASKED_FOR
        with lock:
            uid = str(event.request.AffectedSOPInstanceUID)
            if uid not in seen:
                seen.add(uid)
                (folder / f"{len(seen):06}.dcm").write_bytes(event.encoded_dataset())
        return _STORED

    try:
        server = entity.start_server((to.host, to.port), block=False, evt_handlers=[(evt.EVT_C_STORE, keep)])
    except OSError as error:
        raise WorldUnavailable("ARCHIVE-PORT", f"port {to.port} for moves is taken: {error.strerror}") from error
    try:
        yield
    finally:
        left_open = server.active_associations
        server.shutdown()
        for association in left_open:
            association.abort(block=False)
