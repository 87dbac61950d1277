"""Everything that the doctor looks at, in the order in which a person would."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from node.engine.certificates import expiring
from node.engine.configuration import faults_of
from node.engine.placeholders import PLACEHOLDER, placeholders
from node.settings import Archive, Destination, Settings
from node.watch.doctor.archives import check_archive
from node.watch.doctor.clock import check_clock
from node.watch.doctor.database import check_engine_database
from node.watch.doctor.destinations import check_destination
from node.watch.doctor.finding import Finding, Grade, fail, ok, warn
from node.watch.doctor.machine import check_device, check_disk
from node.watch.doctor.models import check_models
from node.watch.doctor.orthanc import check_orthanc
from node.watch.doctor.ports import check_receiver, check_status_port
from node.watch.doctor.searching import check_asking_back

TOLD_ELSEWHERE = ("data_dir:", "models_dir:", "compute.")


def examine(settings: Settings, *, offline: bool = False) -> Iterator[Finding]:
    """Yield the findings one by one: each may take seconds.

    Parameters
    ----------
    offline : judge the settings and models alone, for a configuration that is not this machine's.
    """
    yield from _settings(settings, offline=offline)
    yield from check_models(settings.models_dir, settings.compute)
    yield from _unreachable(settings)
    if offline:
        return
    yield check_disk(settings.data_dir, settings.disk)
    yield check_engine_database(settings)
    yield check_device(settings.compute)
    yield from _certificates(settings)
    yield check_receiver(settings.receive, settings.receive.ae_title)
    yield check_status_port(settings.watch)
    yield from _peers(settings)


def _settings(settings: Settings, *, offline: bool) -> Iterator[Finding]:
    """What would stop the start and has no finding of its own; offline, the data folder is not this machine's."""
    looked_at = settings.model_copy(update={"data_dir": Path(tempfile.gettempdir())}) if offline else settings
    faults = [fault for fault in faults_of(looked_at) if not fault.startswith(TOLD_ELSEWHERE)]
    for fault in faults:
        yield fail("settings", fault, "the node does not start like this: correct the settings file")
    if not faults:
        yield ok("settings", f"valid; hash {settings.config_hash[:12]}")
    for one in placeholders(settings):
        yield warn("placeholder", f"{PLACEHOLDER}: {one.text}", one.next_step)


def _unreachable(settings: Settings) -> Iterator[Finding]:
    """Settings that are valid and still make a node that gives nothing to anybody."""
    if not settings.destinations:
        yield warn(
            "destinations", "none: results stay in the node, and are never removed", "add a [[destinations]] section"
        )
    if not settings.archives:
        yield warn(
            "archives",
            "none: counts are guessed from silence, and identity is not asked before delivery",
            "add an [[archives]] section with the archive's DICOMweb or DIMSE address",
        )
    if not settings.receive.peers:
        yield warn("peers", "none: nobody may send", "add receive.peers")


def _certificates(settings: Settings) -> Iterator[Finding]:
    for one in expiring(settings, datetime.now(UTC)):
        found, _, todo = one.text.partition("; next: ")
        yield (fail if one.has_expired else warn)("certificates", found, todo)


def _peers(settings: Settings) -> Iterator[Finding]:
    calling = settings.receive.ae_title
    for archive in settings.archives:
        yield from check_archive(archive, calling)
        yield from check_orthanc(archive, settings.receive)
    for destination in settings.destinations:
        taken = check_destination(destination, calling, settings.objects)
        yield taken
        asked_back = None if taken.grade is Grade.FAIL else check_asking_back(destination, calling)
        if asked_back is not None:
            yield asked_back
    stows = [d for d in settings.destinations if d.kind == "stow"]
    sites: list[Archive | Destination] = [*settings.archives, *stows]
    for site in sites:
        finding = check_clock(site, datetime.now(UTC))
        if finding is not None:
            yield finding
            return
