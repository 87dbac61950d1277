"""Earlier studies of a patient in a real Orthanc: found, told from other patients', fetched whole or not at all."""

import time
from dataclasses import replace

import pytest
from pydantic import SecretStr

from node.archive.cmove import move_series
from node.archive.endpoint import DimseEndpoint, MoveTo, WebEndpoint
from node.archive.priors import Wanted, fetch_prior, find_priors
from node.archive.wado import retrieve_series
from node.errors import Misconfigured, WorldUnavailable
from node.facts.folder import read_folder
from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.phantom import Phantom
from node.phantom.thorax import make_thorax, thorax_grid
from tests.conftest import free_port

ME = ("PRIORS-1", "", "19500101", "F")
TODAY = Wanted("1.2.3", "20250102", ME, "THORAX 1.0 B40f", "B40f", 10.0, 20)


@pytest.fixture(scope="session")
def chest() -> Phantom:
    return make_thorax(thorax_grid(20, 48))


@pytest.fixture(scope="session")
def archive(start_orthanc, chest, tmp_path_factory):
    """Orthanc with two earlier studies of one patient, one of a namesake in ID, one of the future; ways to ask it."""
    port = free_port()
    known = {"mover": ["NODEMOVE", "127.0.0.1", port], "node": ["LUNGNODE", "127.0.0.1", port]}
    server = start_orthanc(DicomModalities=known, DicomAlwaysAllowMove=True)
    studies = {}

    def store(name, **options):
        header = SeriesOptions(patient_id=ME[0], study_seed=f"priors-{options.pop('study', name)}", series_seed=name)
        files = write_series(chest, tmp_path_factory.mktemp(name), replace(header, **options))
        for file in files:
            server.upload(file)
        (series,) = read_folder(files[0].parent).series
        studies[name] = series

    store("older", study_date="20230101")
    store("newer-sharp", study="newer", study_date="20240101", kernel="B70f", series_number=3)
    store("newer", study_date="20240101")
    store("namesake", study_date="20240601", birth_date="19600101")
    store("future", study_date="20260101")
    web = WebEndpoint(server.dicomweb_url, 20.0, username=server.username, password=SecretStr(server.password))
    dimse = DimseEndpoint(
        server.ae_title, "127.0.0.1", server.dicom_port, "LUNGNODE", 20.0, MoveTo("NODEMOVE", "127.0.0.1", port)
    )
    return {"web": web, "dimse": dimse}, studies


@pytest.mark.orthanc
@pytest.mark.parametrize("way", ["web", "dimse"])
def test_earlier_studies_of_the_same_patient_are_found_newest_first(way, archive):
    endpoints, studies = archive
    found = find_priors(endpoints[way], TODAY)

    uids = [one.series_uid for one in found.series]
    assert set(uids[:2]) == {studies[name].series_instance_uid for name in ("newer", "newer-sharp")}
    assert uids[2:] == [studies["older"].series_instance_uid]
    assert found.others == 1  # the namesake; the future is no prior


@pytest.mark.orthanc
def test_the_reconstruction_with_the_kernel_of_today_comes_first(archive):
    endpoints, studies = archive
    assert find_priors(endpoints["web"], TODAY).series[0].series_uid == studies["newer"].series_instance_uid
    sharp = replace(TODAY, kernel="B70f")
    assert find_priors(endpoints["web"], sharp).series[0].series_uid == studies["newer-sharp"].series_instance_uid


@pytest.mark.orthanc
@pytest.mark.parametrize("way", ["web", "dimse"])
def test_a_patient_id_with_a_wildcard_finds_nobody_else(way, archive):
    endpoints, _ = archive
    assert find_priors(endpoints[way], replace(TODAY, identity=("PRIORS-*", *ME[1:]))).series == ()


@pytest.mark.orthanc
@pytest.mark.parametrize("way", ["web", "dimse"])
def test_a_prior_is_fetched_byte_for_byte(way, archive, tmp_path):
    endpoints, studies = archive
    prior = find_priors(endpoints[way], TODAY).series[-1]
    files = fetch_prior(endpoints[way], prior, tmp_path / "prior", until_s=time.monotonic() + 60.0)

    sent = studies["older"].files
    pixels = {f.facts.sop_instance_uid: f.path.read_bytes()[-4096:] for f in sent}
    (series,) = read_folder(tmp_path / "prior").series
    assert len(files) == len(sent) == 20
    assert {f.facts.sop_instance_uid: f.path.read_bytes()[-4096:] for f in series.files} == pixels


@pytest.mark.orthanc
@pytest.mark.parametrize("way", ["web", "dimse"])
def test_a_fetch_that_takes_too_long_ends_and_leaves_nothing(way, archive, tmp_path):
    endpoints, _ = archive
    prior = find_priors(endpoints[way], TODAY).series[0]
    with pytest.raises(WorldUnavailable) as caught:
        fetch_prior(endpoints[way], prior, tmp_path / "prior", until_s=time.monotonic() - 1.0)

    assert caught.value.code == "ARCHIVE-SLOW"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.orthanc
def test_an_archive_that_does_not_know_our_title_moves_nothing(archive, tmp_path):
    endpoints, studies = archive
    stranger = replace(endpoints["dimse"], move_to=MoveTo("STRANGER", "127.0.0.1", free_port()))
    older = studies["older"]
    with pytest.raises(WorldUnavailable) as caught:
        move_series(stranger, older.study_instance_uid, older.series_instance_uid, tmp_path / "prior")

    assert caught.value.code == "ARCHIVE-ANSWER"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.orthanc
def test_a_series_that_the_archive_does_not_have_is_not_half_there(archive, tmp_path):
    endpoints, studies = archive
    with pytest.raises(WorldUnavailable) as caught:
        move_series(endpoints["dimse"], studies["older"].study_instance_uid, "1.2.3", tmp_path / "prior")

    assert caught.value.code in {"ARCHIVE-PARTIAL", "ARCHIVE-ANSWER"}
    assert list(tmp_path.iterdir()) == []


def test_without_a_title_to_move_to_a_person_must_act(tmp_path):
    endpoint = DimseEndpoint("PEER", "127.0.0.1", 1, "LUNGNODE", 1.0)
    with pytest.raises(Misconfigured) as caught:
        move_series(endpoint, "1.2", "1.2.3", tmp_path / "prior")

    assert caught.value.code == "ARCHIVE-MOVE"


def test_a_body_that_trickles_is_given_up_between_two_pieces(scripted, web, tmp_path):
    script = scripted((200, {"Content-Type": 'multipart/related; boundary="b-1"'}, b"--b-1\r\n" + bytes(64)))
    with pytest.raises(WorldUnavailable) as caught:
        retrieve_series(web(script.url), "1.2", "1.2.3", tmp_path / "out", until_s=time.monotonic() - 1.0)

    assert caught.value.code == "ARCHIVE-SLOW"
