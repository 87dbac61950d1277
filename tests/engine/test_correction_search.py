"""Archives are looked into as often as they are to be, and one that is away costs nothing but a line in the log."""

import errno
import threading
from pathlib import Path

import pytest
import structlog
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from node.engine import correction_search
from node.engine.case_file import CaseFile, SourceSeries, result_folder, write_case
from node.engine.correction_search import search_archive, search_loop
from node.engine.files import write_json
from node.settings import Archive, Settings
from node.store.layout import Layout


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    archives = [
        {"name": "often", "dicomweb_url": "http://127.0.0.1:9/dicom-web", "corrections_every_s": 0.01},
        {"name": "never", "dicomweb_url": "http://127.0.0.1:9/dicom-web", "corrections_every_s": 0.0},
    ]
    made = Settings.model_validate({"data_dir": str(tmp_path / "data"), "destinations": [], "archives": archives})
    Layout(made.data_dir).create()
    source = SourceSeries("1.2.3", (("1.2.3.4", "spool/studies/1.2/1.2.3/1.2.3.4.dcm"),))
    write_case(made.data_dir, CaseFile("w1", "1.2", "default", source, (), "rules", None, "normal", None, ()))
    write_json(result_folder(made.data_dir, "w1") / "analysis.json", {})
    return made


def test_the_loop_asks_those_that_are_to_be_asked(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    stopping, asked = threading.Event(), []

    def ask(_: Settings, archive: Archive) -> tuple[str, ...]:
        asked.append(archive.name)
        stopping.set()
        return ()

    monkeypatch.setattr(correction_search, "search_archive", ask)
    loop = threading.Thread(target=search_loop, args=(settings, stopping), daemon=True)
    loop.start()
    loop.join(30)
    assert not loop.is_alive()
    assert asked == ["often"]


def test_where_nothing_is_to_be_asked_the_loop_lasts_as_long_as_its_worker(settings: Settings) -> None:
    """A worker ends when one of its loops does."""
    stopping = threading.Event()
    nothing = settings.model_copy(update={"archives": settings.archives[1:]})
    loop = threading.Thread(target=search_loop, args=(nothing, stopping), daemon=True)
    loop.start()
    loop.join(0.2)
    assert loop.is_alive()
    stopping.set()
    loop.join(30)
    assert not loop.is_alive()


def test_an_archive_that_is_away_is_named_and_raises_nothing(settings: Settings) -> None:
    with structlog.testing.capture_logs() as said:
        assert search_archive(settings, settings.archives[0]) == ()
    assert [(line["event"], line["archive"]) for line in said] == [("engine.corrections_not_sought", "often")]


def test_a_study_without_a_result_of_ours_is_not_asked_for(settings: Settings) -> None:
    with structlog.testing.capture_logs() as said:
        assert search_archive(settings, settings.archives[0], "1.2.99") == ()
    assert said == []


def test_what_cannot_be_written_leaves_nothing_in_the_spool(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.66.4"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "1.2.9.1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.Modality = "1.2", "1.2.9", "SEG"
    ds.save_as(tmp_path / "seg.dcm", enforce_file_format=True)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(correction_search.shutil, "copyfileobj", full)
        with pytest.raises(OSError, match="space"):
            correction_search._take(settings, tmp_path / "seg.dcm", "1.2", "often")
    assert list((settings.data_dir / "spool" / "incoming").iterdir()) == []
    assert correction_search._take(settings, tmp_path / "seg.dcm", "1.2", "often") == "1.2.9.1"
