"""Identity, sizes and damaged pixels: refused with a code before memory is taken, never an exception."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from node.errors import Code, Refusal, Severity
from node.facts.limits import MOST_FRAMES, MOST_INSTANCES, MOST_ROWS_OR_COLUMNS
from node.facts.series import SeriesFacts
from node.phantom.phantom import Phantom
from node.volume import read as reading
from node.volume.read import read_volume
from node.volume.volume import Volume

from .conftest import WriteSeries, codes_of, reason_of


def leading(result: Volume | Refusal) -> Code:
    assert isinstance(result, Refusal)
    return result.leading.code


def with_geometry(series: SeriesFacts, **changes: object) -> SeriesFacts:
    files = [replace(f, facts=replace(f.facts, geometry=replace(f.facts.geometry, **changes))) for f in series.files]
    return SeriesFacts(tuple(files))


def with_facts(series: SeriesFacts, **changes: object) -> SeriesFacts:
    return SeriesFacts(tuple(replace(f, facts=replace(f.facts, **changes)) for f in series.files))


@pytest.mark.parametrize("patient_id", ["", "  "])
def test_a_series_without_patient_id_is_refused(patient_id: str, small: Phantom, write: WriteSeries) -> None:
    assert leading(read_volume(write(small, patient_id=patient_id))) is Code.ID_NOPID


def test_a_setting_allows_an_empty_patient_id(small: Phantom, write: WriteSeries) -> None:
    assert isinstance(read_volume(write(small, patient_id=""), refuse_without_patient_id=False), Volume)


@pytest.mark.parametrize(
    "changes",
    [{"rows": MOST_ROWS_OR_COLUMNS + 1}, {"columns": 65535}, {"rows": 65535, "columns": 65535}],
    ids=["row", "wide", "huge"],
)
def test_a_declared_size_beyond_bounds_is_refused_before_allocating(changes, small, write, monkeypatch) -> None:
    monkeypatch.setattr(reading, "assemble", lambda *_: pytest.fail("memory was taken"))

    assert leading(read_volume(with_geometry(write(small), **changes))) is Code.SIZE_DIM


def test_too_many_frames_are_refused(small: Phantom, write: WriteSeries) -> None:
    assert leading(read_volume(with_facts(write(small), number_of_frames=MOST_FRAMES + 1))) is Code.SIZE_DIM


def test_an_object_over_four_gib_is_refused(small: Phantom, write: WriteSeries) -> None:
    series = with_facts(with_geometry(write(small), rows=4096, columns=4096), number_of_frames=200)

    assert leading(read_volume(series)) is Code.SIZE_DIM


def test_too_many_instances_are_refused(small: Phantom, write: WriteSeries) -> None:
    (first, *_) = write(small).files

    assert leading(read_volume(SeriesFacts((first,) * (MOST_INSTANCES + 1)))) is Code.SIZE_COUNT


def test_a_volume_that_does_not_fit_into_memory_is_refused(small: Phantom, write: WriteSeries, monkeypatch) -> None:
    monkeypatch.setattr(reading, "_available_bytes", lambda: 1000)

    assert leading(read_volume(write(small))) is Code.SYS_MEM


@pytest.mark.parametrize(
    ("uid", "code"),
    [
        ("1.2.840.10008.1.2.4.53", Code.TS_UNSUP),
        ("1.2.840.10008.1.2.4.102", Code.TS_UNSUP),
        ("1.2.840.113619.5.2", Code.TS_PRIV),
    ],
    ids=["retired-jpeg", "mpeg4", "private"],
)
def test_a_transfer_syntax_that_nobody_decodes_is_refused(uid: str, code: Code, small: Phantom, write) -> None:
    assert leading(read_volume(with_facts(write(small), transfer_syntax_uid=uid))) is code


def test_an_instance_without_pixel_data_is_refused(small: Phantom, write: WriteSeries) -> None:
    assert leading(read_volume(write(small, slices={2: {"PixelData": None}}))) is Code.PIX_TRUNC


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2", "1.2.840.10008.1.2.1"], ids=["implicit", "explicit"])
def test_short_pixel_data_is_refused(syntax: str, small: Phantom, write: WriteSeries) -> None:
    short = small.hu_zyx[2].astype("<u2").tobytes()[:-2]

    assert (
        leading(read_volume(write(small, slices={2: {"PixelData": short}}, transfer_syntax=syntax))) is Code.PIX_TRUNC
    )


def test_more_pixel_data_than_declared_is_refused(small: Phantom, write: WriteSeries) -> None:
    long = small.hu_zyx[2].astype("<u2").tobytes() + b"\0" * 48

    assert leading(read_volume(write(small, slices={2: {"PixelData": long}}))) is Code.SIZE_DIM


@pytest.mark.parametrize(
    "syntax",
    ["1.2.840.10008.1.2.1", "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"],
    ids=["native", "rle", "jpeg-ls", "jpeg-2000"],
)
@pytest.mark.parametrize("kept", [0.97, 0.9, 0.7])
def test_a_file_cut_off_in_its_pixels_is_refused(syntax: str, kept: float, small: Phantom, write: WriteSeries) -> None:
    series = write(small, transfer_syntax=syntax)
    path = series.files[4].path
    data = path.read_bytes()
    begin = data.rfind(b"\xe0\x7f\x10\x00")
    path.write_bytes(data[: begin + min(int(kept * (len(data) - begin)), len(data) - begin - 24)])

    assert leading(read_volume(series)) in (Code.PIX_TRUNC, Code.FILE_UNREAD)


def test_a_sequence_delimiter_alone_may_be_missing(small: Phantom, write: WriteSeries) -> None:
    series = write(small, transfer_syntax="1.2.840.10008.1.2.4.80")
    path = series.files[4].path
    path.write_bytes(path.read_bytes()[:-8])

    result = read_volume(series)

    assert isinstance(result, Volume)
    np.testing.assert_array_equal(result.hu_zyx, small.hu_zyx)


@pytest.mark.parametrize(
    "syntax", ["1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"], ids=["rle", "ls", "j2k"]
)
def test_a_codestream_of_noise_is_refused(syntax: str, small: Phantom, write: WriteSeries) -> None:
    series = write(small, transfer_syntax=syntax)
    path = series.files[4].path
    data = bytearray(path.read_bytes())
    begin = data.rfind(b"\xfe\xff\x00\xe0") + 8
    data[begin:-8] = np.random.default_rng(0).bytes(len(data) - begin - 8)
    path.write_bytes(data)

    assert leading(read_volume(series)) is Code.PIX_TRUNC


def test_a_file_that_vanished_is_refused(small: Phantom, write: WriteSeries) -> None:
    series = write(small)
    series.files[3].path.unlink()

    assert leading(read_volume(series)) is Code.PIX_TRUNC


def test_findings_about_a_header_come_along(small: Phantom, write: WriteSeries) -> None:
    series = write(small, charset="ISO_IR 9999")

    result = read_volume(series)

    assert isinstance(result, Volume)
    assert reason_of(result, Code.CS_UNKNOWN).severity is Severity.WARN


def test_frames_that_are_fewer_than_described_are_refused(small: Phantom, tmp_path: Path) -> None:
    from node.phantom.dicom import SeriesOptions  # noqa: PLC0415
    from node.phantom.enhanced import write_enhanced  # noqa: PLC0415

    from .conftest import facts_of_folder  # noqa: PLC0415

    write_enhanced(small, tmp_path / "e.dcm", SeriesOptions(overrides={"NumberOfFrames": 21}))

    assert Code.PIX_TRUNC in codes_of(read_volume(facts_of_folder(tmp_path)))


def test_damaged_pixels_do_not_hide_what_the_headers_said(small: Phantom, write: WriteSeries) -> None:
    series = write(small, contrast="IOMERON")
    path = series.files[4].path
    path.write_bytes(path.read_bytes()[:-100])

    result = read_volume(series)

    assert leading(result) is Code.PIX_TRUNC
    assert {Code.GEO_THICK, Code.ACQ_CONTRAST} <= set(codes_of(result))


@pytest.mark.parametrize(
    "syntax", ["1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90"], ids=["rle", "ls", "j2k"]
)
@pytest.mark.parametrize("rows", [40, 60])
def test_a_frame_of_another_size_than_declared_is_refused(rows: int, syntax: str, small: Phantom, write) -> None:
    assert leading(read_volume(with_geometry(write(small, transfer_syntax=syntax), rows=rows))) is Code.PIX_TRUNC
