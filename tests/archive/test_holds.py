"""What the commitment SCP may promise: only what an archive says it holds."""

from pathlib import Path

import pytest
from pydicom import dcmread

from node.archive.holds import held_by_archives
from node.phantom.study import StudyPlan, write_study
from node.settings import Archive, Settings
from node.store.layout import Layout

NOBODY = "http://127.0.0.1:9/dicom-web"


@pytest.fixture
def spooled(tmp_path: Path) -> tuple[Path, list[str]]:
    """Two instances in a spool."""
    write_study(tmp_path / "study", StudyPlan(n_slices=2, size=32, seed=77))
    uids = []
    for file in sorted((tmp_path / "study" / "CT").glob("*.dcm")):
        header = dcmread(file, stop_before_pixels=True)
        uids.append(str(header.SOPInstanceUID))
        place = Layout(tmp_path / "data").studies / header.StudyInstanceUID / header.SeriesInstanceUID
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{header.SOPInstanceUID}.dcm").write_bytes(file.read_bytes())
    return tmp_path / "data", uids


@pytest.mark.orthanc
def test_only_what_the_archive_holds_and_the_spool_knows_is_promised(orthanc, spooled) -> None:
    data_dir, uids = spooled
    archive = Archive(dicomweb_url=orthanc.dicomweb_url, username=orthanc.username, password=orthanc.password)
    settings = Settings(data_dir=data_dir, archives=(archive,))
    assert held_by_archives(settings, [*uids, "1.2.3", "../.."]) == frozenset()
    orthanc.upload(next(Layout(data_dir).studies.glob(f"*/*/{uids[0]}.dcm")))
    assert held_by_archives(settings, [*uids, "1.2.3", "../.."]) == {uids[0]}


def test_an_archive_that_cannot_be_asked_promises_nothing(spooled) -> None:
    data_dir, uids = spooled
    settings = Settings(data_dir=data_dir, archives=(Archive(dicomweb_url=NOBODY),))
    assert held_by_archives(settings, uids) == frozenset()


def test_an_archive_that_knows_no_such_address_promises_nothing(spooled, scripted) -> None:
    data_dir, uids = spooled
    settings = Settings(data_dir=data_dir, archives=(Archive(dicomweb_url=scripted((404, {}, b"")).url),))
    assert held_by_archives(settings, uids) == frozenset()
