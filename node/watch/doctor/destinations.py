"""Does each destination answer, and what does it take?"""

import os

import requests

from node.deliver.association import NoAssociation, open_association
from node.deliver.session import http_session
from node.errors import LungnodeError, Misconfigured
from node.settings import Destination, Objects, Rung
from node.watch.doctor.finding import Finding, fail, ok, warn

EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
IMPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2"  # what goes to a peer that takes nothing else
# every class that the node can make
CLASSES = {
    "SEG": "1.2.840.10008.5.1.4.1.1.66.4",
    "Label Map SEG": "1.2.840.10008.5.1.4.1.1.66.7",
    "Comprehensive 3D SR": "1.2.840.10008.5.1.4.1.1.88.34",
    "Comprehensive SR": "1.2.840.10008.5.1.4.1.1.88.33",
    "Basic Text SR": "1.2.840.10008.5.1.4.1.1.88.11",
    "RTSTRUCT": "1.2.840.10008.5.1.4.1.1.481.3",
    "Secondary Capture": "1.2.840.10008.5.1.4.1.1.7",
    "Key Object Selection": "1.2.840.10008.5.1.4.1.1.88.59",
    "Encapsulated PDF": "1.2.840.10008.5.1.4.1.1.104.1",
}
ASK_WITHIN_S = 15.0
_AS_PRESET = Objects()


def check_destination(destination: Destination, calling: str, objects: Objects = _AS_PRESET) -> Finding:
    """Ask one destination.

    Parameters
    ----------
    objects : how results are written, on which their classes depend.
    """
    impatient = destination.model_copy(update={"timeout_s": min(ASK_WITHIN_S, destination.timeout_s)})
    try:
        match destination.kind:
            case "cstore":
                return _association(impatient, calling, classes_made(objects))
            case "stow":
                return _http(impatient, "/studies?limit=1", "DICOMweb", "application/dicom+json")
            case "orthanc":
                return _http(impatient, "/system", "Orthanc's REST", "application/json")
            case "folder":
                return _folder(impatient)
    except LungnodeError as error:
        return fail(_name(destination), error.message, f"see the section of destination {destination.name!r}")


def classes_made(objects: Objects) -> dict[Rung, str]:
    """Return the class in which each kind of object goes out."""
    report = "Comprehensive SR" if objects.sr_class == "comprehensive" else "Comprehensive 3D SR"
    return {
        Rung.SEG: "Label Map SEG" if objects.seg_type == "labelmap" else "SEG",
        Rung.SR: report,
        Rung.OUTLINES: report,
        Rung.NOTICE: "Basic Text SR",
        Rung.RTSTRUCT: "RTSTRUCT",
        Rung.KEY_SLICES: "Secondary Capture",
        Rung.SUMMARY: "Secondary Capture",
        Rung.NOTICE_PICTURE: "Secondary Capture",
        Rung.KEY_OBJECTS: "Key Object Selection",
        Rung.PDF: "Encapsulated PDF",
    }


def accepted_classes(destination: Destination, calling: str) -> tuple[str, ...] | NoAssociation:
    """Propose every class that the node can make; return the names of those that are taken."""
    syntaxes = (EXPLICIT_LITTLE_ENDIAN, IMPLICIT_LITTLE_ENDIAN)
    proposed = [(uid, syntax) for uid in CLASSES.values() for syntax in syntaxes]
    with open_association(destination, proposed, calling=calling) as opened:
        if isinstance(opened, NoAssociation):
            return opened
        taken = {str(context.abstract_syntax) for context in opened.accepted_contexts}
        return tuple(name for name, uid in CLASSES.items() if uid in taken)


def _association(destination: Destination, calling: str, made: dict[Rung, str]) -> Finding:
    taken = accepted_classes(destination, calling)
    where = f"{destination.ae_title}@{destination.host}:{destination.port}"
    if isinstance(taken, NoAssociation):
        todo = f"at {destination.ae_title}: allow the caller {calling}; here: check ae_title, host and port"
        if taken.contexts_refused:
            wanted = dict.fromkeys(made[rung] for rung in made if rung in destination.rungs)
            todo = f"at {destination.ae_title}: enable at least one of {', '.join(wanted)}"
        return fail(_name(destination), f"{where}: {taken.text}", todo)
    text = f"{where} takes {', '.join(taken)}"
    refused = [rung for rung in made if rung in destination.rungs and made[rung] not in taken]
    if not refused:
        return ok(_name(destination), text)
    instead = [rung.value for rung in made if made[rung] in taken]
    todo = f"set its objects to {instead}, or enable the classes there"
    if Rung.SR in refused and "Comprehensive SR" in taken:
        todo = f'set objects.sr_class = "comprehensive", or {todo}'
    return warn(
        _name(destination),
        f"{text}; it refuses {', '.join(f'{rung} ({made[rung]})' for rung in refused)}, which it is to get",
        todo,
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
