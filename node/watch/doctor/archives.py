"""Do the archives that are asked for counts and identity answer?"""

import requests

from node.archive.endpoint import DimseEndpoint, web_endpoint
from node.archive.web_session import web_session
from node.errors import Misconfigured
from node.settings import Archive, Destination
from node.watch.doctor.destinations import ASK_WITHIN_S
from node.watch.doctor.finding import Finding, fail, ok, warn
from node.watch.doctor.ports import echo
from node.watch.doctor.searching import why_no_search


def check_archive(archive: Archive, calling: str) -> tuple[Finding, ...]:
    """Ask by QIDO-RS, and by C-ECHO and C-FIND, whichever is configured."""
    findings = []
    if archive.dicomweb_url is not None:
        findings.append(_qido(archive, archive.dicomweb_url))
    if archive.dimse_ae_title and archive.dimse_host and archive.dimse_port:
        findings.append(_dimse(archive, archive.dimse_ae_title, archive.dimse_host, archive.dimse_port, calling))
    if not findings:
        findings.append(
            warn(
                f"archive {archive.name}",
                "has no way to be asked",
                "set dicomweb_url, or dimse_ae_title, dimse_host and dimse_port",
            )
        )
    return tuple(findings)


def _qido(archive: Archive, url: str) -> Finding:
    check = f"archive {archive.name}"
    try:
        answer = get(archive, f"{url.rstrip('/')}/studies?limit=1")
    except Misconfigured as error:
        return fail(check, error.message, "check tls_ca, tls_certificate and tls_key")
    except requests.RequestException as error:
        return fail(check, f"{url}: {type(error).__name__}", "check dicomweb_url, tls_ca and firewall")
    if answer.status_code in (401, 403):
        return fail(check, f"{url}: HTTP {answer.status_code}", "check username, password or token")
    if answer.status_code not in (200, 204):
        return fail(check, f"{url}/studies: HTTP {answer.status_code}", "check dicomweb_url: it is DICOMweb's root")
    return ok(check, f"QIDO-RS answers at {url}")


def get(site: Archive | Destination, url: str) -> requests.Response:
    """Send one GET with the login of an archive or destination."""
    endpoint = web_endpoint(site, url)
    headers = {"Accept": "application/dicom+json"}
    with web_session(endpoint) as session:
        return session.get(url, headers=headers, timeout=endpoint.timeouts_s, allow_redirects=False)


def _dimse(archive: Archive, called: str, host: str, port: int, calling: str) -> Finding:
    check, where = f"archive {archive.name}", f"{called}@{host}:{port}"
    answer = echo(host, port, called, calling)
    if answer != "":
        todo = f"allow the caller {calling} there; check host and port"
        return fail(check, f"{where} does not answer C-ECHO: {answer}", todo)
    why_not = why_no_search(DimseEndpoint(called, host, port, calling, min(ASK_WITHIN_S, archive.timeout_s)))
    if why_not:
        todo = f"let {calling} search there (C-FIND, study root)"
        return fail(check, f"{where} answers C-ECHO, but cannot be searched: {why_not}", todo)
    return ok(check, f"{where} answers C-ECHO and C-FIND")
