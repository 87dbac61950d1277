"""A whole site on loopback: a PACS that sends, Orthanc with the plugin, the node, the viewer."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from node.harness.node_process import NodeSite, running_node, settings_toml
from node.harness.orthanc import OrthancSite, running_orthanc
from node.harness.viewer import find_viewer, running_viewer

SENDER = "DEMO-PACS"
STABLE_AGE_S = 1  # nothing else is sent: a longer wait would prove nothing


@dataclass(frozen=True, slots=True)
class Site:
    """Everything that runs. `viewer_url` is None where the viewer is not installed."""

    orthanc: OrthancSite
    node: NodeSite
    viewer_url: str | None


@contextmanager
def running_site(folder: Path, on_step: Callable[[str], None], lungs: str | None = None) -> Iterator[Site]:
    """Run the site until the block ends; nothing of it outlives the block.

    Parameters
    ----------
    folder : where all of it keeps its files.
    on_step : told what is being started.
    lungs : the model of the lungs; None: the node's default.
    """
    orthanc, node = OrthancSite(folder / "orthanc"), NodeSite(folder / "node")
    sender = {"AET": SENDER, "Host": "127.0.0.1", "Port": 104, "AllowStore": True, "AllowFind": False}
    overrides = {"StableAge": STABLE_AGE_S, "DicomModalities": {"sender": sender}}
    with ExitStack() as stack:
        on_step("starting Orthanc with the plugin")
        stack.enter_context(running_orthanc(orthanc, node.dicom_port, status_url=node.status_url, overrides=overrides))
        on_step("starting the node")
        settings = settings_toml(node, orthanc) + (f'\n[compute]\nlungs = "{lungs}"\n' if lungs else "")
        stack.enter_context(running_node(node, orthanc, settings))
        viewer = find_viewer()
        url = stack.enter_context(running_viewer(viewer, orthanc)) if viewer else None
        yield Site(orthanc, node, url)
