"""Each geometry code of the standards has a series that provokes it, and one just inside the limit that does not."""

import shutil

import numpy as np
import pytest
from pydicom import dcmread

from node.errors import Affects, Code, Refusal, Severity
from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.enhanced import write_enhanced
from node.phantom.grid import Grid, grid_at
from node.phantom.phantom import Phantom
from node.phantom.simple import make_asymmetric
from node.volume.read import read_volume
from node.volume.volume import Volume

from .conftest import WriteSeries, codes_of, facts_of_folder, reason_of, small_grid


def moved(grid: Grid, index: int, along_z_mm: float) -> dict[int, dict[str, object]]:
    """Overrides that put one slice somewhere else."""
    x, y, z = (grid.lps_from_zyx @ (index, 0, 0, 1))[:3]
    return {index: {"ImagePositionPatient": [x, y, round(z + along_z_mm, 6)]}}


def taken_out(write: WriteSeries, phantom: Phantom, *, drop: set[int]):
    """Facts of a series without some of its slices (counted along the normal)."""
    facts = write(phantom)
    ordered = sorted(facts.files, key=lambda f: f.facts.geometry.image_position_lps_mm[2])
    kept = [f for i, f in enumerate(ordered) if i not in drop]
    return type(facts)(tuple(sorted(kept, key=lambda f: f.facts.sop_instance_uid)))


@pytest.mark.parametrize(
    "broken",
    [
        {"ImagePositionPatient": None},
        {"ImageOrientationPatient": None},
        {"PixelSpacing": None},
        {"PixelSpacing": ["0", "1"]},
        {"PixelSpacing": ["-1", "1"]},
        {"PixelSpacing": ["nan", "1"]},
        {"ImagePositionPatient": ["0", "inf", "1"]},
        {"ImageOrientationPatient": ["1", "0", "0", "0", "0.9", "0"]},
        {"ImageOrientationPatient": ["1", "0", "0", "0.1", "0.99", "0"]},
        {"ImageOrientationPatient": ["0", "0", "0", "0", "0", "0"]},
    ],
    ids=[
        "no-position", "no-orientation", "no-spacing", "zero-spacing", "negative-spacing", "nan-spacing",
        "infinite-position", "short-cosine", "not-orthogonal", "zero-cosines",
    ],
)  # fmt: skip
def test_a_slice_without_a_valid_place_is_refused(
    broken: dict[str, object], small: Phantom, write: WriteSeries
) -> None:
    result = read_volume(write(small, slices={3: broken}))

    assert isinstance(result, Refusal)
    assert result.leading.code is Code.GEO_NOIPP


def test_a_decimal_comma_is_not_repaired(small: Phantom, write: WriteSeries) -> None:
    result = read_volume(write(small, slices={3: {"PixelSpacing": b"0,7\\0,7 "}}))

    assert isinstance(result, Refusal)
    assert result.leading.code is Code.GEO_NOIPP


@pytest.mark.parametrize(
    ("n_slices", "step_mm", "few"),
    [(14, 5.0, True), (15, 5.0, False), (20, 2.9, True), (20, 3.1, False)],
    ids=["14-slices", "15-slices", "58-mm", "62-mm"],
)
def test_few_slices_or_a_short_extent_are_refused(n_slices: int, step_mm: float, few: bool, write: WriteSeries) -> None:
    phantom = make_asymmetric(small_grid(n_slices, spacing_zyx_mm=(step_mm, 5.0, 5.0)))

    assert (Code.GEO_FEW in codes_of(read_volume(write(phantom)))) is few


def test_one_slice_alone_is_refused_as_few(write: WriteSeries) -> None:
    result = read_volume(write(make_asymmetric(small_grid(1))))

    assert isinstance(result, Refusal)
    assert Code.GEO_FEW in codes_of(result)


def test_a_missing_slice_is_refused_with_its_position(small: Phantom, write: WriteSeries) -> None:
    result = read_volume(taken_out(write, small, drop={7}))

    reason = reason_of(result, Code.GEO_GAP)
    z6_mm, z8_mm = ((small.grid.lps_from_zyx @ (i, 0, 0, 1))[2] for i in (6, 8))
    assert f"{z6_mm:.2f} to {z8_mm:.2f}" in reason.text
    assert isinstance(result, Refusal)


