"""The doctor beside a running node: it recognises our own page, and disturbs nobody's log."""

from node.settings import Settings, Watch
from node.watch.doctor.finding import Grade
from node.watch.doctor.ports import check_status_port
from node.watch.server import status_page


def test_our_own_status_page_is_recognised(tmp_path) -> None:
    settings = Settings.model_validate({"data_dir": str(tmp_path), "watch": {"port": 0}})
    with status_page(settings) as port:
        finding = check_status_port(Watch(port=port))
    assert (finding.grade, finding.check) == (Grade.OK, "status-port")
    assert "a node answers" in finding.text
