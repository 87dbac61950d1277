"""The segmentation as another reader sees it: highdicom for arrays, pydicom for attributes."""

from pathlib import Path

import highdicom
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from node.report.encode import ReportInput, encode_results
from tests.report.conftest import (
    AXIAL,
    FRAME,
    LESIONS,
    LUNGS,
    SERIES,
    CaseMaker,
    Grid,
    enhanced_case,
    lungs,
    segmentation_of,
)

_TILT = np.deg2rad(20)
OBLIQUE = (np.cos(_TILT), 0.0, np.sin(_TILT), 0.0, 1.0, 0.0)
GEOMETRIES = {
    "axial": Grid(),
    "oblique": Grid(orientation=tuple(float(v) for v in OBLIQUE), origin_lps_mm=(-10.123456, 20.25, 30.5)),
    "feet first, mirrored": Grid(orientation=(-1.0, 0.0, 0.0, 0.0, 1.0, 0.0), origin_lps_mm=(90.0, -80.0, 0.0)),
    "prone": Grid(orientation=(-1.0, 0.0, 0.0, 0.0, -1.0, 0.0), origin_lps_mm=(90.0, 80.0, 0.0)),
    "thin": Grid(shape=(17, 19, 23), spacing_yx_mm=(0.7031250, 0.7031250), step_mm=0.625),
}


def read(case: ReportInput, out: Path) -> Dataset:
    return dcmread(encode_results(case, out)[0].path)


def mask_by_highdicom(path: Path, grid: Grid, shape: tuple[int, int, int]) -> np.ndarray:
    """Put the volume that highdicom reads onto the source's grid, by patient coordinates."""
    volume = highdicom.seg.segread(path).get_volume(combine_segments=True, allow_missing_positions=True)
    placed = np.zeros(shape, np.uint8)
    to_source = np.linalg.inv(grid.matrix) @ volume.affine
    for index in np.argwhere(volume.array):
        zyx = (to_source @ [*index, 1])[:3]
        assert np.allclose(zyx, np.round(zyx), atol=1e-4)
        placed[tuple(np.round(zyx).astype(int))] = volume.array[tuple(index)]
    return placed


@pytest.mark.parametrize("grid", GEOMETRIES.values(), ids=GEOMETRIES.keys())
def test_the_mask_that_highdicom_reads_equals_ours_in_patient_space(maker: CaseMaker, out: Path, grid: Grid) -> None:
    case = maker.case(grid)
    objects = encode_results(case, out)
    assert np.array_equal(mask_by_highdicom(objects[0].path, grid, grid.shape), case.segmentation.labels_zyx)


def test_the_mask_of_an_enhanced_source_is_read_equal_and_names_its_frames(tmp_path: Path, out: Path) -> None:
    case = enhanced_case(tmp_path / "enhanced")
    objects = encode_results(case, out)
    assert np.array_equal(mask_by_highdicom(objects[0].path, Grid(), Grid().shape), case.segmentation.labels_zyx)
    seg = dcmread(objects[0].path)
    for group in seg.PerFrameFunctionalGroupsSequence:
        z = round((group.PlanePositionSequence[0].ImagePositionPatient[2] + 300.125) / 2.5)
        image = group.DerivationImageSequence[0].SourceImageSequence[0]
        assert image.ReferencedFrameNumber == Grid().shape[0] - z
    assert len(seg.ReferencedSeriesSequence[0].ReferencedInstanceSequence) == 1


def test_frames_lie_on_source_slices_with_the_sources_own_positions(maker: CaseMaker, out: Path) -> None:
    case = maker.case(GEOMETRIES["oblique"])
    source = {f.facts.sop_instance_uid: f.facts.geometry for f in case.volume.series.files}
    seg = read(case, out)
    for group in seg.PerFrameFunctionalGroupsSequence:
        named = group.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
        written = [float(v) for v in group.PlanePositionSequence[0].ImagePositionPatient]
        assert written == pytest.approx(source[named].image_position_lps_mm, abs=1e-6)


def test_geometry_and_frame_of_reference_are_the_sources(maker: CaseMaker, out: Path) -> None:
    seg = read(maker.case(Grid(spacing_yx_mm=(0.703125, 0.65))), out)
    shared = seg.SharedFunctionalGroupsSequence[0]
    measures = shared.PixelMeasuresSequence[0]
    assert (seg.Rows, seg.Columns) == Grid().shape[1:]
    assert [float(v) for v in measures.PixelSpacing] == [0.703125, 0.65]
    assert (float(measures.SliceThickness), float(measures.SpacingBetweenSlices)) == (2.5, 2.5)
    assert [float(v) for v in shared.PlaneOrientationSequence[0].ImageOrientationPatient] == list(AXIAL)
    assert seg.FrameOfReferenceUID == FRAME


