"""A real Orthanc with the plugin, a pynetdicom listener in the node's place, and a small CT series."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, SegmentationStorage, generate_uid
from pynetdicom import AE, evt
from pynetdicom.presentation import build_context

STABLE_AGE_S = 1


class Listener:
    """Stands where the node would: keeps what arrives, may be closed and opened again on its port."""

    def __init__(self) -> None:
        self.received: list[tuple[str, str]] = []
        self.arrived = threading.Condition()
        self.port = 0
        self.status = 0x0000
        self._server = None
        self.open()

    def open(self) -> None:
        ae = AE("LUNGNODE")
        ae.supported_contexts = [
            build_context(CTImageStorage),
            build_context(SegmentationStorage),
            build_context("1.2.840.10008.1.1"),
        ]
        handlers = [(evt.EVT_C_STORE, self._store)]
        self._server = ae.start_server(("127.0.0.1", self.port), block=False, evt_handlers=handlers)
        self.port = self._server.socket.getsockname()[1]

    def close(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server = None

    def _store(self, event: evt.Event) -> int:
        with self.arrived:
            self.received.append((event.dataset.SeriesInstanceUID, event.dataset.SOPInstanceUID))
            self.arrived.notify_all()
        return self.status

    def wait_for(self, n: int, series_uid: str, limit_s: float = 40.0) -> set[str]:
        """Wait until n different instances of a series are here; return those that came in time."""
        with self.arrived:
            self.arrived.wait_for(lambda: len(self.of(series_uid)) >= n, limit_s)
            return self.of(series_uid)

    def of(self, series_uid: str) -> set[str]:
        return {sop for series, sop in self.received if series == series_uid}


@pytest.fixture
def listener() -> Iterator[Listener]:
    """The listener, closed at the end."""
    here = Listener()
    try:
        yield here
    finally:
        here.close()


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Wait for a condition that has no signal of its own, with a limit."""

    def wait(condition: Callable[[], object], limit_s: float = 40.0) -> None:
        end = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > end:
                pytest.fail("the condition did not come true in time")
            time.sleep(0.1)

    return wait


@pytest.fixture
def make_series(tmp_path: Path) -> Callable[..., tuple[str, list[bytes]]]:
    """Write a series of small images; return its UID and the files' bytes."""

    def make(
        n: int = 3, *, modality: str = "CT", manufacturer: str = "SCANNERS", model: str = "X1", study_uid: str = ""
    ) -> tuple[str, list[bytes]]:
        series_uid, study = generate_uid(), study_uid or generate_uid()
        files = []
        for index in range(n):
            image = _image(index, modality, series_uid, study)
            image.Manufacturer, image.ManufacturerModelName = manufacturer, model
            path = tmp_path / f"{image.SOPInstanceUID}.dcm"
            image.save_as(path, enforce_file_format=True)
            files.append(path.read_bytes())
        return series_uid, files

    return make


def _image(index: int, modality: str, series_uid: str, study_uid: str) -> Dataset:
    image = Dataset()
    image.file_meta = FileMetaDataset()
    image.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image.SOPClassUID = CTImageStorage
    image.SOPInstanceUID = generate_uid()
    image.PatientName, image.PatientID, image.StudyID = "Test^Plugin", "PLUGIN-1", "1"
    image.StudyInstanceUID, image.SeriesInstanceUID, image.Modality = study_uid, series_uid, modality
    image.InstanceNumber = index + 1
    image.Rows = image.Columns = 16
    image.BitsAllocated, image.BitsStored, image.HighBit, image.PixelRepresentation = 16, 16, 15, 1
    image.SamplesPerPixel, image.PhotometricInterpretation = 1, "MONOCHROME2"
    image.PixelData = np.full((16, 16), index, "<i2").tobytes()
    return image
