"""PET series on disk: private elements, slopes, padding, bits, and the codes that a series provokes."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest

from node.errors import Code, Refusal
from node.facts.folder import read_folder
from node.facts.series import SeriesFacts
from node.phantom.grid import grid_at
from node.phantom.pet_dicom import PetOptions, suvbw_factor, write_pet
from node.phantom.phantom import Phantom
from node.volume.pet import PetVolume, check_pairing, read_pet
from node.volume.pet import read as reading
from node.volume.pet.reference_time import TimeSource

Write = Callable[..., SeriesFacts]
GRID = grid_at((0.0, 0.0, 0.0), (5, 8, 10), (3.0, 4.0, 4.0))


def uptake() -> Phantom:
    rng = np.random.default_rng(1)
    suv_zyx = rng.uniform(0.5, 9.0, GRID.shape_zyx).astype(np.float32)
    suv_zyx *= np.arange(1, 6, dtype=np.float32)[:, None, None]  # so that slopes differ
    return Phantom(GRID, np.zeros(GRID.shape_zyx, np.int16), np.zeros(GRID.shape_zyx, np.uint8), (), suv_zyx)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write the uptake as a series, change its files, and read its headers."""

    def written(change: Callable[[pydicom.Dataset], None] | None = None, **headers: object) -> SeriesFacts:
        options = PetOptions()
        acquired = {"AcquisitionDate": options.series.study_date, "AcquisitionTime": options.series.study_time}
        dates = {"SeriesDate": options.series.study_date, "SeriesTime": options.series.study_time}
        series = replace(options.series, overrides=acquired | dates | headers)
        folder = tmp_path / f"pet-{len(list(tmp_path.iterdir()))}"
        for path in write_pet(uptake(), folder, replace(options, series=series)):
            if change is not None:
                dataset = pydicom.dcmread(path)
                change(dataset)
                dataset.save_as(path)
        (found,) = read_folder(folder).series
        return found

    return written


def volume_of(series: SeriesFacts) -> PetVolume:
    pet = read_pet(series)
    assert isinstance(pet, PetVolume), pet
    return pet


def codes_of(result: PetVolume | Refusal) -> set[Code]:
    return {r.code for r in result.reasons}


def test_what_was_written_is_read_back_slice_by_slice(write: Write) -> None:
    pet = volume_of(write())

    assert len(set(pet.rescale_slopes)) == 5
    np.testing.assert_allclose(pet.suv_zyx, uptake().suv_zyx, rtol=1e-3)
    np.testing.assert_allclose(pet.lps_from_zyx, GRID.lps_from_zyx, atol=1e-6)
    assert codes_of(pet) == {Code.PT_SLOPE}
    assert pet.scale.factor == pytest.approx(suvbw_factor(PetOptions()), rel=1e-6)
    assert not pet.suv_zyx.flags.writeable


def test_an_intercept_is_added_and_said(write: Write) -> None:
    pet = volume_of(write(RescaleIntercept="100"))

    np.testing.assert_allclose(pet.suv_zyx, uptake().suv_zyx + 100 * pet.scale.factor, rtol=1e-3)
    assert sum(r.code is Code.PT_SLOPE for r in pet.reasons) == 2


def test_padding_is_no_uptake(write: Write) -> None:
    def pad(dataset: pydicom.Dataset) -> None:
        pixels = dataset.pixel_array.copy()
        pixels[0, 0] = -5
        dataset.PixelData = pixels.tobytes()
        dataset.add_new("PixelPaddingValue", "SS", -5)

    assert (volume_of(write(pad)).suv_zyx[:, 0, 0] == 0.0).all()


def test_bits_above_the_stored_ones_are_no_part_of_a_value(write: Write) -> None:
    def overlay(dataset: pydicom.Dataset) -> None:
        pixels = (dataset.pixel_array.astype(np.uint16) >> 4) | 0x8000
        dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 0
        dataset.PixelData, dataset.RescaleSlope = pixels.tobytes(), str(16 * float(dataset.RescaleSlope))[:16]

    np.testing.assert_allclose(volume_of(write(overlay)).suv_zyx, uptake().suv_zyx, rtol=0.01, atol=0.03)


@pytest.mark.parametrize("block", [0x10, 0x33])
def test_philips_factors_are_found_by_their_creator_in_any_block(block: int, write: Write) -> None:
    def philips(dataset: pydicom.Dataset) -> None:
        dataset.add_new((0x7053, 0x0020), "LO", "Somebody else")
        dataset.add_new((0x7053, 0x2000), "DS", "77")
        dataset.add_new((0x7053, block), "LO", "Philips PET Private Group")
        dataset.add_new((0x7053, block << 8), "DS", "0.5")

    pet = volume_of(write(philips, Units="CNTS"))

    assert pet.scale.factor == 0.5


