"""The plugin's count makes a case complete: a real node that knows no archive and would else wait for an hour."""

from pathlib import Path

import pytest

from node.harness.node_process import NodeSite, running_node, settings_toml
from node.harness.orthanc import OrthancSite, running_orthanc
from node.harness.readback import wait_for_results
from node.phantom.study import StudyPlan, write_study

pytestmark = pytest.mark.orthanc


def test_with_the_count_nothing_is_waited_for(tmp_path: Path):
    write_study(tmp_path / "study", StudyPlan(n_slices=40, size=64))
    orthanc, node = OrthancSite(tmp_path / "orthanc"), NodeSite(tmp_path / "node")
    patient = "[completeness]\nquiet_s = 3600.0\nmaximum_wait_s = 7200.0\n\n[[archives]]"
    told = settings_toml(node, orthanc).replace("[[archives]]", patient, 1)
    before, _, after = told.partition("[[archives]]")
    settings = before + after[after.index("[[destinations]]") :]
    with (
        running_orthanc(orthanc, node.dicom_port, status_url=node.status_url, overrides={"StableAge": 1}),
        running_node(node, orthanc, settings),
    ):
        for file in (tmp_path / "study" / "CT").iterdir():
            orthanc.rest("POST", "/instances", file.read_bytes())
        study = orthanc.rest("GET", "/studies?expand")[0]["MainDicomTags"]["StudyInstanceUID"]
        found = wait_for_results(orthanc, study, limit_s=120, on_wait=lambda: None)
    assert found.complete, node.log.read_text()[-2000:]
