"""Where the archive is an Orthanc: does it know us as we listen, and does its plugin work?"""

from typing import Any

import requests

from node.errors import Misconfigured
from node.settings import Archive, Receive
from node.watch.doctor.archives import get
from node.watch.doctor.finding import Finding, ok, warn

DICOMWEB_SUFFIX = "/dicom-web"


def check_orthanc(archive: Archive, receive: Receive) -> tuple[Finding, ...]:
    """Look behind DICOMweb's root for Orthanc's own interface; nothing where it is no Orthanc or does not answer."""
    root = (archive.dicomweb_url or "").rstrip("/")
    if not root.endswith(DICOMWEB_SUFFIX):
        return ()
    base = root.removesuffix(DICOMWEB_SUFFIX)
    system = _ask(archive, f"{base}/system")
    if not isinstance(system, dict) or "Version" not in system:
        return ()
    about = ok(f"orthanc {archive.name}", f"Orthanc {system['Version']} at {base}, AE title {system.get('DicomAet')}")
    modalities = _ask(archive, f"{base}/modalities?expand")
    status = _ask(archive, f"{base}/lungnode/status")
    return (
        about,
        judge_modalities(archive.name, modalities if isinstance(modalities, dict) else {}, receive),
        judge_caller(archive.name, str(system.get("DicomAet")), receive),
        judge_plugin(archive.name, status if isinstance(status, dict) else None),
    )


def judge_modalities(name: str, modalities: dict[str, Any], receive: Receive) -> Finding:
    """Tell whether `DicomModalities` has an entry that leads to our port."""
    check = f"orthanc {name}: modality"
    titles = {receive.ae_title, *receive.also_called}
    ours = [m for m in modalities.values() if m.get("AET") in titles]
    if any(m.get("Port") == receive.port for m in ours):
        return ok(check, f"{receive.ae_title} is known there with port {receive.port}")
    entry = f'"lungnode": ["{receive.ae_title}", "<this machine>", {receive.port}]'
    if ours:
        ports = ", ".join(str(m.get("Port")) for m in ours)
        return warn(check, f"{receive.ae_title} is known there with port {ports}", f"in DicomModalities: {entry}")
    return warn(check, f"{receive.ae_title} is not known there", f"add to DicomModalities: {entry}")


def judge_caller(name: str, ae_title: str, receive: Receive) -> Finding:
    """Tell whether we let Orthanc in."""
    check = f"orthanc {name}: caller"
    if any(peer.ae_title == ae_title for peer in receive.peers):
        return ok(check, f"{ae_title} may send to us")
    return warn(check, f"{ae_title} may not send to us", f'add {{ ae_title = "{ae_title}" }} to receive.peers')


def judge_plugin(name: str, status: dict[str, Any] | None) -> Finding:
    """Read the plugin's status."""
    check = f"orthanc {name}: plugin"
    if status is None:
        return warn(check, "not loaded", "only needed for automatic sending: see PythonScript in orthanc.json")
    if status.get("failed"):
        todo = "see GET /lungnode/status there; POST /lungnode/analyse/<series> sends one again"
        return warn(check, f"gave up on {len(status['failed'])} series", todo)
    waiting = status.get("waiting") or []
    trouble = sorted({str(entry.get("error")) for entry in waiting if entry.get("error")})
    if trouble:
        return warn(check, f"{len(waiting)} series wait: {'; '.join(trouble)}", "start the node; it is tried again")
    return ok(check, f"loaded, {len(waiting)} series on the way, {status.get('sent')} sent since it started")


def _ask(archive: Archive, url: str) -> object:
    try:
        answer = get(archive, url)
        return answer.json() if answer.status_code == requests.codes.ok else None
    except (requests.RequestException, ValueError, Misconfigured):
        return None