def test_a_missing_end_slice_is_no_gap(small: Phantom, write: WriteSeries) -> None:
    assert isinstance(read_volume(taken_out(write, small, drop={0})), Volume)


@pytest.mark.parametrize(("shift_mm", "uneven"), [(0.04, False), (0.06, True)], ids=["0.04-mm", "0.06-mm"])
def test_a_step_more_than_a_hundredth_off_is_uneven(shift_mm: float, uneven: bool, small: Phantom, write) -> None:
    result = read_volume(write(small, slices=moved(small.grid, 9, shift_mm)))

    assert (Code.GEO_UNEVEN in codes_of(result)) is uneven
    assert isinstance(result, Refusal) is uneven


@pytest.mark.parametrize(("beside_mm", "uneven"), [(0.04, False), (0.06, True), (20.0, True)])
def test_slices_that_lie_beside_the_stack_and_come_back_are_uneven(beside_mm, uneven, small: Phantom, write) -> None:
    slices = {}
    for i in range(8, 14):
        x, y, z = (small.grid.lps_from_zyx @ (i, 0, 0, 1))[:3]
        slices[i] = {"ImagePositionPatient": [round(x + beside_mm, 6), y, z]}

    result = read_volume(write(small, slices=slices))

    assert (Code.GEO_UNEVEN in codes_of(result)) is uneven
    assert isinstance(result, Refusal) is uneven


def test_even_steps_that_drift_off_the_grid_together_are_uneven(small: Phantom, write: WriteSeries) -> None:
    slices = {}
    for i in range(10, 20):
        x, y, z = (small.grid.lps_from_zyx @ (i, 0, 0, 1))[:3]
        slices[i] = {"ImagePositionPatient": [x, y, round(z + 0.04 * (i - 9), 6)]}

    result = read_volume(write(small, slices=slices))

    assert isinstance(result, Refusal)
    assert result.leading.code is Code.GEO_UNEVEN


def test_a_gap_is_not_called_uneven_as_well(small: Phantom, write: WriteSeries) -> None:
    assert Code.GEO_UNEVEN not in codes_of(read_volume(taken_out(write, small, drop={7})))


def copy_of(phantom: Phantom, write: WriteSeries, changes: dict[str, object], *, pixels: int = 0):
    """A series that holds slice 5 twice, the second time with changes and other pixels."""
    facts = write(phantom)
    folder = facts.files[0].path.parent
    grid = grid_at((phantom.grid.lps_from_zyx @ (5, 23.5, 23.5, 1))[:3], (1, 48, 48), phantom.grid.spacing_zyx_mm)
    hu = phantom.hu_zyx[5:6] + np.int16(pixels)
    options = SeriesOptions(first_instance_number=900, overrides={"SOPInstanceUID": "2.25.99", **changes})
    write_series(Phantom(grid, hu, phantom.labels_zyx[5:6]), folder, options)
    return facts_of_folder(folder)


def test_other_pixels_at_one_position_are_refused(small: Phantom, write: WriteSeries) -> None:
    result = read_volume(copy_of(small, write, {}, pixels=1))

    assert isinstance(result, Refusal)
    assert result.leading.code is Code.GEO_DUP


@pytest.mark.parametrize(("apart_mm", "one_place"), [(0.008, True), (0.02, False)])
def test_places_less_than_a_hundredth_of_a_millimetre_apart_are_one(apart_mm, one_place, small, write) -> None:
    x, y, z = (small.grid.lps_from_zyx @ (5, 0, 0, 1))[:3]
    result = read_volume(copy_of(small, write, {"ImagePositionPatient": [x, y, round(z + apart_mm, 4)]}, pixels=1))

    assert (Code.GEO_DUP in codes_of(result)) is one_place
    assert isinstance(result, Refusal)


def test_the_same_pixels_at_one_position_are_left_out_with_a_warning(small: Phantom, write: WriteSeries) -> None:
    result = read_volume(copy_of(small, write, {}))

    assert isinstance(result, Volume)
    assert reason_of(result, Code.GEO_DUPSAME).severity is Severity.WARN
    np.testing.assert_array_equal(result.hu_zyx, small.hu_zyx)


