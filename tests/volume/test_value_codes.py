"""Each pixel value code of the standards has a series that provokes it, and its neighbours that do not."""

import numpy as np
import pytest

from node.errors import Affects, Code, Refusal, Severity
from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.enhanced import write_enhanced
from node.phantom.phantom import Phantom
from node.phantom.simple import make_asymmetric, make_solids
from node.volume.read import read_volume
from node.volume.volume import Volume

from .conftest import WriteSeries, codes_of, facts_of_folder, reason_of, small_grid


def with_hu(phantom: Phantom, hu_zyx: np.ndarray) -> Phantom:
    return Phantom(phantom.grid, hu_zyx.astype(np.int16), phantom.labels_zyx)


def signed(hu_zyx: np.ndarray) -> dict[int, dict[str, object]]:
    """Overrides that store HU as signed values with intercept 0."""
    return {
        i: {
            "PixelData": plane.astype("<i2").tobytes(),
            "PixelRepresentation": 1,
            "RescaleIntercept": "0",
            "BitsStored": 16,
            "HighBit": 15,
        }
        for i, plane in enumerate(hu_zyx)
    }


@pytest.mark.parametrize(
    "broken",
    [{"RescaleSlope": None}, {"RescaleIntercept": None}, {"RescaleSlope": "0"}, {"RescaleIntercept": b"minus one "}],
    ids=["no-slope", "no-intercept", "slope-0", "text"],
)
def test_a_slice_without_rescale_is_refused(broken: dict[str, object], small: Phantom, write: WriteSeries) -> None:
    result = read_volume(write(small, slices={0: broken}))

    assert isinstance(result, Refusal)
    assert result.leading.code is Code.HU_NORESC


def test_other_units_are_refused(small: Phantom, write: WriteSeries) -> None:
    result = read_volume(write(small, overrides={"RescaleType": "US"}))

    assert isinstance(result, Refusal)
    assert result.leading.code is Code.HU_UNITS


def test_a_missing_rescale_type_means_hu(small: Phantom, write: WriteSeries) -> None:
    assert isinstance(read_volume(write(small, overrides={"RescaleType": None})), Volume)


@pytest.mark.parametrize(
    ("changes", "refused"),
    [
        ({"SeriesDescription": "Mono 70 keV"}, False),
        ({"SeriesDescription": "MonoE 40keV"}, True),
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "VMI"], "SeriesDescription": "VMI 70 keV"}, False),
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "VMI"], "SeriesDescription": "VMI 140 keV"}, True),
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "VMI"]}, True),
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "MAT_SPECIFIC"]}, True),
        ({"ImageType": ["DERIVED", "PRIMARY", "AXIAL", "EFF_ATOMIC_NUM"]}, True),
    ],
    ids=["70-kev", "40-kev", "vmi-70", "vmi-140", "vmi-unknown", "iodine", "z-eff"],
)
def test_multi_energy_maps_are_refused_but_for_energies_like_120_kv(changes, refused, small, write) -> None:
    assert (Code.HU_UNITS in codes_of(read_volume(write(small, overrides=changes)))) is refused


def test_rescale_that_varies_but_gives_hu_everywhere_warns(small: Phantom, write: WriteSeries) -> None:
    stored = {
        i: {"PixelData": (small.hu_zyx[i] + 1000).astype("<u2").tobytes(), "RescaleIntercept": "-1000"}
        for i in range(0, 20, 2)
    }

    result = read_volume(write(small, slices=stored))

    assert isinstance(result, Volume)
    assert reason_of(result, Code.HU_VARY).severity is Severity.WARN
    np.testing.assert_array_equal(result.hu_zyx, small.hu_zyx)


def test_rescale_that_varies_and_gives_nonsense_is_refused(small: Phantom, write: WriteSeries) -> None:
    result = read_volume(write(small, slices={i: {"RescaleIntercept": "1024"} for i in range(5)}))

    assert isinstance(result, Refusal)
    assert reason_of(result, Code.HU_VARY).severity is Severity.REFUSE


