"""Series to volume beside SimpleITK's series reader and the plain pydicom loop; compressed series beside one decoder.

Ours starts from a folder of files: headers are read, slices sorted and checked, values turned into HU and counted. The
pydicom loop does the least that gives a volume (read, sort, copy, shift). For compressed series ours starts from the
headers (files are opened, decoded, turned into HU), the peer is the fastest decoder alone, one caller, codestreams
already in memory.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import jpeg_ls
import numpy as np
import openjpeg.utils
import rle.utils
import SimpleITK as sitk  # noqa: N813
from numpy.typing import NDArray
from pydicom import dcmread

from node.bench.row import Row
from node.errors import OurMistake
from node.facts.folder import read_folder
from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.phantom import Phantom
from node.phantom.thorax import make_thorax, thorax_grid
from node.volume.digest import instance_digests
from node.volume.encapsulated import open_encapsulated
from node.volume.read import read_volume
from node.volume.volume import Volume

_SHAPE = (300, 512, 512)
_N_COMPRESSED = 96
_ROUNDS = 5  # the fastest of these counts, for every side; sides take turns, so that a busy machine is busy for all
_EXPLICIT_LITTLE, _RLE = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5"
_JPEG_LS, _JPEG_2000 = "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"


def bench_read(
    shape: tuple[int, int, int] = _SHAPE, n_compressed: int = _N_COMPRESSED, rounds: int = _ROUNDS
) -> list[Row]:
    """Time reading.

    Parameters
    ----------
    shape : (slices, rows, columns) of the uncompressed series that is made up for it.
    n_compressed : slices of each compressed series.
    rounds : how often each side reads.
    """
    folder = Path(tempfile.mkdtemp(prefix="lungnode-bench-"))
    try:
        phantom = make_thorax(thorax_grid(shape[0], shape[1]))
        rows = _uncompressed(phantom, folder / "raw", rounds)
        part = Phantom(phantom.grid, phantom.hu_zyx[:n_compressed], phantom.labels_zyx[:n_compressed])
        for name, uid, peers in _compressed_peers():
            rows.append(_compressed(part, folder / name.replace(" ", "-"), name, uid, peers, rounds))
        return rows
    finally:
        shutil.rmtree(folder)


def _uncompressed(phantom: Phantom, folder: Path, rounds: int) -> list[Row]:
    write_series(phantom, folder, SeriesOptions(transfer_syntax=_EXPLICIT_LITTLE, bits_stored=16))
    n = len(phantom.hu_zyx)
    (series,) = read_folder(folder).series
    ours, volume, itk, loop, digests = _fastest(
        [
            lambda: _ours(folder),
            lambda: read_volume(series),
            lambda: _simple_itk(folder),
            lambda: _pydicom_loop(folder),
            lambda: instance_digests(series),
        ],
        rounds,
    )
    what = f"{n} uncompressed slices to a volume in HU"
    return [
        Row(what, n / ours, "slices/s", n / itk, "SimpleITK series reader", at_least=4.0),
        Row(what, n / ours, "slices/s", n / loop, "pydicom loop", at_least=1.5),
        Row("the same, headers already read", n / volume, "slices/s", n / loop, "pydicom loop"),
        Row("digests of the same series", n / digests, "slices/s"),
    ]


def _compressed(
    phantom: Phantom,
    folder: Path,
    name: str,
    uid: str,
    peers: dict[str, Callable[[Sequence[bytes], Sequence[Path]], None]],
    rounds: int,
) -> Row:
    paths = write_series(phantom, folder, SeriesOptions(transfer_syntax=uid))
    streams = [open_encapsulated(str(path), 1).frame(0) for path in paths]
    (series,) = read_folder(folder).series
    sides: list[Callable[[], object]] = [lambda: read_volume(series)]
    sides += [partial(peer, streams, paths) for peer in peers.values()]
    ours, *theirs = _fastest(sides, rounds)
    peer_s, peer_name = min(zip(theirs, peers, strict=True))
    n = len(paths)
    return Row(
        f"{n} slices in {name} to a volume, headers already read",
        n / ours,
        "slices/s",
        n / peer_s,
        f"{peer_name}, one caller",
        at_least=1.8,
    )


def _fastest(sides: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Return each side's shortest time in seconds, after one round to warm up."""
    times: list[list[float]] = [[] for _ in sides]
    for _ in range(rounds + 1):
        for side, seconds in zip(sides, times, strict=True):
            begin = time.perf_counter()
            side()
            seconds.append(time.perf_counter() - begin)
    return [min(seconds[1:]) for seconds in times]


def _ours(folder: Path) -> Volume:
    (series,) = read_folder(folder).series
    volume = read_volume(series)
    if not isinstance(volume, Volume):
        raise OurMistake("BENCH-READ", f"the bench's own series was refused: {volume.leading.code}")
    return volume


def _simple_itk(folder: Path) -> None:
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder)))
    reader.Execute()


def _pydicom_loop(folder: Path) -> NDArray[np.int16]:
    datasets = [dcmread(path) for path in folder.iterdir()]
    datasets.sort(key=lambda ds: float(ds.ImagePositionPatient[2]))
    hu_zyx = np.empty((len(datasets), datasets[0].Rows, datasets[0].Columns), np.int16)
    for hu, ds in zip(hu_zyx, datasets, strict=True):
        stored = np.frombuffer(ds.PixelData, np.uint16).reshape(hu.shape)
        np.add(stored, np.int16(ds.RescaleIntercept), out=hu, casting="unsafe")
    return hu_zyx


Peer = Callable[[Sequence[bytes], Sequence[Path]], None]


def _compressed_peers() -> tuple[tuple[str, str, dict[str, Peer]], ...]:
    """Return transfer syntaxes and the decoders that a single caller could choose among."""

    def by_pyjpegls(streams: Sequence[bytes], _: Sequence[Path]) -> None:
        for stream in streams:
            jpeg_ls.decode_buffer(stream)

    def by_openjpeg(streams: Sequence[bytes], _: Sequence[Path]) -> None:
        for stream in streams:
            openjpeg.utils.decode(stream)

    def by_pylibjpeg_rle(streams: Sequence[bytes], paths: Sequence[Path]) -> None:
        header = dcmread(paths[0], stop_before_pixels=True)
        size = {"rows": header.Rows, "columns": header.Columns, "bits_allocated": 16, "byteorder": "<"}
        for stream in streams:
            rle.utils.decode_pixel_data(stream, version=2, **size)

    def by_simple_itk(_: Sequence[bytes], paths: Sequence[Path]) -> None:
        reader = sitk.ImageFileReader()
        reader.SetImageIO("GDCMImageIO")
        for path in paths:
            reader.SetFileName(str(path))
            reader.Execute()

    return (
        ("RLE", _RLE, {"pylibjpeg-rle": by_pylibjpeg_rle}),
        ("JPEG-LS lossless", _JPEG_LS, {"pyjpegls": by_pyjpegls, "SimpleITK": by_simple_itk}),
        ("JPEG 2000 lossless", _JPEG_2000, {"SimpleITK": by_simple_itk, "openjpeg": by_openjpeg}),
    )
