"""Everything that is wrong with a configuration, found before anything starts, and listed at once."""

import os
from collections.abc import Iterator
from pathlib import Path

import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from node.archive.endpoint import endpoint_of_archive
from node.deliver.confirm import can_be_asked, can_be_asked_for_studies
from node.engine.placeholders import PLACEHOLDER, placeholders
from node.errors import LungnodeError, Misconfigured
from node.receive.classes import STORAGE
from node.route.route import DEFAULT_MODEL, Routes
from node.route.rules import load_routes
from node.segment.contract import Task
from node.segment.registry import installed, verify
from node.segment.torch_here import torch_here
from node.settings import Receive, Settings


def check_configuration(settings: Settings) -> None:
    """Refuse to start with a configuration that cannot work; log what was left as the example has it.

    Raises
    ------
    Misconfigured
        CFG-VALUE with one line for each fault.
    """
    faults = list(faults_of(settings))
    if faults:
        raise Misconfigured("CFG-VALUE", "the node cannot start:\n  " + "\n  ".join(faults))
    for one in placeholders(settings):
        structlog.get_logger().warning(
            "settings.placeholder", code=PLACEHOLDER, setting=one.setting, why=one.text, next_step=one.next_step
        )


def faults_of(settings: Settings) -> Iterator[str]:
    """Yield what is wrong, each fault with the setting that it is about."""
    yield from _data_dir(settings.data_dir)
    yield from _database(settings.engine.database_url)
    yield from _models(settings)
    yield from _device(settings.compute.device)
    yield from _routes(settings)
    yield from _receive(settings.receive)
    yield from _peers(settings)


def _data_dir(folder: Path) -> Iterator[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        yield f"data_dir: {folder} cannot be made: {error.strerror}"
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        yield f"data_dir: {folder} cannot be written by this user"


def _database(url: str | None) -> Iterator[str]:
    if url is None:
        return
    try:
        driver = make_url(url).drivername
    except ArgumentError:
        yield "engine.database_url: not a database URL, such as postgresql+psycopg://user:password@host/name"
        return
    if driver != "postgresql+psycopg":
        yield f"engine.database_url: the driver is {driver!r}, it must be 'postgresql+psycopg'"


def _models(settings: Settings) -> Iterator[str]:
    try:
        installed(settings.models_dir)
    except LungnodeError as error:
        yield f"models_dir: {error.message}"
        return
    for task, name in ((Task.LUNGS, settings.compute.lungs), (Task.LESIONS, settings.compute.lesions)):
        for fault in _model(name, task, settings.models_dir):
            yield f"compute.{task.value}: {fault}"


def _model(name: str | None, task: Task, models_dir: Path | None) -> Iterator[str]:
    """Yield what is wrong with a model that a setting or a route names."""
    if name in {None, DEFAULT_MODEL}:
        return
    try:
        card = verify(str(name), models_dir)
    except LungnodeError as error:
        yield error.message
        return
    if task not in card.tasks:
        yield f"model {name!r} finds {', '.join(card.tasks)}, not {task.value}"


def _device(wanted: str) -> Iterator[str]:
    """Yield what keeps networks from running where they were told to; asked only where they may not run elsewhere."""
    if wanted != "cuda":
        return
    torch = torch_here()
    if torch.trouble:
        yield f"compute.device: torch cannot be loaded: {torch.trouble}"
    elif not torch.cards:
        yield f"compute.device: it is cuda, and torch {torch.version} sees no GPU"


def _routes(settings: Settings) -> Iterator[str]:
    try:
        routes = load_routes(settings.rules.routes)
    except LungnodeError as error:
        yield error.message
        return
    yield from faults_of_routes(routes, settings)


def faults_of_routes(routes: Routes, settings: Settings) -> Iterator[str]:
    """Yield which models and destinations of the routes are not there, damaged, or of another task."""
    known = {d.name for d in settings.destinations}
    for route in routes.routes:
        for task, model in ((Task.LUNGS, route.lungs), (Task.LESIONS, route.lesions)):
            for fault in _model(model, task, settings.models_dir):
                yield f"{routes.source}:{route.line}: route {route.name!r}: {task.value}: {fault}"
        for name in route.destinations or ():
            if name not in known:
                yield f"{routes.source}:{route.line}: route {route.name!r}: no destination is called {name!r}"


def _receive(receive: Receive) -> Iterator[str]:
    """Yield what leaves a listener without its certificates, or a peer without anything that it could store."""
    if receive.tls_port is not None and None in (receive.tls_certificate, receive.tls_key, receive.tls_ca):
        yield "receive.tls_port: it needs tls_certificate, tls_key and tls_ca"
    for peer in receive.peers:
        for uid in peer.classes:
            if uid not in STORAGE:
                yield (
                    f"receive.peers: {peer.ae_title!r}: classes: {uid!r} is no class that the node takes; write UIDs "
                    "that `lungnode conformance` lists, or leave classes out for all of them"
                )
        if peer.commitment_host is not None and peer.commitment_port is None:
            yield f"receive.peers: {peer.ae_title!r}: commitment_host needs commitment_port, or is never called"


def _peers(settings: Settings) -> Iterator[str]:
    calling = settings.receive.ae_title
    for destination in settings.destinations:
        if not can_be_asked(destination, calling=calling):
            yield (
                f'destinations: {destination.name!r} cannot be asked what it holds; set confirm = "none" to believe '
                'its answers, or commitment = "ask"'
            )
        if destination.needs_study and not can_be_asked_for_studies(destination, calling=calling):
            yield (
                f"destinations: {destination.name!r} cannot be asked whether it holds a study: leave needs_study out, "
                'and for the kind "cstore" tls, or confirm = "none"'
            )
    for archive in settings.archives:
        if endpoint_of_archive(archive, calling) is None:
            yield f"archives: {archive.name!r} has neither dicomweb_url nor dimse_ae_title, dimse_host and dimse_port"
