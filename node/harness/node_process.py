"""The node as its own process (`lungnode serve`), configured to work for one Orthanc on this machine."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from node.harness.orthanc import OrthancSite
from node.harness.ports import free_port, listens, wait_until_free
from node.harness.process import child

READY_WITHIN_S = 90.0


@dataclass(frozen=True, slots=True)
class NodeSite:
    """Where a node keeps its files and listens."""

    folder: Path
    dicom_port: int = field(default_factory=free_port)
    status_port: int = field(default_factory=free_port)

    @property
    def configuration(self) -> Path:
        """Its settings file."""
        return self.folder / "lungnode.toml"

    @property
    def data_dir(self) -> Path:
        """Spool, index and results."""
        return self.folder / "data"

    @property
    def log(self) -> Path:
        """What the node wrote."""
        return self.folder / "node.log"

    @property
    def status_url(self) -> str:
        """Its status page."""
        return f"http://127.0.0.1:{self.status_port}"


def settings_toml(site: NodeSite, orthanc: OrthancSite) -> str:
    """Return the settings of a node that takes from and gives to one Orthanc.

    The disk marks are low: a demonstration is small and must run on a nearly full laptop.
    """
    return f"""\
data_dir = "{site.data_dir}"

[receive]
port = {site.dicom_port}
peers = [{{ ae_title = "{orthanc.ae_title}" }}]

[watch]
port = {site.status_port}

[disk]
soft_free_gib = 0.5
hard_free_gib = 0.2

[[archives]]
name = "orthanc"
dicomweb_url = "{orthanc.dicomweb_url}"
username = "{orthanc.username}"
password = "{orthanc.password}"

[[destinations]]
name = "orthanc"
kind = "stow"
url = "{orthanc.dicomweb_url}"
username = "{orthanc.username}"
password = "{orthanc.password}"
draws_results = true
"""


@contextmanager
def running_node(site: NodeSite, orthanc: OrthancSite, settings: str | None = None) -> Iterator[NodeSite]:
    """Run `lungnode serve` until the block ends.

    Parameters
    ----------
    settings : TOML; None takes `settings_toml`.

    Raises
    ------
    WorldUnavailable
        PROC-START where it does not come up.
    """
    site.data_dir.mkdir(parents=True, exist_ok=True)
    site.configuration.touch(mode=0o600)
    site.configuration.write_text(settings or settings_toml(site, orthanc), encoding="utf-8")
    with child(
        [sys.executable, "-m", "node", "serve"],
        log=site.log,
        ready=lambda: listens(site.dicom_port),
        ready_within_s=READY_WITHIN_S,
        environment={"LUNGNODE_CONFIG": str(site.configuration)},
        folder=site.folder,
    ):
        yield site
    wait_until_free(site.dicom_port)