def test_of_equal_copies_the_lowest_uid_is_kept(small: Phantom, write: WriteSeries) -> None:
    series = copy_of(small, write, {})
    z_mm = (small.grid.lps_from_zyx @ (5, 0, 0, 1))[2]
    uids = [f.facts.sop_instance_uid for f in series.files if f.facts.geometry.image_position_lps_mm[2] == z_mm]

    result = read_volume(series)

    assert isinstance(result, Volume)
    assert len(uids) == 2
    assert result.frames[5].sop_instance_uid == min(uids)


def test_one_uid_at_two_places_is_refused(small: Phantom, write: WriteSeries) -> None:
    result = read_volume(write(small, slices={i: {"SOPInstanceUID": f"2.25.{i % 10}"} for i in range(20)}))

    assert isinstance(result, Refusal)
    assert result.leading.code is Code.ID_DUPDIFF


def test_a_file_that_lies_twice_in_the_folder_is_read_once(small: Phantom, write: WriteSeries) -> None:
    series = write(small)
    folder = series.files[0].path.parent
    shutil.copy(series.files[3].path, folder / "copy.dcm")

    result = read_volume(facts_of_folder(folder))

    assert isinstance(result, Volume)
    np.testing.assert_array_equal(result.hu_zyx, small.hu_zyx)


def test_the_same_pixels_with_another_rescale_are_not_the_same(small: Phantom, write: WriteSeries) -> None:
    assert Code.GEO_DUP in codes_of(read_volume(copy_of(small, write, {"RescaleIntercept": "-1000"})))


@pytest.mark.parametrize(
    "mark",
    [
        {"TemporalPositionIdentifier": 2},
        {"AcquisitionNumber": 2},
        {"AcquisitionTime": "111111"},
        {"SeriesDescription": "THORAX 50 %"},
    ],
    ids=["temporal-position", "acquisition-number", "acquisition-time", "phase-in-description"],
)
def test_copies_that_an_attribute_tells_apart_are_several_volumes(
    mark: dict[str, object], small: Phantom, write: WriteSeries
) -> None:
    first = {"TemporalPositionIdentifier": 1} if "TemporalPositionIdentifier" in mark else {}
    facts = write(small, overrides=first)
    folder = facts.files[0].path.parent
    slices = {i: {"SOPInstanceUID": f"2.25.{500 + i}"} for i in range(20)}
    write_series(small, folder, SeriesOptions(first_instance_number=500, overrides=mark, slices=slices))

    result = read_volume(facts_of_folder(folder))

    assert isinstance(result, Refusal)
    assert result.leading.code is Code.GEO_MULTIVOL
    assert Code.GEO_DUP not in codes_of(result)


@pytest.mark.parametrize(("which", "added_hu"), [("first", 0), ("last", 7)])
def test_a_setting_takes_one_of_several_volumes(which: str, added_hu: int, small: Phantom, write: WriteSeries) -> None:
    facts = write(small)
    folder = facts.files[0].path.parent
    later = Phantom(small.grid, small.hu_zyx + np.int16(7), small.labels_zyx)
    slices = {i: {"SOPInstanceUID": f"2.25.{500 + i}"} for i in range(20)}
    options = SeriesOptions(first_instance_number=500, overrides={"AcquisitionNumber": 2}, slices=slices)
    write_series(later, folder, options)

    result = read_volume(facts_of_folder(folder), multivolume=which)

    assert isinstance(result, Volume)
    assert reason_of(result, Code.GEO_MULTIVOL).severity is Severity.WARN
    np.testing.assert_array_equal(result.hu_zyx, small.hu_zyx + added_hu)


