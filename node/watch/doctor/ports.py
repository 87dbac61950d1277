"""Can the node listen where the settings say, or does it already?"""

import errno
import socket

import requests

from node.deliver.association import NoAssociation, open_association
from node.settings import Destination, Receive, Watch
from node.watch.doctor.finding import Finding, fail, ok, warn

VERIFICATION = ("1.2.840.10008.1.1", "1.2.840.10008.1.2")
ECHO_WITHIN_S = 5.0


def check_receiver(receive: Receive, calling: str) -> Finding:
    """Tell whether the DICOM port is free, or whether our own receiver answers on it."""
    where = f"{receive.ae_title} on {receive.host}:{receive.port}"
    problem = why_not_bindable(receive.host, receive.port)
    if problem is None:
        return ok("dicom-port", f"{where} is free for the receiver")
    if problem != errno.EADDRINUSE:
        return _not_bindable("dicom-port", where, problem, "receive")
    answer = echo(receive.host, receive.port, receive.ae_title, calling)
    if answer == "":
        return ok("dicom-port", f"a DICOM listener answers as {where}")
    if answer == "rejected":
        return ok("dicom-port", f"a DICOM listener runs at {where}; it knows no caller {calling}, which is well")
    return fail(
        "dicom-port",
        f"{where} is taken by a program that does not answer as DICOM",
        f"find it with `ss -ltnp sport = :{receive.port}`, or set receive.port",
    )


def check_status_port(watch: Watch) -> Finding:
    """Tell whether the status page's port is free or answers."""
    where = f"{watch.host}:{watch.port}"
    problem = why_not_bindable(watch.host, watch.port)
    if problem is None:
        return ok("status-port", f"{where} is free for the status page")
    if problem == errno.EADDRINUSE and _is_our_page(watch):
        return ok("status-port", f"a node answers on {where}")
    if problem == errno.EADDRINUSE:
        return warn(
            "status-port",
            f"{where} is in use",
            f"well if the node runs; else find the program with `ss -ltnp sport = :{watch.port}`, or set watch.port",
        )
    return _not_bindable("status-port", where, problem, "watch")


def _is_our_page(watch: Watch) -> bool:
    """Whether what listens there speaks of its health as this program does."""
    host = "127.0.0.1" if watch.host in ("0.0.0.0", "::", "") else watch.host  # noqa: S104 - compared, not bound
    try:
        with requests.Session() as session:
            session.trust_env = False  # a proxy would answer for the port
            answer = session.get(f"http://{host}:{watch.port}/healthz", timeout=ECHO_WITHIN_S, allow_redirects=False)
            said = answer.json()
    except (requests.RequestException, ValueError):
        return False
    return isinstance(said, dict) and {"status", "trouble", "paused"} <= said.keys()


def why_not_bindable(host: str, port: int) -> int | None:
    """Return the error number of binding there, None where it works."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            return error.errno or errno.EINVAL
    return None


def echo(host: str, port: int, called: str, calling: str) -> str:
    """Ask for verification; return an empty text or why it failed ("rejected", "connect", ...)."""
    reachable = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared, not bound
    peer = Destination(name="echo", kind="cstore", ae_title=called, host=reachable, port=port, timeout_s=ECHO_WITHIN_S)
    with open_association(peer, [VERIFICATION], calling=calling) as opened:
        return opened.status if isinstance(opened, NoAssociation) else ""


def _not_bindable(check: str, where: str, problem: int, section: str) -> Finding:
    todo = {
        errno.EACCES: f"ports under 1024 need a privilege: set {section}.port higher, or AmbientCapabilities",
        errno.EADDRNOTAVAIL: f"{section}.host is not an address of this machine: see `ip address`",
    }.get(problem, f"check {section}.host and {section}.port")
    return fail(check, f"cannot listen on {where}: {errno.errorcode.get(problem, problem)}", todo)