def test_factors_of_another_creator_are_not_philips(write: Write) -> None:
    def other(dataset: pydicom.Dataset) -> None:
        dataset.add_new((0x7053, 0x0010), "LO", "Somebody else")
        dataset.add_new((0x7053, 0x1000), "DS", "0.5")

    assert Code.PT_PHILIPS in codes_of(read_pet(write(other, Units="CNTS")))


@pytest.mark.parametrize(
    ("creator", "group", "element", "source"),
    [
        ("GEMS_PETD_01", 0x0009, 0x0D, TimeSource.GE),
        ("SIEMENS MED PT", 0x0071, 0x22, TimeSource.SIEMENS),
    ],
    ids=["GE", "Siemens"],
)
def test_the_vendors_time_is_found_by_its_creator(creator, group, element, source, write: Write) -> None:
    def private(dataset: pydicom.Dataset) -> None:
        dataset.add_new((group, 0x0012), "LO", creator)
        dataset.add_new((group, 0x1200 | element), "DT", "20250102101500.00")

    assert volume_of(write(private, SeriesTime="113000")).scale.dose.reference.chosen.source is source


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"RescaleSlope": None}, Code.HU_NORESC),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, Code.HU_PHOTO),
        ({"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}, Code.HU_BITS),
        ({"PatientID": ""}, Code.ID_NOPID),
        ({"ImagePositionPatient": None}, Code.GEO_NOIPP),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.130"}, Code.RT_SOP),
        ({"SeriesType": ["GATED", "IMAGE"]}, Code.PT_GATED),
    ],
    ids=["rescale", "colour", "bits", "patient", "position", "enhanced", "gated"],
)
def test_headers_refuse_the_series(headers, code: Code, write: Write) -> None:
    result = read_pet(write(**headers))

    assert isinstance(result, Refusal)
    assert code in codes_of(result)


def test_a_cut_off_slice_is_refused(write: Write) -> None:
    series = write()
    path = series.files[0].path
    path.write_bytes(path.read_bytes()[:-40])

    assert Code.PIX_TRUNC in codes_of(read_pet(series))


def test_a_copy_of_a_slice_with_the_same_pixels_is_left_out_and_another_refused(write: Write) -> None:
    series = write()
    first = series.files[0]
    dataset = pydicom.dcmread(first.path)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = "2.25.9"
    dataset.save_as(first.path.with_name("copy.dcm"))
    (twice,) = read_folder(first.path.parent).series
    assert Code.GEO_DUPSAME in codes_of(volume_of(twice))

    dataset.PixelData = bytes(len(dataset.PixelData))
    dataset.save_as(first.path.with_name("copy.dcm"))
    assert Code.GEO_DUP in codes_of(read_pet(twice))

    cut = first.path.with_name("copy.dcm")
    cut.write_bytes(cut.read_bytes()[:-40])
    assert Code.PIX_TRUNC in codes_of(read_pet(twice))


def test_more_voxels_than_fit_are_refused_before_they_are_read(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MOST_VOXELS", 399)

    assert Code.SYS_MEM in codes_of(read_pet(write()))


def test_one_slice_is_no_volume(write: Write) -> None:
    series = write()

    assert Code.GEO_FEW in codes_of(read_pet(SeriesFacts(series.files[:1])))


def test_a_missing_slice_is_refused(write: Write) -> None:
    series = write()
    at = {f.facts.instance_number: f for f in series.files}

    assert Code.GEO_GAP in codes_of(read_pet(SeriesFacts((at[1], at[2], at[3], at[5]))))


def test_lossy_compression_is_a_warning(write: Write) -> None:
    assert Code.HU_LOSSY in codes_of(volume_of(write(LossyImageCompression="01")))


# pairing


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"FrameOfReferenceUID": "1.2.3"}, Code.REG_FOR),
        ({"FrameOfReferenceUID": None}, Code.REG_FOR),
        ({"AcquisitionTime": "111501"}, Code.REG_TIME),
        ({"StudyInstanceUID": "1.2.3"}, Code.REG_TIME),
        ({"AcquisitionTime": None, "AcquisitionDate": None}, Code.REG_TIME),
    ],
    ids=["other frame", "no frame", "an hour later", "other study", "unknown time"],
)
def test_a_pet_that_does_not_belong_to_the_ct_is_refused(headers, code: Code, write: Write) -> None:
    assert [r.code for r in check_pairing(write(), write(**headers))] == [code]


def test_a_registration_links_two_frames_of_reference(write: Write) -> None:
    assert check_pairing(write(), write(FrameOfReferenceUID="1.2.3"), linked=True) == ()


def test_an_hour_between_the_acquisitions_is_allowed(write: Write) -> None:
    assert check_pairing(write(), write(AcquisitionTime="111500")) == ()