def test_a_volume_without_air_is_refused(write: WriteSeries) -> None:
    water = make_solids(small_grid(), [], background_hu=0.0)

    result = read_volume(write(water))

    assert isinstance(result, Refusal)
    assert "air" in reason_of(result, Code.HU_RANGE).text


def test_a_volume_without_soft_tissue_is_refused(write: WriteSeries) -> None:
    air = make_solids(small_grid(), [], background_hu=-1000.0)

    result = read_volume(write(air))

    assert isinstance(result, Refusal)
    assert "soft tissue" in reason_of(result, Code.HU_RANGE).text


def test_a_small_field_of_view_with_lung_only_as_air_passes(small: Phantom, write: WriteSeries) -> None:
    hu = np.where(small.labels_zyx > 0, -850, 40)

    assert isinstance(read_volume(write(with_hu(small, hu))), Volume)


def test_padding_is_masked_before_rescale(small: Phantom, write: WriteSeries) -> None:
    hu = small.hu_zyx.copy()
    hu[:, :5] = 3000
    result = read_volume(write(with_hu(small, hu), overrides={"PixelPaddingValue": 4024}))

    assert isinstance(result, Volume)
    assert (result.hu_zyx[:, :5] == -1024).all()
    assert result.padded_frac == pytest.approx(5 / 48)
    assert reason_of(result, Code.HU_PAD).severity is Severity.WARN


def test_a_padding_range_is_masked(small: Phantom, write: WriteSeries) -> None:
    hu = small.hu_zyx.copy()
    hu[:, :5] = 3000
    hu[:, 5:7] = 2900
    limits = {"PixelPaddingValue": 4024, "PixelPaddingRangeLimit": 3900}

    result = read_volume(write(with_hu(small, hu), overrides=limits))

    assert isinstance(result, Volume)
    assert (result.hu_zyx[:, :7] == -1024).all()
    assert (result.hu_zyx[:, 7:] == small.hu_zyx[:, 7:]).all()


def test_padding_that_never_occurs_is_not_mentioned(small: Phantom, write: WriteSeries) -> None:
    assert Code.HU_PAD not in codes_of(read_volume(write(small, overrides={"PixelPaddingValue": 4095})))


def test_padding_written_unsigned_in_a_signed_image_is_understood(small: Phantom, write: WriteSeries) -> None:
    hu = small.hu_zyx.copy()
    hu[:, 10:20] = -2000
    series = write(small, slices=signed(hu), overrides={"PixelPaddingValue": (63536).to_bytes(2, "little")})

    result = read_volume(series)

    assert isinstance(result, Volume)
    assert (result.hu_zyx[:, 10:20] == -1024).all()
    assert result.padded_frac == pytest.approx(10 / 48)


def test_padding_with_the_value_of_water_leaves_water_in_the_body(small: Phantom, write: WriteSeries) -> None:
    hu = small.hu_zyx.copy()
    hu[:, 20:28, 20:28] = 0  # an effusion
    expected = hu.copy()
    hu[:, :4], expected[:, :4] = 0, -1024

    result = read_volume(write(small, slices=signed(hu), overrides={"PixelPaddingValue": 0}))

    assert isinstance(result, Volume)
    np.testing.assert_array_equal(result.hu_zyx, expected)
    assert "hangs together with the border" in reason_of(result, Code.HU_PAD).text


def test_padding_that_is_no_tissue_is_padding_wherever_it_lies(small: Phantom, write: WriteSeries) -> None:
    hu = small.hu_zyx.copy()
    hu[:, 20:28, 20:28] = -2000

    result = read_volume(write(small, slices=signed(hu), overrides={"PixelPaddingValue": b"\x30\xf8"}))

    assert isinstance(result, Volume)
    assert (result.hu_zyx[:, 20:28, 20:28] == -1024).all()
    assert "border" not in reason_of(result, Code.HU_PAD).text


def test_a_constant_rim_without_the_attribute_is_padding(small: Phantom, write: WriteSeries) -> None:
    hu = small.hu_zyx.copy()
    hu[:, [0, 1, -1, -2]] = -3024
    hu[:, :, [0, -1]] = -3024

    result = read_volume(write(small, slices=signed(hu)))

    assert isinstance(result, Volume)
    assert int(result.hu_zyx.min()) == -1024
    assert result.padded_frac == pytest.approx((hu == -3024).mean())