def test_every_frame_has_one_segment_one_source_and_a_dimension_index(maker: CaseMaker, out: Path) -> None:
    seg = read(maker.case(), out)
    for group in seg.PerFrameFunctionalGroupsSequence:
        number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        derivation = group.DerivationImageSequence[0]
        (image,) = derivation.SourceImageSequence
        assert group.FrameContentSequence[0].DimensionIndexValues[0] == number
        assert derivation.DerivationCodeSequence[0].CodeValue == "113076"
        assert image.PurposeOfReferenceCodeSequence[0].CodeValue == "121322"
        assert image.SpatialLocationsPreserved == "YES"
        assert "ReferencedFrameNumber" not in image


def test_empty_frames_are_omitted_and_each_voxel_of_a_slice_has_its_frame(maker: CaseMaker, out: Path) -> None:
    case = maker.case()
    labels = case.segmentation.labels_zyx
    occupied = sum(int((labels == k).any(axis=(1, 2)).sum()) for k in (1, 2))
    seg = read(case, out)
    assert int(seg.NumberOfFrames) == len(seg.PerFrameFunctionalGroupsSequence) == occupied
    assert len(seg.PixelData) == (occupied * labels[0].size + 15) // 16 * 2


def test_the_referenced_series_is_the_source_with_all_used_instances(maker: CaseMaker, out: Path) -> None:
    case = maker.case()
    (series,) = read(case, out).ReferencedSeriesSequence
    assert series.SeriesInstanceUID == SERIES
    named = [item.ReferencedSOPInstanceUID for item in series.ReferencedInstanceSequence]
    assert sorted(named) == sorted(f.facts.sop_instance_uid for f in case.volume.series.files)


def test_segments_are_right_lung_left_lung_then_lesions_with_codes_and_colours(maker: CaseMaker, out: Path) -> None:
    labels = lungs(Grid().shape)
    labels[9:11, 10:13, 6:9] = 3
    seg = read(maker.case(labels=labels, models=(LUNGS, LESIONS)), out)
    assert [(s.SegmentNumber, s.SegmentLabel) for s in seg.SegmentSequence] == [
        (1, "Right lung"),
        (2, "Left lung"),
        (3, "nodule-1"),
    ]
    codes = [s.SegmentedPropertyTypeCodeSequence[0].CodeValue for s in seg.SegmentSequence]
    assert codes == ["3341006", "44029006", "52988006"]
    assert len({tuple(s.RecommendedDisplayCIELabValue) for s in seg.SegmentSequence}) == 3
    assert [s.SegmentAlgorithmName for s in seg.SegmentSequence] == ["lungs-rule", "lungs-rule", "lesions-net"]


def test_segments_say_which_algorithm_made_them(maker: CaseMaker, out: Path) -> None:
    for segment in read(maker.case(), out).SegmentSequence:
        algorithm = segment.SegmentationAlgorithmIdentificationSequence[0]
        assert segment.SegmentAlgorithmType == "AUTOMATIC"
        assert algorithm.AlgorithmFamilyCodeSequence[0].CodeValue == "123110"
        assert (algorithm.AlgorithmName, algorithm.AlgorithmVersion) == ("lungs-rule", "1.0")
        assert segment.TrackingID == segment.SegmentLabel
        assert segment.TrackingUID.startswith("2.25.")


def test_a_missing_lung_is_not_listed_and_numbers_have_no_gap(maker: CaseMaker, out: Path) -> None:
    labels = lungs(Grid().shape)
    labels[labels == 1] = 0
    seg = read(maker.case(labels=labels), out)
    assert [(s.SegmentNumber, s.SegmentLabel) for s in seg.SegmentSequence] == [(1, "Left lung")]


def test_a_segment_that_lost_its_voxels_is_not_listed(maker: CaseMaker, out: Path) -> None:
    case = maker.case()
    case.segmentation.labels_zyx[case.segmentation.labels_zyx == 1] = 0
    seg = read(case, out)
    assert [s.SegmentLabel for s in seg.SegmentSequence] == ["Left lung"]


def test_no_voxels_make_no_segmentation_but_a_report(maker: CaseMaker, out: Path) -> None:
    case = maker.case(labels=np.zeros(Grid().shape, np.uint8))
    assert [made.kind for made in encode_results(case, out)] == ["SR"]


def test_segmentation_is_binary_of_one_bit_and_does_not_overlap(maker: CaseMaker, out: Path) -> None:
    seg = read(maker.case(), out)
    assert (seg.SegmentationType, seg.SegmentsOverlap, seg.PhotometricInterpretation) == ("BINARY", "NO", "MONOCHROME2")
    assert (seg.BitsAllocated, seg.BitsStored, seg.HighBit) == (1, 1, 0)
    assert list(seg.ImageType) == ["DERIVED", "PRIMARY"]
    assert (seg.ContentLabel, seg.BodyPartExamined, seg.LossyImageCompression) == ("LUNGNODE_SEG", "CHEST", "00")


