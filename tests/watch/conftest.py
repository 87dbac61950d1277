"""A status page over a data folder with cases in every state, without a worker."""

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from node.engine.case_file import CaseFile, SourceSeries, result_folder, write_case
from node.settings import Settings
from node.store.heartbeat import Heartbeat, heartbeat_file
from node.watch.server import status_page


@dataclass
class Page:
    """A running status page."""

    url: str
    settings: Settings

    def get(self, path: str) -> tuple[int, str]:
        return self._call(urllib.request.Request(self.url + path))

    def post(self, path: str, body: bytes = b"", content_type: str = "application/json") -> tuple[int, str]:
        headers = {"Content-Type": content_type}
        return self._call(urllib.request.Request(self.url + path, data=body, headers=headers, method="POST"))

    def json(self, path: str) -> dict:
        return json.loads(self.get(path)[1])

    def _call(self, request: urllib.request.Request) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def add_case(self, workflow_id: str, why: str = "route 'default' applies") -> Path:
        """Put a case on disk."""
        series = SourceSeries("1.2.3", (("1.2.3.4", "spool/studies/1.2/1.2.3/1.2.3.4.dcm"),))
        case = CaseFile(workflow_id, "1.2", "default", series, (), "lungs-rule", None, "normal", None, (why,))
        write_case(self.settings.data_dir, case)
        return result_folder(self.settings.data_dir, workflow_id)


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    settings = Settings.model_validate(
        {
            "data_dir": str(tmp_path),
            "watch": {"port": 0},
            "disk": {"soft_free_gib": 0, "hard_free_gib": 0},
            "destinations": [
                {"name": "pacs", "kind": "folder", "path": str(tmp_path.with_name(f"{tmp_path.name}-pacs"))}
            ],
        }
    )
    with status_page(settings) as port:
        Heartbeat(heartbeat_file(tmp_path, 0, tls=False)).beat()
        yield Page(f"http://127.0.0.1:{port}", settings)