def test_air_in_the_corners_is_no_padding(small: Phantom, write: WriteSeries) -> None:
    result = read_volume(write(small))

    assert isinstance(result, Volume)
    assert result.padded_frac == 0.0


@pytest.mark.parametrize(
    "broken",
    [{"PhotometricInterpretation": "RGB", "SamplesPerPixel": 3}, {"PhotometricInterpretation": "PALETTE COLOR"}],
    ids=["rgb", "palette"],
)
def test_colour_is_refused(broken: dict[str, object], small: Phantom, write: WriteSeries) -> None:
    assert Code.HU_PHOTO in codes_of(read_volume(write(small, overrides=broken)))


def test_inverted_polarity_changes_no_hu(small: Phantom, write: WriteSeries) -> None:
    result = read_volume(write(small, overrides={"PhotometricInterpretation": "MONOCHROME1"}))

    assert isinstance(result, Volume)
    np.testing.assert_array_equal(result.hu_zyx, small.hu_zyx)


@pytest.mark.parametrize(
    "broken",
    [{"BitsStored": 10, "HighBit": 9}, {"HighBit": 15}, {"BitsAllocated": 8}, {"BitsAllocated": 32}],
    ids=["10-bits", "high-bit-off", "8-bit", "32-bit"],
)
def test_unusual_bits_are_refused(broken: dict[str, object], small: Phantom, write: WriteSeries) -> None:
    assert Code.HU_BITS in codes_of(read_volume(write(small, overrides=broken)))


def test_bits_above_high_bit_are_cleared_with_a_warning(small: Phantom, write: WriteSeries) -> None:
    stored = (small.hu_zyx[3] + 1024).astype("<u2")
    stored[4, 4] |= 0x8000

    result = read_volume(write(small, slices={3: {"PixelData": stored.tobytes()}}))

    assert isinstance(result, Volume)
    assert reason_of(result, Code.HU_UPPER).severity is Severity.WARN
    np.testing.assert_array_equal(result.hu_zyx, small.hu_zyx)


def test_a_missing_sign_extension_is_supplied(small: Phantom, write: WriteSeries) -> None:
    twelve_bits = {
        i: {
            "PixelData": (plane.astype("<i2").view("<u2") & 0x0FFF).tobytes(),
            "PixelRepresentation": 1,
            "RescaleIntercept": "0",
        }
        for i, plane in enumerate(small.hu_zyx)
    }

    result = read_volume(write(small, slices=twelve_bits))

    assert isinstance(result, Volume)
    assert Code.HU_UPPER in codes_of(result)
    np.testing.assert_array_equal(result.hu_zyx, small.hu_zyx)


@pytest.mark.parametrize("bits_stored", [12, 16])
def test_wrapped_negatives_in_an_unsigned_image_are_refused(bits_stored: int, small: Phantom, write) -> None:
    mask = (1 << bits_stored) - 1
    wrapped = {
        i: {
            "PixelData": (plane.astype("<i2").view("<u2") & mask).tobytes(),
            "RescaleIntercept": "0",
            "BitsStored": bits_stored,
            "HighBit": bits_stored - 1,
        }
        for i, plane in enumerate(small.hu_zyx)
    }

    result = read_volume(write(small, slices=wrapped))

    assert isinstance(result, Refusal)
    assert result.leading.code is Code.HU_SIGN


