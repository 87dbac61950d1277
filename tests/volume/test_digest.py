"""The digest changes with what is measured and with nothing else."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from node.facts.series import SeriesFacts
from node.phantom.dicom import SeriesOptions
from node.phantom.enhanced import write_enhanced
from node.phantom.phantom import Phantom
from node.volume.digest import instance_digests

from .conftest import WriteSeries, facts_of_folder

SYNTAXES = {
    "implicit-little": "1.2.840.10008.1.2",
    "explicit-big": "1.2.840.10008.1.2.2",
    "deflated": "1.2.840.10008.1.2.1.99",
    "rle": "1.2.840.10008.1.2.5",
    "jpeg-ls": "1.2.840.10008.1.2.4.80",
    "jpeg-2000": "1.2.840.10008.1.2.4.90",
}


@pytest.mark.parametrize("threads", [1, 2], ids=["one-core", "two-cores"])
@pytest.mark.parametrize("name", SYNTAXES)
def test_a_lossless_transfer_syntax_changes_no_digest(name: str, threads: int, small: Phantom, write) -> None:
    plain = instance_digests(write(small))

    assert instance_digests(write(small, transfer_syntax=SYNTAXES[name]), threads) == plain


def test_upper_bits_that_a_codestream_drops_change_no_digest(small: Phantom, write: WriteSeries) -> None:
    stored = (small.hu_zyx[0] + 1024).astype("<u2")

    plain = write(small, slices={0: {"PixelData": stored.tobytes()}})
    overlaid = write(small, slices={0: {"PixelData": (stored | 0x8000).tobytes()}})

    assert instance_digests(plain) == instance_digests(overlaid)


def test_another_patient_or_description_changes_no_digest(small: Phantom, write: WriteSeries) -> None:
    other = write(small, patient_id="X", patient_name="Y", series_description="Z", accession_number="9")

    assert instance_digests(other) == instance_digests(write(small))


@pytest.mark.parametrize(
    "change",
    [
        {"RescaleIntercept": "-1023"},
        {"RescaleSlope": "1.001"},
        {"ImagePositionPatient": ["0", "0", "1"]},
        {"PixelSpacing": ["5", "5.1"]},
        {"ImageOrientationPatient": ["1", "0", "0", "0", "-1", "0"]},
        {"FrameOfReferenceUID": "2.25.77"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_geometry_and_rescale_change_the_digest_of_their_instance(change, small: Phantom, write: WriteSeries) -> None:
    plain, changed = dict(instance_digests(write(small))), dict(instance_digests(write(small, slices={3: change})))

    assert sum(plain[uid] != changed[uid] for uid in plain) == 1


def test_one_pixel_changes_the_digest_of_its_instance(small: Phantom, write: WriteSeries) -> None:
    hu = small.hu_zyx.copy()
    hu[3, 20, 20] += 1
    plain = dict(instance_digests(write(small)))
    changed = dict(instance_digests(write(Phantom(small.grid, hu, small.labels_zyx))))

    assert sum(plain[uid] != changed[uid] for uid in plain) == 1


def test_one_and_1_0_are_the_same_number(small: Phantom, write: WriteSeries) -> None:
    written = write(small, overrides={"RescaleSlope": "1.000"})

    assert instance_digests(written) == instance_digests(write(small, overrides={"RescaleSlope": "1"}))


def test_digests_are_sorted_by_uid(small: Phantom, write: WriteSeries) -> None:
    series = write(small)
    backwards = SeriesFacts(series.files[::-1])

    assert instance_digests(backwards) == tuple(sorted(instance_digests(series)))


@pytest.mark.parametrize("name", ["rle", "jpeg-ls"])
def test_all_frames_of_an_enhanced_object_count(name: str, small: Phantom, tmp_path: Path) -> None:
    hu = small.hu_zyx.copy()
    hu[19, 0, 0] += 1
    write_enhanced(small, tmp_path / "a" / "e.dcm", SeriesOptions())
    write_enhanced(small, tmp_path / "b" / "e.dcm", SeriesOptions(transfer_syntax=SYNTAXES[name]))
    write_enhanced(Phantom(small.grid, hu, small.labels_zyx), tmp_path / "c" / "e.dcm", SeriesOptions())

    plain, compressed, changed = (instance_digests(facts_of_folder(tmp_path / part)) for part in "abc")

    assert plain == compressed
    assert plain != changed


def test_pixels_that_cannot_be_decoded_are_digested_as_they_lie(small: Phantom, write: WriteSeries) -> None:
    series = write(small)
    path = series.files[0].path
    path.write_bytes(path.read_bytes()[:-10])
    before = instance_digests(series)
    path.write_bytes(path.read_bytes()[:-10])

    assert [a == b for a, b in zip(before, instance_digests(series), strict=True)].count(False) == 1


def test_eight_bit_pixels_have_a_digest_too(small: Phantom, write: WriteSeries) -> None:
    series = write(small)
    files = [replace(f, facts=replace(f.facts, pixels=replace(f.facts.pixels, bits_allocated=8))) for f in series.files]

    digests = instance_digests(SeriesFacts(tuple(files)))

    assert len(set(np.array(digests)[:, 1])) == 20
