"""Real Orthanc: all three ways in, asked back, and a second time without a second copy."""

import pytest

from node.deliver.confirm import confirm, holds_study
from node.deliver.receipt import State
from node.deliver.send import deliver
from node.errors import Misconfigured, WorldUnavailable
from node.settings import Destination

pytestmark = pytest.mark.orthanc


def ways(server) -> dict[str, dict[str, object]]:
    login = {"username": server.username, "password": server.password}
    return {
        "stow": {"url": server.dicomweb_url} | login,
        "orthanc": {"url": server.http_url} | login,
        "cstore": {"ae_title": server.ae_title, "host": "127.0.0.1", "port": server.dicom_port} | login,
    }


@pytest.mark.parametrize("kind", ["stow", "orthanc", "cstore"])
def test_objects_arrive_once_however_often_they_are_sent(orthanc, objects, kind: str) -> None:
    there = Destination.model_validate({"name": "orthanc", "kind": kind} | ways(orthanc)[kind])
    for _ in range(2):
        assert [r.state for r in deliver(objects, there, calling="NODE")] == [State.STORED] * 2
    for o in objects:
        assert len(orthanc.rest("POST", "/tools/lookup", o.sop_instance_uid.encode())) == 1


@pytest.mark.parametrize("kind", ["stow", "orthanc", "cstore"])
def test_only_what_is_there_is_found(orthanc, objects, kind: str) -> None:
    there = Destination.model_validate({"name": "orthanc", "kind": kind} | ways(orthanc)[kind])
    deliver(objects[:1], there, calling="NODE")
    assert confirm(objects, there, calling="NODE") == frozenset((objects[0].sop_instance_uid,))


@pytest.mark.parametrize("kind", ["stow", "orthanc", "cstore"])
def test_a_study_is_there_until_it_is_deleted(orthanc, objects, kind: str) -> None:
    there = Destination.model_validate({"name": "orthanc", "kind": kind} | ways(orthanc)[kind])
    study = objects[0].study_instance_uid
    assert not holds_study(study, there, calling="NODE")
    orthanc.upload(objects[0].path)
    assert holds_study(study, there, calling="NODE")
    (found,) = orthanc.rest("POST", "/tools/lookup", study.encode())
    orthanc.rest("DELETE", f"/studies/{found['ID']}")
    assert not holds_study(study, there, calling="NODE")


@pytest.mark.parametrize("kind", ["stow", "orthanc", "cstore"])
def test_whether_a_study_is_there_is_unknown_where_nobody_answers(orthanc, kind: str, closed_port: int) -> None:
    nobody = {"url": f"http://127.0.0.1:{closed_port}", "port": closed_port}
    there = Destination.model_validate({"name": "orthanc", "kind": kind} | ways(orthanc)[kind] | nobody)
    with pytest.raises(WorldUnavailable) as away:
        holds_study("1.2.3", there, calling="NODE")
    assert away.value.code == "ARCHIVE-DOWN"


@pytest.mark.parametrize("kind", ["stow", "orthanc"])
def test_refused_credentials_are_told_apart_from_an_archive_that_does_not_answer(orthanc, objects, kind: str) -> None:
    wrong = ways(orthanc)[kind] | {"password": "wrong"}
    there = Destination.model_validate({"name": "orthanc", "kind": kind} | wrong)
    with pytest.raises(Misconfigured) as refused:
        confirm(objects, there, calling="NODE")
    assert refused.value.code == "DLV-AUTH"
    nowhere = Destination.model_validate({"name": "orthanc", "kind": kind} | wrong | {"url": "http://127.0.0.1:9"})
    assert confirm(objects, nowhere, calling="NODE") is None


@pytest.mark.parametrize("kind", ["stow", "orthanc", "cstore"])
def test_a_segmentation_goes_deflated_where_the_destination_takes_it(orthanc, objects, kind: str) -> None:
    there = Destination.model_validate({"name": "o", "kind": kind, "deflated_seg": True} | ways(orthanc)[kind])
    assert [r.state for r in deliver(objects, there, calling="NODE")] == [State.STORED] * 2
    assert [syntax_in(orthanc, o) for o in objects] == ["1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.1"]
    assert [p.name for p in objects[0].path.parent.iterdir() if p.name.startswith(".")] == []


def syntax_in(server, sent) -> str:
    (found,) = server.rest("POST", "/tools/lookup", sent.sop_instance_uid.encode())
    return server.rest("GET", f"/instances/{found['ID']}/metadata?expand")["TransferSyntax"]