def test_a_secondary_capture_is_refused(small: Phantom, write: WriteSeries) -> None:
    result = read_volume(write(small, overrides={"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}))

    assert isinstance(result, Refusal)
    assert result.leading.code is Code.HU_SC


@pytest.mark.parametrize(
    ("image_type", "severity"),
    [
        ("ORIGINAL\\PRIMARY\\AXIAL", None),
        ("DERIVED\\PRIMARY\\AXIAL", Severity.WARN),
        ("DERIVED\\SECONDARY\\MPR", Severity.REFUSE),
        ("DERIVED\\SECONDARY\\AXIAL\\CSA MIP", Severity.REFUSE),
        ("DERIVED\\SECONDARY\\MIN_IP", Severity.REFUSE),
        ("DERIVED\\PRIMARY\\PROJECTION IMAGE", Severity.REFUSE),
        ("DERIVED\\SECONDARY\\CURVED_MPR", Severity.REFUSE),
        ("DERIVED\\SECONDARY\\AXIAL\\SUBTRACTION", Severity.REFUSE),
        ("DERIVED\\PRIMARY\\VOLUME\\MEAN_IP", Severity.REFUSE),
        ("ORIGINAL\\PRIMARY\\LOCALIZER", Severity.REFUSE),
        ("DERIVED\\PRIMARY\\AXIAL\\MIPPED", Severity.WARN),
    ],
)
def test_derived_images_are_refused_by_their_words(image_type, severity, small, write: WriteSeries) -> None:
    result = read_volume(write(small, overrides={"ImageType": image_type.split("\\")}))
    found = [r.severity for r in result.reasons if r.code is Code.HU_DERIVED]

    assert found == ([severity] if severity else [])


@pytest.mark.parametrize("value", ["113072", "113073", "113078", "113079"])
def test_a_derivation_code_of_a_reformat_is_refused(value: str, small: Phantom, write: WriteSeries) -> None:
    from pydicom.dataset import Dataset  # noqa: PLC0415

    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "DCM", "reformat"

    result = read_volume(write(small, overrides={"DerivationCodeSequence": [code]}))

    assert isinstance(result, Refusal)
    assert result.leading.code is Code.HU_DERIVED


def test_lossy_compression_withholds_density_and_small_lesions(small: Phantom, write: WriteSeries) -> None:
    result = read_volume(write(small, overrides={"LossyImageCompression": "01"}))

    assert isinstance(result, Volume)
    assert reason_of(result, Code.HU_LOSSY).affects == (Affects.DENSITY, Affects.SMALL_LESIONS)


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, -1024.5), (0.5, -1024.0), (2.0, -1024.0)])
def test_any_rescale_is_applied_and_rounded(slope: float, intercept: float, small: Phantom, write) -> None:
    result = read_volume(write(small, slope=slope, intercept_hu=intercept, bits_stored=16))

    assert isinstance(result, Volume)
    assert int(np.abs(result.hu_zyx.astype(int) - small.hu_zyx).max()) <= slope / 2 + 0.5


def test_values_beyond_16_bits_are_clipped_not_wrapped(small: Phantom, write: WriteSeries) -> None:
    stored = (small.hu_zyx[3] + 1024).astype("<u2")
    stored[4, 4] = 60000
    changes = {"PixelData": stored.tobytes()}

    result = read_volume(write(small, bits_stored=16, slices={3: changes}))

    assert isinstance(result, Volume)
    assert result.hu_zyx[3, 4, 4] == 32767


def test_each_enhanced_frame_has_its_own_rescale(small: Phantom, tmp_path) -> None:
    intercepts = [-1024.0 + (i % 3) for i in range(20)]
    write_enhanced(small, tmp_path / "e.dcm", intercepts_hu=intercepts)

    result = read_volume(facts_of_folder(tmp_path))

    assert isinstance(result, Volume)
    assert Code.HU_VARY in codes_of(result)
    np.testing.assert_array_equal(result.hu_zyx, small.hu_zyx)


def test_the_volume_is_read_only(small: Phantom, write: WriteSeries) -> None:
    result = read_volume(write(small))

    assert isinstance(result, Volume)
    with pytest.raises(ValueError, match="read-only"):
        result.hu_zyx[0, 0, 0] = 1


def test_the_asymmetric_phantom_passes_without_a_word_about_values(write: WriteSeries) -> None:
    result = read_volume(write(make_asymmetric(small_grid(64, size=32, spacing_zyx_mm=(1.5, 8.0, 8.0)))))

    assert isinstance(result, Volume)
    assert result.reasons == ()


def test_options_write_what_they_say(small: Phantom, tmp_path) -> None:
    write_series(small, tmp_path, SeriesOptions(kernel=None))

    assert facts_of_folder(tmp_path).first.convolution_kernel == ()