@pytest.mark.parametrize(
    ("mark", "several"),
    [
        (lambda i: {"AcquisitionNumber": 1 + i % 2}, True),  # inspiration and expiration, half a step apart
        (lambda i: {"AcquisitionTime": f"10000{i % 3}"}, True),
        (lambda i: {"AcquisitionNumber": 1 + i // 10}, False),  # one after the other along the body
        (lambda i: {"AcquisitionNumber": 1 + i // 2}, False),  # a scanner of two rows, rotation by rotation
        (lambda i: {"AcquisitionTime": f"1000{i:02}"}, False),  # each slice has its own
    ],
    ids=["two-in-turns", "three-in-turns", "halves", "rotations", "times-of-slices"],
)
def test_volumes_whose_images_lie_in_turns_are_several(mark, several: bool, small: Phantom, write: WriteSeries) -> None:
    result = read_volume(write(small, slices={i: mark(i) for i in range(20)}))

    assert (Code.GEO_MULTIVOL in codes_of(result)) is several
    assert isinstance(result, Refusal) is several


@pytest.mark.parametrize(("which", "first"), [("first", 0), ("last", 1)])
def test_a_setting_takes_one_of_the_volumes_in_turns(which: str, first: int, write: WriteSeries) -> None:
    phantom = make_asymmetric(small_grid(60, spacing_zyx_mm=(2.5, 5.0, 5.0)))
    series = write(phantom, slices={i: {"AcquisitionNumber": 1 + i % 2} for i in range(60)})

    result = read_volume(series, multivolume=which)

    assert isinstance(result, Volume)
    assert reason_of(result, Code.GEO_MULTIVOL).severity is Severity.WARN
    np.testing.assert_array_equal(result.hu_zyx, phantom.hu_zyx[first::2])


@pytest.mark.parametrize(("degrees", "tilted"), [(0.4, False), (0.6, True), (18.0, True)])
def test_a_sheared_stack_is_refused_whatever_the_tilt_attribute_says(
    degrees: float, tilted: bool, small: Phantom, write: WriteSeries
) -> None:
    shear = np.tan(np.radians(degrees))
    slices = {}
    for i in range(20):
        x, y, z = (small.grid.lps_from_zyx @ (i, 0, 0, 1))[:3]
        slices[i] = {"ImagePositionPatient": [x, round(y + shear * z, 6), z], "GantryDetectorTilt": "0"}

    result = read_volume(write(small, slices=slices))

    assert (Code.GEO_TILT in codes_of(result)) is tilted
    assert isinstance(result, Refusal) is tilted


def test_two_orientations_are_refused(small: Phantom, write: WriteSeries) -> None:
    turned = {"ImageOrientationPatient": ["0.99619470", "0.08715574", "0", "-0.08715574", "0.99619470", "0"]}

    result = read_volume(write(small, slices=dict.fromkeys(range(4), turned)))

    assert Code.GEO_ORIENT in codes_of(result)


@pytest.mark.parametrize(("degrees", "refused"), [(9.5, False), (10.5, True), (90.0, True)])
def test_a_reformat_off_the_axial_plane_is_refused(degrees: float, refused: bool, write: WriteSeries) -> None:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    phantom = make_asymmetric(small_grid(20, orientation=(1, 0, 0, 0, c, s)))

    assert (Code.GEO_NONAX in codes_of(read_volume(write(phantom)))) is refused


@pytest.mark.parametrize(("degrees", "refused"), [(29.0, False), (31.0, True), (50.0, True), (90.0, False)])
def test_a_picture_turned_towards_the_diagonal_is_refused(degrees: float, refused: bool, write: WriteSeries) -> None:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    phantom = make_asymmetric(small_grid(20, orientation=(c, s, 0, -s, c, 0)))

    assert (Code.GEO_NONAX in codes_of(read_volume(write(phantom)))) is refused


def test_two_frames_of_reference_are_refused(small: Phantom, write: WriteSeries) -> None:
    result = read_volume(write(small, slices={4: {"FrameOfReferenceUID": "2.25.4"}}))

    assert isinstance(result, Refusal)
    assert result.leading.code is Code.GEO_FOR


@pytest.mark.parametrize(
    ("thickness_mm", "severity", "affects"),
    [
        (1.5, None, ()),
        (2.0, Severity.WARN, ()),
        (4.0, Severity.REFUSE, (Affects.SMALL_LESIONS,)),
        (6.0, Severity.REFUSE, (Affects.LESIONS, Affects.DENSITY)),
        (10.0, Severity.REFUSE, (Affects.LESIONS, Affects.DENSITY)),
        (10.5, Severity.REFUSE, (Affects.SERIES,)),
    ],
)
def test_thickness_withholds_step_by_step(thickness_mm, severity, affects, write: WriteSeries) -> None:
    phantom = make_asymmetric(small_grid(64, size=32, spacing_zyx_mm=(1.5, 8.0, 8.0)))
    result = read_volume(write(phantom, thickness_mm=thickness_mm))
    found = [r for r in result.reasons if r.code is Code.GEO_THICK]

    assert [(r.severity, r.affects) for r in found] == ([(severity, affects)] if severity else [])


def test_thin_enough_for_lungs_speaks_of_sizes_and_of_no_lesions(write: WriteSeries) -> None:
    """The reason stands in reports that looked for no lesions, too."""
    phantom = make_asymmetric(small_grid(64, size=32, spacing_zyx_mm=(1.5, 8.0, 8.0)))
    (found,) = [r for r in read_volume(write(phantom, thickness_mm=4.0)).reasons if r.code is Code.GEO_THICK]
    assert "under 10 mm" in found.text
    assert "lesion" not in found.text


def test_a_thickness_is_printed_in_hundredths_of_a_millimetre(write: WriteSeries) -> None:
    phantom = make_asymmetric(small_grid(64, size=32, spacing_zyx_mm=(1.5, 8.0, 8.0)))
    (found,) = [r for r in read_volume(write(phantom, thickness_mm=2.99065)).reasons if r.code is Code.GEO_THICK]
    assert "slices are 2.99 mm thick" in found.text


def test_a_wide_step_counts_as_thick_whatever_slice_thickness_says(write: WriteSeries) -> None:
    phantom = make_asymmetric(small_grid(16, spacing_zyx_mm=(11.0, 5.0, 5.0)))

    result = read_volume(write(phantom, thickness_mm=1.0))

    assert isinstance(result, Refusal)
    assert result.leading.code is Code.GEO_THICK


@pytest.mark.parametrize("change", [{"PixelSpacing": ["5.01", "5"]}, {"PixelSpacing": ["5", "4.9"]}])
def test_differing_pixel_spacing_is_refused(change: dict[str, object], small: Phantom, write: WriteSeries) -> None:
    result = read_volume(write(small, slices={2: change}))

    assert isinstance(result, Refusal)
    assert result.leading.code is Code.GEO_MATRIX


def test_differing_matrices_are_refused(small: Phantom, write: WriteSeries) -> None:
    facts = write(small)
    folder = facts.files[0].path.parent
    smaller = make_asymmetric(grid_at((0, 0, 60), (1, 24, 24), (5, 10, 10)))
    write_series(smaller, folder, SeriesOptions(first_instance_number=900, overrides={"SOPInstanceUID": "2.25.7"}))

    assert Code.GEO_MATRIX in codes_of(read_volume(facts_of_folder(folder)))


@pytest.mark.parametrize(
    "scout",
    [
        {"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]},
        {"ImageOrientationPatient": ["1", "0", "0", "0", "0", "-1"]},
    ],
    ids=["says-so", "orientation-of-its-own"],
)
def test_a_scout_inside_the_series_is_left_out(scout: dict[str, object], small: Phantom, write: WriteSeries) -> None:
    series = copy_of(small, write, scout)

    result = read_volume(series)

    assert isinstance(result, Volume)
    assert reason_of(result, Code.RT_LOCALIZER).severity is Severity.WARN
    np.testing.assert_array_equal(result.hu_zyx, small.hu_zyx)


NOT_AXIAL = {"ImageType": ["ORIGINAL", "PRIMARY"]}
SMALLER = {"Rows": 24, "PixelData": bytes(2 * 24 * 48)}


@pytest.mark.parametrize(
    "scout",
    [
        {"ImagePositionPatient": None, "ImageOrientationPatient": None, **NOT_AXIAL},
        {"ImagePositionPatient": None, **SMALLER},
        {"FrameOfReferenceUID": "2.25.4", **NOT_AXIAL, **SMALLER},
    ],
    ids=["no-place-and-not-axial", "no-place-and-other-matrix", "other-matrix-and-not-axial"],
)
def test_a_scout_that_does_not_say_so_is_left_out_and_why_is_told(scout, small: Phantom, write: WriteSeries) -> None:
    result = read_volume(copy_of(small, write, {"SOPInstanceUID": "1.2.3", **scout}))  # the first of the series

    assert isinstance(result, Volume)
    assert "another matrix" in reason_of(result, Code.RT_LOCALIZER).text
    assert Code.GEO_FOR not in codes_of(result)
    assert result.series.first.sop_instance_uid != "1.2.3"
    np.testing.assert_array_equal(result.hu_zyx, small.hu_zyx)


@pytest.mark.parametrize(("n", "left_out"), [(2, True), (9, True), (15, False)])
def test_few_images_of_one_direction_across_the_slices_are_scouts_and_many_are_not(
    n: int, left_out: bool, write: WriteSeries
) -> None:
    phantom = make_asymmetric(small_grid(30, spacing_zyx_mm=(3.0, 5.0, 5.0)))
    series = write(phantom)
    frontal = grid_at((0, 0, 0), (n, 48, 48), (5, 5, 5), (1, 0, 0, 0, 0, -1))
    slices = {i: {"SOPInstanceUID": f"2.25.{900 + i}"} for i in range(n)}
    folder = series.files[0].path.parent
    write_series(make_asymmetric(frontal), folder, SeriesOptions(first_instance_number=900, slices=slices))

    result = read_volume(facts_of_folder(folder))

    assert isinstance(result, Volume) is left_out
    assert (Code.GEO_ORIENT in codes_of(result)) is not left_out


@pytest.mark.parametrize(
    ("sop_class", "modality", "has_pixels"),
    [("1.2.840.10008.5.1.4.1.1.88.67", "SR", False), ("1.2.840.10008.5.1.4.1.1.7", "CT", True)],
    ids=["dose-report", "screenshot"],
)
def test_an_object_inside_the_series_that_is_no_ct_image_is_left_out(
    sop_class: str, modality: str, has_pixels: bool, small: Phantom, write: WriteSeries
) -> None:
    series = write(small)
    other = dcmread(series.files[0].path)
    other.SOPClassUID = other.file_meta.MediaStorageSOPClassUID = sop_class
    other.SOPInstanceUID = other.file_meta.MediaStorageSOPInstanceUID = "1.2.3"  # the first of the series
    other.Modality = modality
    for keyword in ("ImagePositionPatient", "RescaleSlope", *(() if has_pixels else ("PixelData", "Rows"))):
        delattr(other, keyword)
    other.save_as(series.files[0].path.parent / "other.dcm")

    result = read_volume(facts_of_folder(series.files[0].path.parent))

    assert isinstance(result, Volume)
    assert reason_of(result, Code.RT_SOP).severity is Severity.WARN
    assert result.series.first.modality == "CT"
    np.testing.assert_array_equal(result.hu_zyx, small.hu_zyx)


def test_an_axial_and_a_lateral_scout_are_both_left_out(small: Phantom, write: WriteSeries) -> None:
    frontal = {"ImageOrientationPatient": ["1", "0", "0", "0", "0", "-1"]}
    series = copy_of(small, write, frontal)
    folder = series.files[0].path.parent
    grid = grid_at((0, 0, 0), (1, 48, 48), (5, 5, 5), (0, 1, 0, 0, 0, -1))
    write_series(
        make_asymmetric(grid), folder, SeriesOptions(first_instance_number=901, overrides={"SOPInstanceUID": "2.25.8"})
    )

    result = read_volume(facts_of_folder(folder))

    assert isinstance(result, Volume)
    assert "2 scout images" in reason_of(result, Code.RT_LOCALIZER).text


def test_enhanced_frames_out_of_step_are_refused(small: Phantom, tmp_path) -> None:
    write_enhanced(small, tmp_path / "e.dcm", frame_order=[i for i in range(20) if i != 9])

    assert Code.GEO_GAP in codes_of(read_volume(facts_of_folder(tmp_path)))


def test_all_codes_are_listed_and_geometry_comes_after_pixel_values(small: Phantom, write: WriteSeries) -> None:
    slices = moved(small.grid, 9, 1.0)
    result = read_volume(write(small, slices=slices, patient_id="", age="012Y", overrides={"RescaleType": "US"}))

    refusing = [r.code for r in result.reasons if Affects.SERIES in r.affects]
    assert refusing == [Code.ID_NOPID, Code.HU_UNITS, Code.GEO_UNEVEN, Code.ACQ_AGE]
    assert isinstance(result, Refusal)
    assert result.leading.code is Code.ID_NOPID


def test_two_opposite_orientations_half_and_half_are_refused_without_a_warning(small: Phantom, write) -> None:
    turned = {"ImageOrientationPatient": ["-1", "0", "0", "0", "-1", "0"]}

    result = read_volume(write(small, slices=dict.fromkeys(range(0, 20, 2), turned)))

    assert isinstance(result, Refusal)
    assert result.leading.code is Code.GEO_ORIENT
