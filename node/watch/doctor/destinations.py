"""Does each destination answer, and what does it take?"""

import os

import requests

from node.deliver.association import NoAssociation, open_association
from node.deliver.session import http_session
from node.errors import LungnodeError, Misconfigured
from node.settings import Destination, Rung
from node.watch.doctor.finding import Finding, fail, ok, warn

EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
# what each rung of the ladder may be sent as; one of them must be taken
CLASSES: dict[Rung, tuple[tuple[str, str], ...]] = {
    Rung.SEG: (("SEG", "1.2.840.10008.5.1.4.1.1.66.4"),),
    Rung.SR: (
        ("Comprehensive 3D SR", "1.2.840.10008.5.1.4.1.1.88.34"),
        ("Comprehensive SR", "1.2.840.10008.5.1.4.1.1.88.33"),
    ),
    Rung.OUTLINES: (
        ("Comprehensive 3D SR", "1.2.840.10008.5.1.4.1.1.88.34"),
        ("Comprehensive SR", "1.2.840.10008.5.1.4.1.1.88.33"),
    ),
    Rung.NOTICE: (
        ("Comprehensive 3D SR", "1.2.840.10008.5.1.4.1.1.88.34"),
        ("Comprehensive SR", "1.2.840.10008.5.1.4.1.1.88.33"),
    ),
    Rung.RTSTRUCT: (("RTSTRUCT", "1.2.840.10008.5.1.4.1.1.481.3"),),
    Rung.KEY_SLICES: (("Secondary Capture", "1.2.840.10008.5.1.4.1.1.7"),),
    Rung.SUMMARY: (("Secondary Capture", "1.2.840.10008.5.1.4.1.1.7"),),
    Rung.NOTICE_PICTURE: (("Secondary Capture", "1.2.840.10008.5.1.4.1.1.7"),),
    Rung.KEY_OBJECTS: (("Key Object Selection", "1.2.840.10008.5.1.4.1.1.88.59"),),
    Rung.PDF: (("Encapsulated PDF", "1.2.840.10008.5.1.4.1.1.104.1"),),
}
ASK_WITHIN_S = 15.0


def check_destination(destination: Destination, calling: str) -> Finding:
    """Ask one destination."""
    impatient = destination.model_copy(update={"timeout_s": min(ASK_WITHIN_S, destination.timeout_s)})
    try:
        match destination.kind:
            case "cstore":
                return _association(impatient, calling)
            case "stow":
                return _http(impatient, "/studies?limit=1", "DICOMweb", "application/dicom+json")
            case "orthanc":
                return _http(impatient, "/system", "Orthanc's REST", "application/json")
            case "folder":
                return _folder(impatient)
    except LungnodeError as error:
        return fail(_name(destination), error.message, f"see the section of destination {destination.name!r}")


def accepted_classes(destination: Destination, calling: str) -> tuple[str, ...] | NoAssociation:
    """Propose every class that the node can make; return the names of those that are taken."""
    names = {uid: name for pairs in CLASSES.values() for name, uid in pairs}
    proposed = [(uid, EXPLICIT_LITTLE_ENDIAN) for uid in names]
    with open_association(destination, proposed, calling=calling) as opened:
        if isinstance(opened, NoAssociation):
            return opened
        return tuple(names[str(context.abstract_syntax)] for context in opened.accepted_contexts)


def _association(destination: Destination, calling: str) -> Finding:
    taken = accepted_classes(destination, calling)
    where = f"{destination.ae_title}@{destination.host}:{destination.port}"
    if isinstance(taken, NoAssociation):
        todo = f"at {destination.ae_title}: allow the caller {calling}; here: check ae_title, host and port"
        return fail(_name(destination), f"{where}: {taken.text}", todo)
    text = f"{where} takes {', '.join(taken) or 'nothing of ours'}"
    refused = [
        rung for rung in CLASSES if rung in destination.rungs and not any(name in taken for name, _ in CLASSES[rung])
    ]
    if not refused:
        return ok(_name(destination), text)
    instead = [rung.value for rung in CLASSES if any(name in taken for name, _ in CLASSES[rung])]
    return warn(
        _name(destination),
        f"{text}; it refuses {', '.join(refused)}, which it is to get",
        f"set its objects to {instead}, or enable the classes there",
    )


def _http(destination: Destination, path: str, what: str, accept: str) -> Finding:
    url = str(destination.url).rstrip("/")
    try:
        with http_session(destination) as session:
            answer = session.get(
                url + path, headers={"Accept": accept}, timeout=destination.timeout_s, allow_redirects=False
            )
    except Misconfigured as error:
        return fail(_name(destination), error.message, "check tls_ca, tls_certificate and tls_key")
    except requests.RequestException as error:
        return fail(_name(destination), f"{url}: {type(error).__name__}", "check url, certificates and firewall")
    if answer.status_code in (401, 403):
        return fail(_name(destination), f"{url}: HTTP {answer.status_code}", "check username, password or token")
    if answer.status_code not in (200, 204):
        return fail(
            _name(destination), f"{url}{path}: HTTP {answer.status_code}", "check url: it is the service's root"
        )
    return ok(_name(destination), f"{what} answers at {url}; what it keeps shows only after sending")


def _folder(destination: Destination) -> Finding:
    path = destination.path
    if path is not None and path.is_dir() and os.access(path, os.W_OK):
        return ok(_name(destination), f"{path} can be written")
    return fail(_name(destination), f"{path} is not a folder that this user can write", "create it, or set path")


def _name(destination: Destination) -> str:
    return f"destination {destination.name}"
