"""The same slices in every transfer syntax that can be written here give the same volume; so do the helpers."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.encaps import encapsulate

from node.errors import Code, InputRefused, Refusal
from node.facts.folder import read_folder
from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.enhanced import write_enhanced
from node.phantom.phantom import Phantom
from node.volume import transfer_syntax as syntax
from node.volume.decoders import decoder_for
from node.volume.encapsulated import open_encapsulated
from node.volume.read import read_volume
from node.volume.volume import Volume

from .conftest import WriteSeries, facts_of_folder, reason_of

WRITTEN = {
    "explicit-little": "1.2.840.10008.1.2.1",
    "implicit-little": "1.2.840.10008.1.2",
    "explicit-big": "1.2.840.10008.1.2.2",
    "deflated": "1.2.840.10008.1.2.1.99",
    "rle": "1.2.840.10008.1.2.5",
    "jpeg-ls": "1.2.840.10008.1.2.4.80",
    "jpeg-2000": "1.2.840.10008.1.2.4.90",
}
DCMCJPEG = "/usr/bin/dcmcjpeg"
DCMDJPEG_LOSSLESS = {"jpeg-lossless-sv1": "+e1", "jpeg-lossless": "+el"}


@pytest.mark.parametrize("threads", [1, 2], ids=["one-core", "two-cores"])
@pytest.mark.parametrize("name", WRITTEN)
def test_every_transfer_syntax_gives_the_same_volume(name: str, threads: int, small: Phantom, write) -> None:
    volume = read_volume(write(small, transfer_syntax=WRITTEN[name]), threads=threads)

    assert isinstance(volume, Volume)
    np.testing.assert_array_equal(volume.hu_zyx, small.hu_zyx)


@pytest.mark.parametrize("threads", [1, 2], ids=["one-core", "two-cores"])
@pytest.mark.parametrize("name", WRITTEN)
def test_every_transfer_syntax_of_an_enhanced_object_gives_the_same_volume(
    name: str, threads: int, small: Phantom, tmp_path: Path
) -> None:
    write_enhanced(small, tmp_path / "e.dcm", SeriesOptions(transfer_syntax=WRITTEN[name]))

    volume = read_volume(facts_of_folder(tmp_path), threads=threads)

    assert isinstance(volume, Volume)
    np.testing.assert_array_equal(volume.hu_zyx, small.hu_zyx)


@pytest.mark.parametrize("name", ["explicit-little", "implicit-little"])
def test_a_file_without_meta_group_is_read(name: str, small: Phantom, write: WriteSeries) -> None:
    series = write(small, transfer_syntax=WRITTEN[name])
    for file in series.files:
        data = file.path.read_bytes()
        meta_length = int.from_bytes(data[140:144], "little")
        file.path.write_bytes(data[144 + meta_length :])

    volume = read_volume(facts_of_folder(series.files[0].path.parent))

    assert isinstance(volume, Volume)
    np.testing.assert_array_equal(volume.hu_zyx, small.hu_zyx)


def test_compressed_pixels_in_a_file_without_meta_group_are_refused(small: Phantom, write: WriteSeries) -> None:
    series = write(small, transfer_syntax=WRITTEN["jpeg-ls"])
    for file in series.files:
        data = file.path.read_bytes()
        file.path.write_bytes(data[144 + int.from_bytes(data[140:144], "little") :])

    result = read_volume(facts_of_folder(series.files[0].path.parent))

    assert isinstance(result, Refusal)
    assert result.leading.code is Code.PIX_TRUNC


@pytest.mark.parametrize("name", DCMDJPEG_LOSSLESS)
def test_jpeg_lossless_made_by_somebody_else_gives_the_same_volume(name: str, small: Phantom, tmp_path: Path) -> None:
    for path in write_series(small, tmp_path / "raw", SeriesOptions()):
        out = tmp_path / "jpeg" / path.name
        out.parent.mkdir(exist_ok=True)
        subprocess.run([DCMCJPEG, DCMDJPEG_LOSSLESS[name], path, out], check=True, capture_output=True)

    volume = read_volume(facts_of_folder(tmp_path / "jpeg"))

    assert isinstance(volume, Volume)
    np.testing.assert_array_equal(volume.hu_zyx, small.hu_zyx)


@pytest.mark.parametrize("name", ["rle", "jpeg-ls", "jpeg-2000"])
@pytest.mark.parametrize("bits_stored", [12, 16])
def test_signed_values_survive_compression(name: str, bits_stored: int, small: Phantom, tmp_path: Path) -> None:
    mask = (1 << bits_stored) - 1
    slices = {
        i: {
            "PixelData": (plane.astype("<i2").view("<u2") & mask).tobytes(),
            "PixelRepresentation": 1,
            "RescaleIntercept": "0",
            "BitsStored": bits_stored,
            "HighBit": bits_stored - 1,
        }
        for i, plane in enumerate(small.hu_zyx)
    }
    write_series(small, tmp_path, SeriesOptions(slices=slices, transfer_syntax=WRITTEN[name]))

    volume = read_volume(facts_of_folder(tmp_path))

    assert isinstance(volume, Volume), volume
    np.testing.assert_array_equal(volume.hu_zyx, small.hu_zyx)
    carries_upper_bits = name == "rle" and bits_stored == 12
    assert (Code.HU_UPPER in [r.code for r in volume.reasons]) is carries_upper_bits


@pytest.mark.parametrize("with_table", [True, False])
def test_a_frame_in_several_fragments_is_put_together(with_table: bool, small: Phantom, write: WriteSeries) -> None:
    series = write(small, transfer_syntax=WRITTEN["jpeg-ls"])
    path = series.files[0].path
    dataset = dcmread(path)
    codestream = open_encapsulated(str(path), 1).frame(0)
    dataset.PixelData = encapsulate([codestream], fragments_per_frame=4, has_bot=with_table)
    dataset.save_as(path)

    volume = read_volume(series)

    assert isinstance(volume, Volume)
    np.testing.assert_array_equal(volume.hu_zyx, small.hu_zyx)


def test_frames_in_several_fragments_are_told_apart_by_the_offset_table(small: Phantom, tmp_path: Path) -> None:
    path = write_enhanced(small, tmp_path / "e.dcm", SeriesOptions(transfer_syntax=WRITTEN["jpeg-ls"]))
    opened = open_encapsulated(str(path), 20)
    dataset = dcmread(path)
    dataset.PixelData = encapsulate([opened.frame(i) for i in range(20)], fragments_per_frame=3, has_bot=True)
    dataset.save_as(path)

    volume = read_volume(facts_of_folder(tmp_path))

    assert isinstance(volume, Volume)
    np.testing.assert_array_equal(volume.hu_zyx, small.hu_zyx)


def test_frames_that_cannot_be_told_apart_are_refused(small: Phantom, tmp_path: Path) -> None:
    path = write_enhanced(small, tmp_path / "e.dcm", SeriesOptions(transfer_syntax=WRITTEN["jpeg-ls"]))
    opened = open_encapsulated(str(path), 20)
    dataset = dcmread(path)
    dataset.PixelData = encapsulate([opened.frame(i) for i in range(20)], fragments_per_frame=3, has_bot=False)
    dataset.save_as(path)

    result = read_volume(facts_of_folder(tmp_path))

    assert isinstance(result, Refusal)
    assert "no offset table" in reason_of(result, Code.PIX_TRUNC).text


def test_an_icon_in_the_header_is_not_taken_for_the_image(small: Phantom, write: WriteSeries) -> None:
    from pydicom.dataset import Dataset  # noqa: PLC0415

    icon = Dataset()
    icon.Rows, icon.Columns, icon.BitsAllocated, icon.BitsStored, icon.HighBit = 2, 2, 8, 8, 7
    icon.PixelRepresentation, icon.SamplesPerPixel, icon.PhotometricInterpretation = 0, 1, "MONOCHROME2"
    icon.PixelData = encapsulate([b"\1\2\3\4"])
    icon["PixelData"].VR = "OB"
    icon["PixelData"].is_undefined_length = True
    series = write(small, transfer_syntax=WRITTEN["jpeg-ls"], overrides={"IconImageSequence": [icon]})

    volume = read_volume(series)

    assert isinstance(volume, Volume)
    np.testing.assert_array_equal(volume.hu_zyx, small.hu_zyx)


@pytest.mark.parametrize("name", ["explicit-little", "implicit-little", "explicit-big", "jpeg-ls"])
def test_elements_behind_the_pixels_do_no_harm(name: str, small: Phantom, write: WriteSeries) -> None:
    series = write(small, transfer_syntax=WRITTEN[name], overrides={"DataSetTrailingPadding": b"\0" * 64})

    volume = read_volume(series)

    assert isinstance(volume, Volume)
    np.testing.assert_array_equal(volume.hu_zyx, small.hu_zyx)


def test_one_slice_in_every_syntax_of_the_data_folder_decodes_alike(data_dir: Path) -> None:
    """The folder holds one slice in 14 transfer syntaxes; what is lossless must agree to the last bit."""
    from node.volume.frame_jobs import digest  # noqa: PLC0415
    from node.volume.frames import single_frame  # noqa: PLC0415
    from node.volume.stored import task_of  # noqa: PLC0415

    lossless = syntax.NATIVE | syntax.RLE | {
        "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90",
        "1.2.840.10008.1.2.4.201", "1.2.840.10008.1.2.4.202",
    }  # fmt: skip
    files = [f for s in read_folder(data_dir / "odd" / "transfer-syntax").series for f in s.files]
    found = {
        f.facts.transfer_syntax_uid: digest(task_of(single_frame(f)))
        for f in files
        if f.facts.transfer_syntax_uid in lossless
    }

    assert len(found) >= 7
    assert None not in found.values()
    assert len(set(found.values())) == 1, found


def test_every_readable_compressed_syntax_has_a_decoder() -> None:
    assert all(decoder_for(uid) for uid in syntax.ENCAPSULATED)


def test_an_unknown_syntax_has_none() -> None:
    with pytest.raises(InputRefused) as caught:
        decoder_for("1.2.840.10008.1.2.4.102")
    assert caught.value.code == Code.TS_UNSUP
