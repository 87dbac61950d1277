"""Which of some instances the archives hold, by SOP Instance UID alone: what the commitment SCP may promise.

A storage commitment request names instances without study and series; both are taken from where the spool keeps them.
An instance that the spool does not know, or an archive that cannot be asked, is no promise.
"""

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import structlog

from node.archive.endpoint import Endpoint, endpoint_of_archive
from node.archive.questions import held
from node.errors import Misconfigured, WorldUnavailable
from node.settings import Settings
from node.store.layout import Layout, is_uid


def held_by_archives(settings: Settings, sop_uids: Sequence[str]) -> frozenset[str]:
    """Return those of the SOP Instance UIDs that at least one of the configured archives holds now."""
    wanted = _places(Layout(settings.data_dir).studies, sop_uids)
    calling = settings.receive.ae_title
    endpoints = [endpoint_of_archive(archive, calling) for archive in settings.archives]
    found: set[str] = set()
    for endpoint in endpoints:
        if endpoint is not None:
            found |= _held_by(endpoint, wanted)
    return frozenset(found)


def _held_by(endpoint: Endpoint, wanted: dict[tuple[str, str], list[str]]) -> frozenset[str]:
    found: set[str] = set()
    try:
        for (study, series), uids in wanted.items():
            found |= held(endpoint, study, series, uids)
    except (WorldUnavailable, Misconfigured) as error:
        structlog.get_logger().warning("archive.commitment_unanswered", code=error.code)
    return frozenset(found)


def _places(studies: Path, sop_uids: Sequence[str]) -> dict[tuple[str, str], list[str]]:
    """Group the instances that the spool knows by study and series."""
    places: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for uid in filter(is_uid, sop_uids):
        for file in studies.glob(f"*/*/{uid}.dcm"):
            places[file.parent.parent.name, file.parent.name].append(uid)
    return places
