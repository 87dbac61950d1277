"""The sender against a scripted peer, DCMTK's storescp and our own receiver's neighbours."""

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage, RLELossless, generate_uid
from pynetdicom import AE, evt

from node.errors import WorldUnavailable
from node.harness.send import send

Peer = Callable[..., int]


def instance(folder: Path, name: str, sop_class: str = CTImageStorage, *, rle: bool = False) -> Path:
    """Write a small instance."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, generate_uid()
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.3", "1.2.3.4"
    ds.Rows = ds.Columns = 16
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 12, 11, 0
    ds.PixelData = np.zeros((16, 16), np.uint16).tobytes()
    if rle:
        ds.compress(RLELossless, generate_instance_uid=False)
    path = folder / name
    ds.save_as(path, enforce_file_format=True)
    return path


@pytest.fixture
def peer() -> Iterator[Peer]:
    """Start a pynetdicom receiver that answers as told, and return its port."""
    with ExitStack() as stack:

        def start(
            answer: Callable[[evt.Event], int], classes: tuple[str, ...] = (CTImageStorage, MRImageStorage)
        ) -> int:
            ae = AE(ae_title="PEER")
            for one in classes:
                ae.add_supported_context(one, [ExplicitVRLittleEndian, RLELossless])
            server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=[(evt.EVT_C_STORE, answer)])
            stack.callback(server.shutdown)
            return int(server.server_address[1])

        yield start


def test_every_file_is_sent_and_its_answer_returned_in_order(peer: Peer, tmp_path: Path) -> None:
    paths = [instance(tmp_path, f"{i}.dcm") for i in range(6)]
    refused = []

    def answer(event: evt.Event) -> int:
        refused.append(event.request.AffectedSOPInstanceUID)
        return 0xA700 if len(refused) == 3 else 0x0000

    report = send(paths, "PEER", "127.0.0.1", peer(answer), "TESTER")
    assert [one.path for one in report.files] == paths
    assert [one.status for one in report.files] == [0, 0, 0xA700, 0, 0, 0]
    assert [one.path for one in report.failed] == [paths[2]]


def test_the_bytes_of_the_file_arrive_unchanged_in_their_own_syntax(peer: Peer, tmp_path: Path) -> None:
    plain, compressed = instance(tmp_path, "a.dcm"), instance(tmp_path, "b.dcm", rle=True)
    got: list[tuple[str, bytes]] = []

    def answer(event: evt.Event) -> int:
        got.append((event.context.transfer_syntax, event.request.DataSet.getvalue()))
        return 0x0000

    send([plain, compressed], "PEER", "127.0.0.1", peer(answer), "TESTER")
    assert [syntax for syntax, _ in got] == [ExplicitVRLittleEndian, RLELossless]
    assert plain.read_bytes().endswith(got[0][1])
    assert compressed.read_bytes().endswith(got[1][1])


def test_several_associations_share_the_files(peer: Peer, tmp_path: Path) -> None:
    paths = [instance(tmp_path, f"{i}.dcm") for i in range(9)]
    associations = set()
    done = []

    def answer(event: evt.Event) -> int:
        associations.add(event.assoc.ident)
        return 0x0000

    report = send(
        paths, "PEER", "127.0.0.1", peer(answer), "TESTER", associations=3, on_progress=lambda: done.append(1)
    )
    assert (len(associations), report.failed, len(done)) == (3, (), 9)


def test_a_folder_is_searched_and_what_is_no_dicom_file_is_named(peer: Peer, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    instance(tmp_path / "deep", "a.dcm")
    (tmp_path / "notes.txt").write_text("not DICOM")
    report = send([tmp_path], "PEER", "127.0.0.1", peer(lambda _: 0x0000), "TESTER")
    assert [(one.path.name, one.status) for one in report.files] == [("a.dcm", 0), ("notes.txt", None)]
    assert report.summary().startswith("1 of 2 files stored")


def test_a_class_that_the_peer_does_not_take_fails_alone(peer: Peer, tmp_path: Path) -> None:
    ct, mr = instance(tmp_path, "a.dcm"), instance(tmp_path, "b.dcm", MRImageStorage)
    report = send([ct, mr], "PEER", "127.0.0.1", peer(lambda _: 0x0000, (CTImageStorage,)), "TESTER")
    assert [one.status for one in report.files] == [0, None]


def test_where_no_class_is_taken_every_file_says_so(peer: Peer, tmp_path: Path) -> None:
    report = send(
        [instance(tmp_path, "a.dcm")], "PEER", "127.0.0.1", peer(lambda _: 0x0000, (MRImageStorage,)), "TESTER"
    )
    assert report.files[0].text == "no presentation context was accepted"


def test_a_peer_that_hangs_up_is_not_taken_for_a_success(peer: Peer, tmp_path: Path) -> None:
    def answer(event: evt.Event) -> int:
        event.assoc.abort(block=False)
        return 0x0000

    report = send([instance(tmp_path, f"{i}.dcm") for i in range(3)], "PEER", "127.0.0.1", peer(answer), "TESTER")
    assert [one.status for one in report.files] == [None, None, None]


def test_a_lost_connection_ends_the_sending_at_once(peer: Peer, tmp_path: Path) -> None:
    def answer(event: evt.Event) -> int:
        event.assoc.dul.socket.socket.shutdown(socket.SHUT_RDWR)
        return 0x0000

    began = time.monotonic()
    report = send([instance(tmp_path, f"{i}.dcm") for i in range(5)], "PEER", "127.0.0.1", peer(answer), "TESTER")
    assert len(report.failed) == 5
    assert time.monotonic() - began < 15, "the DIMSE timeout is 30 s"


def test_nobody_there_is_a_world_that_is_unavailable(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(WorldUnavailable) as caught:
            send([instance(tmp_path, "a.dcm")], "PEER", "127.0.0.1", unused.getsockname()[1], "TESTER")
    assert caught.value.code == "NET-ASSOCIATE"


def test_dcmtks_storescp_as_installed_is_not_kept_waiting_by_delayed_acknowledgements(tmp_path: Path) -> None:
    paths = [instance(tmp_path, f"{i}.dcm") for i in range(20)]
    received = tmp_path / "received"
    received.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    peer = subprocess.Popen(["/usr/bin/storescp", "-od", str(received), str(port)])
    try:
        _wait_until_it_listens(port)
        began = time.monotonic()
        report = send(paths, "ANY", "127.0.0.1", port, "TESTER")
        took_s = time.monotonic() - began
    finally:
        peer.terminate()
        peer.wait(10)
    assert (report.failed, len(list(received.iterdir()))) == ((), 20)
    assert took_s < 20 * 0.05, "about 40 ms are lost for each instance without the quick acknowledgement"


def _wait_until_it_listens(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.02)  # a bounded poll: storescp has no signal of its own
        else:
            return
    raise TimeoutError(port)


def test_a_host_without_an_address_is_named(tmp_path: Path) -> None:
    with pytest.raises(WorldUnavailable, match=r"'nohost\.invalid' of PEER has no address") as caught:
        send([instance(tmp_path, "a.dcm")], "PEER", "nohost.invalid", 104, "TESTER")
    assert caught.value.code == "NET-ASSOCIATE"
