"""A real Orthanc with the project's plugin and configuration, on free ports of loopback, while a block lasts."""

import json
import secrets
import shutil
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from node.errors import Misconfigured, WorldUnavailable
from node.harness.ports import free_port, listens, wait_until_free
from node.harness.process import child
from node.shipped import shipped

USER = "lungnode"
REST_TIMEOUT_S = 60.0
PROGRAM = "Orthanc"


@dataclass(frozen=True, slots=True)
class OrthancSite:
    """Where an Orthanc keeps its files, listens and lets people in. It may be started, stopped and started again."""

    folder: Path
    http_port: int = field(default_factory=free_port)
    dicom_port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(12), repr=False)
    username: str = USER
    ae_title: str = "ORTHANC"

    @property
    def url(self) -> str:
        """Root of the REST interface."""
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def dicomweb_url(self) -> str:
        """Root of DICOMweb."""
        return f"{self.url}/dicom-web"

    @property
    def authorization(self) -> str:
        """Value of the Authorization header."""
        return "Basic " + b64encode(f"{self.username}:{self.password}".encode()).decode()

    @property
    def log(self) -> Path:
        """What Orthanc and the plugin wrote."""
        return self.folder / "orthanc.log"

    def rest(self, method: str, path: str, body: bytes | None = None) -> Any:
        """Call the REST interface and return the decoded JSON.

        Raises
        ------
        WorldUnavailable
            ORTHANC-REST where it does not answer or answers with an error.
        """
        return json.loads(self._call(method, path, body) or b"null")

    def file(self, instance: str) -> bytes:
        """Return the Part 10 file of an instance, by Orthanc's own id."""
        return self._call("GET", f"/instances/{instance}/file", None)

    def answers(self) -> bool:
        """Tell whether both interfaces are up."""
        try:
            self.rest("GET", "/system")
        except WorldUnavailable:
            return False
        return listens(self.dicom_port)

    def _call(self, method: str, path: str, body: bytes | None) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - always http to an address of ours
            self.url + path, data=body, method=method, headers={"Authorization": self.authorization}
        )
        try:
            with urllib.request.urlopen(request, timeout=REST_TIMEOUT_S) as answer:  # noqa: S310
                content: bytes = answer.read()
                return content
        except (urllib.error.URLError, OSError) as error:
            raise WorldUnavailable("ORTHANC-REST", f"{method} {path} at {self.url}: {error}") from error


def node_modality(port: int, ae_title: str = "LUNGNODE") -> dict[str, Any]:
    """Return the entry of `DicomModalities` for a node on this machine, as `orthanc.json` has it."""
    entry: dict[str, Any] = dict(template()["DicomModalities"]["lungnode"])
    return {**entry, "AET": ae_title, "Host": "127.0.0.1", "Port": port}


def template() -> dict[str, Any]:
    """Return `orthanc.json`."""
    configuration: dict[str, Any] = json.loads(shipped("orthanc.json").read_text(encoding="utf-8"))
    return configuration


def configuration(
    site: OrthancSite, node_port: int, status_url: str, overrides: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Fill `orthanc.json` with a site's ports and folders.

    Parameters
    ----------
    site : where this Orthanc lives.
    node_port : the node's DICOM port.
    status_url : the node's status page; empty where there is none.
    overrides : top-level keys; a mapping is merged into the one that is there, anything else replaces it.
    """
    base = template()
    ours: dict[str, Any] = {
        "StorageDirectory": str(site.folder / "db"),
        "IndexDirectory": str(site.folder / "db"),
        "HttpPort": site.http_port,
        "DicomPort": site.dicom_port,
        "DicomAet": site.ae_title,
        "RegisteredUsers": {site.username: site.password},
        "PythonScript": str(shipped("plugins/lungnode.py")),
        "DicomModalities": {**base["DicomModalities"], "lungnode": node_modality(node_port)},
        "LungNode": {**base["LungNode"], "StatusUrl": status_url},
    }
    merged = {**base, **ours}
    merged["RegisteredUsers"] = ours["RegisteredUsers"]
    for key, value in (overrides or {}).items():
        merged[key] = {**merged[key], **value} if isinstance(value, Mapping) and key in merged else value
    return merged


@contextmanager
def running_orthanc(
    site: OrthancSite, node_port: int, *, status_url: str = "", overrides: Mapping[str, Any] | None = None
) -> Iterator[OrthancSite]:
    """Run Orthanc until the block ends, and wait until it has let go of its ports.

    Raises
    ------
    Misconfigured
        ENV-ORTHANC where it is not installed.
    WorldUnavailable
        PROC-START where it does not start.
    """
    program = find_orthanc()
    site.folder.mkdir(parents=True, exist_ok=True)
    file = site.folder / "orthanc.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(configuration(site, node_port, status_url, overrides), indent=2), encoding="utf-8")
    with child([program, file], log=site.log, ready=site.answers, environment={"TCP_NODELAY": "1"}, folder=site.folder):
        yield site
    for port in (site.http_port, site.dicom_port):
        wait_until_free(port)


def find_orthanc() -> Path:
    """Return the program.

    Raises
    ------
    Misconfigured
        ENV-ORTHANC where it or one of the plugins that `orthanc.json` loads is missing.
    """
    found = shutil.which(PROGRAM) or shutil.which(PROGRAM, path="/usr/sbin:/usr/local/sbin")
    missing = [plugin for plugin in template()["Plugins"] if not Path(plugin).exists()]
    if found is None or missing:
        what = ", ".join(missing) or "the program Orthanc"
        raise Misconfigured(
            "ENV-ORTHANC", f"{what} is missing; apt-get install orthanc orthanc-dicomweb orthanc-python"
        )
    return Path(found)