def test_lossy_source_makes_a_lossy_segmentation_with_ratio_and_method(maker: CaseMaker, out: Path) -> None:
    def lossy(ds: Dataset) -> None:
        if ds.InstanceNumber == 5:  # one of many is enough
            ds.LossyImageCompression, ds.LossyImageCompressionRatio = "01", "12.5"
            ds.LossyImageCompressionMethod = "ISO_10918_1"

    seg = read(maker.case(edit=lossy), out)
    assert seg.LossyImageCompression == "01"
    assert (float(seg.LossyImageCompressionRatio), seg.LossyImageCompressionMethod) == (12.5, "ISO_10918_1")


def test_side_follows_the_patient_not_the_column_index(maker: CaseMaker, out: Path) -> None:
    """The grid's columns run to the patient's right: the right lung lies at high columns, and at negative x."""
    grid = GEOMETRIES["feet first, mirrored"]
    labels = lungs(grid.shape)[:, :, ::-1].copy()
    seg = highdicom.seg.segread(encode_results(maker.case(grid, labels), out)[0].path)
    volume = seg.get_volume(combine_segments=True, allow_missing_positions=True)
    centre_x = {
        number: float((volume.affine @ [*np.argwhere(volume.array == number).mean(axis=0), 1])[0]) for number in (1, 2)
    }
    label = {s.SegmentNumber: s.SegmentLabel for s in seg.SegmentSequence}
    assert (label[1], label[2]) == ("Right lung", "Left lung")
    assert centre_x[1] < centre_x[2]  # LPS: x grows towards the patient's left


def test_frames_do_not_start_on_byte_borders_where_rows_times_columns_is_odd(maker: CaseMaker, out: Path) -> None:
    grid = Grid(shape=(18, 21, 23))
    case = maker.case(grid)
    objects = encode_results(case, out)
    assert np.array_equal(mask_by_highdicom(objects[0].path, grid, grid.shape), case.segmentation.labels_zyx)


def test_segments_of_a_label_map_may_come_in_any_order_of_labels(maker: CaseMaker, out: Path) -> None:
    """The left lung with the lower label still becomes segment 2."""
    case = maker.case()
    swapped = np.choose(case.segmentation.labels_zyx, [0, 2, 1]).astype(np.uint8)
    segmentation = segmentation_of(swapped)
    renamed = tuple(
        type(s)(s.label, o.kind, o.name)
        for s, o in zip(segmentation.segments, reversed(segmentation.segments), strict=True)
    )
    case = maker.case(segmentation=type(segmentation)(swapped, renamed, segmentation.definition, segmentation.models))
    seg = highdicom.seg.segread(encode_results(case, out)[0].path)
    assert [s.SegmentLabel for s in seg.SegmentSequence] == ["Right lung", "Left lung"]
    read_back = mask_by_highdicom(out / f"SEG-{seg.SOPInstanceUID}.dcm", Grid(), Grid().shape)
    assert np.array_equal(read_back, lungs(Grid().shape))


def references(item: Dataset) -> set[tuple[str, str]]:
    """Return (class, instance) of every reference anywhere in an object."""
    found = set()
    for element in item:
        if element.VR == "SQ":
            for inner in element.value:
                found |= references(inner)
                if "ReferencedSOPInstanceUID" in inner:
                    found.add((str(inner.ReferencedSOPClassUID), str(inner.ReferencedSOPInstanceUID)))
    return found


def test_every_reference_names_a_used_image_with_its_class(maker: CaseMaker, tmp_path: Path, out: Path) -> None:
    for case in (maker.case(), enhanced_case(tmp_path / "enhanced")):
        used = {(f.facts.sop_class_uid, f.facts.sop_instance_uid) for f in case.volume.series.files}
        assert references(read(case, out)) == used


def test_a_ratio_with_many_digits_is_written_in_sixteen_characters(maker: CaseMaker, out: Path) -> None:
    def lossy(ds: Dataset) -> None:
        ds.LossyImageCompression, ds.LossyImageCompressionRatio = "01", ["10.123456789012", "12.5"]
        ds.LossyImageCompressionMethod = ["ISO_10918_1", "ISO_15444_1"]

    ratios = read(maker.case(edit=lossy), out).LossyImageCompressionRatio
    assert [str(r) for r in ratios] == ["10.123456789012", "12.5"]


def test_lossy_without_ratio_or_method_stays_lossy(maker: CaseMaker, out: Path) -> None:
    def lossy(ds: Dataset) -> None:
        ds.LossyImageCompression = "01"

    seg = read(maker.case(edit=lossy), out)
    assert seg.LossyImageCompression == "01"
    assert not seg.LossyImageCompressionRatio


def test_positions_with_more_than_sixteen_characters_become_the_nearest_of_sixteen(maker: CaseMaker, out: Path) -> None:
    case = maker.case(Grid(origin_lps_mm=(-91.2512345678901, -80.5, -300.125)))
    seg = read(case, out)
    for group in seg.PerFrameFunctionalGroupsSequence:
        written = group.PlanePositionSequence[0].ImagePositionPatient
        assert all(len(str(value)) <= 16 for value in written)
        assert float(written[0]) == pytest.approx(-91.251235, abs=1e-6)
