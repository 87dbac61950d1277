"""A reader's segmentation is read as its maker writes it, compared with ours, or refused with a code."""

from collections.abc import Callable

import numpy as np
import pytest
from pydicom.dataset import Dataset

from node.errors import Code, Refusal
from node.measure.quantity import Side
from node.review.review import Reviewed, review
from node.volume.segmentation import Grid, read_segmentation
from tests.review.readers_seg import OUR_TRACKING, Part, Scan

RLE, JPEG2000 = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.90"


def judged(scan: Scan, path, grid: Grid | None = None) -> Reviewed | Refusal:
    grid = grid or scan.grid
    return review(path, read_segmentation(path), scan.ours, grid, scan.phantom.voxel_ml, frozenset((OUR_TRACKING,)))


def codes(found: Reviewed | Refusal) -> list[str]:
    return [r.code for r in found.reasons]


def shifted(mask: np.ndarray) -> np.ndarray:
    """The mask grown by one column to the left of each row: more than was there."""
    grown = mask.copy()
    grown[:, :, :-1] |= mask[:, :, 1:]
    return grown


@pytest.mark.parametrize("maker", ["like_ohif", "like_slicer"])
def test_what_was_saved_unchanged_agrees_wholly(scan: Scan, maker: str) -> None:
    found = judged(scan, getattr(scan, maker)(scan.parts()))
    assert isinstance(found, Reviewed), found
    assert found.comparison.is_unchanged
    assert [lung.side for lung in found.comparison.lungs] == [Side.RIGHT, Side.LEFT, Side.BOTH]
    assert np.array_equal(found.drawn.labels_zyx == 1, scan.mask(1))
    assert np.array_equal(found.drawn.labels_zyx == 4, scan.mask(3))
    assert found.reasons == ()


@pytest.mark.parametrize("maker", ["like_ohif", "like_slicer"])
def test_a_lung_that_the_reader_grew_has_dice_and_both_volumes(scan: Scan, maker: str) -> None:
    grown = shifted(scan.mask(2))
    found = judged(scan, getattr(scan, maker)(scan.parts(left=grown)))
    left = next(lung for lung in found.comparison.lungs if lung.side is Side.LEFT)
    n, m = scan.mask(2).sum(), grown.sum()
    assert left.dice == pytest.approx(2 * n / (n + m))
    assert (left.ours_ml, left.readers_ml) == pytest.approx((n * scan.phantom.voxel_ml, m * scan.phantom.voxel_ml))
    assert next(lung for lung in found.comparison.lungs if lung.side is Side.RIGHT).dice == 1.0
    assert not found.comparison.is_unchanged


def test_lesions_added_and_removed_are_told_apart_from_those_that_were_changed(scan: Scan) -> None:
    added = np.zeros_like(scan.mask(3))
    added[5:7, 10:12, 20:22] = True
    parts = [*scan.parts(nodule=shifted(scan.mask(3))), Part("Tumor left", added)]
    found = judged(scan, scan.like_ohif(parts))
    by_ours = {lesion.ours: lesion for lesion in found.comparison.lesions}
    assert by_ours["nodule-1"].dice == pytest.approx(2 * 27 / (27 + 36))
    assert (by_ours[None].readers, by_ours[None].readers_mm3) == ("Tumor left", pytest.approx(8 * 8 * 5 * 5.5))
    assert (found.comparison.n_added, found.comparison.n_removed) == (1, 0)
    elsewhere = judged(scan, scan.like_ohif(scan.parts(nodule=added)))
    assert (elsewhere.comparison.n_added, elsewhere.comparison.n_removed) == (1, 1)


def test_an_added_lesion_does_not_count_against_the_lung_round_it(scan: Scan) -> None:
    inside = np.zeros_like(scan.mask(1))
    inside[tuple(np.argwhere(scan.mask(2))[0])] = True
    found = judged(scan, scan.like_ohif([*scan.parts(), Part("lesion 2", inside)]))
    assert all(lung.dice == 1.0 for lung in found.comparison.lungs)
    assert codes(found) == [Code.COR_OVERLAP]


def test_a_lesion_that_we_called_uncertain_has_the_name_without_it_as_a_readers(scan: Scan) -> None:
    found = judged(scan, scan.like_ohif([*scan.parts()[:2], Part("nodule-1 (uncertain)", scan.mask(3))]))
    assert [s.name for s in found.drawn.segments][2:] == ["nodule-1"]


def test_lungs_alone_say_nothing_of_lesions_unless_the_object_was_made_from_ours(scan: Scan) -> None:
    alone = judged(scan, scan.like_ohif(scan.parts()[:2]))
    assert (alone.comparison.lesions_judged, codes(alone)) == (False, [Code.COR_PARTIAL])
    ours = [Part("Right lung", scan.mask(1), "right", tracking_uid=OUR_TRACKING), *scan.parts()[1:2]]
    edited = judged(scan, scan.like_ohif(ours))
    assert (edited.comparison.n_removed, codes(edited)) == (1, [])


def test_lesions_alone_say_nothing_of_lungs(scan: Scan) -> None:
    found = judged(scan, scan.like_ohif(scan.parts()[2:]))
    assert (found.comparison.lungs_judged, found.comparison.lungs, codes(found)) == (False, (), [Code.COR_PARTIAL])
    assert found.comparison.is_unchanged


def test_one_segment_for_both_lungs_is_compared_as_both(scan: Scan) -> None:
    found = judged(scan, scan.like_ohif([Part("Lungs", scan.mask(1) | scan.mask(2), "lung"), *scan.parts()[2:]]))
    assert [(lung.side, lung.dice) for lung in found.comparison.lungs] == [(Side.BOTH, 1.0)]


def test_lobes_by_name_make_their_lung(scan: Scan) -> None:
    upper = scan.mask(2).copy()
    upper[:10] = False
    parts = [Part("lung_upper_lobe_left", upper), Part("lung_lower_lobe_left", scan.mask(2) & ~upper)]
    found = judged(scan, scan.like_ohif([*scan.parts()[:1], *parts]))
    assert next(lung for lung in found.comparison.lungs if lung.side is Side.LEFT).dice == 1.0
    assert next(s for s in found.drawn.segments if s.label == 2).numbers == (2, 3)


def test_unknown_names_are_left_out_and_named_by_number(scan: Scan) -> None:
    found = judged(scan, scan.like_ohif([*scan.parts(), Part("Segment 4", scan.mask(3))]))
    assert codes(found) == [Code.COR_SEGMENT]
    assert "segments 4" in found.reasons[0].text
    only = judged(scan, scan.like_ohif([Part("Miller", scan.mask(1))]))
    assert isinstance(only, Refusal)
    assert codes(only) == [Code.COR_SEGMENT]
    assert "Miller" not in str(only)


def test_an_empty_segment_is_a_removed_lesion_and_an_empty_object_is_refused(scan: Scan) -> None:
    nothing = np.zeros_like(scan.mask(3))
    found = judged(scan, scan.like_ohif(scan.parts(nodule=nothing)))
    assert (found.comparison.n_removed, codes(found)) == (1, [Code.COR_EMPTY])

    def without_frames(ds: Dataset) -> None:
        ds.PixelData = bytes(len(ds.PixelData))

    empty = judged(scan, scan.like_ohif(scan.parts(), change=without_frames))
    assert isinstance(empty, Refusal)
    assert codes(empty) == [Code.COR_EMPTY]


@pytest.mark.parametrize(
    ("kind", "syntax", "expected"),
    [
        pytest.param("LABELMAP", "1.2.840.10008.1.2.1", [], id="label map"),
        pytest.param("LABELMAP", RLE, [], id="compressed label map"),
        pytest.param("LABELMAP", JPEG2000, [], id="label map in JPEG 2000"),
        pytest.param("FRACTIONAL", "1.2.840.10008.1.2.1", [Code.COR_FRACTION], id="fractional"),
        pytest.param("FRACTIONAL", RLE, [Code.COR_FRACTION], id="compressed fractional"),
        pytest.param("BINARY", "1.2.840.10008.1.2.1.99", [], id="deflated"),
    ],
)
def test_every_kind_and_compression_reads_the_same(scan: Scan, kind: str, syntax: str, expected: list[Code]) -> None:
    found = judged(scan, scan.like_ohif(scan.parts(), kind=kind, syntax=syntax))
    assert isinstance(found, Reviewed), found
    assert found.comparison.is_unchanged
    assert codes(found) == expected


def moved(ds: Dataset) -> None:
    for group in ds.PerFrameFunctionalGroupsSequence:
        x, y, z = group.PlanePositionSequence[0].ImagePositionPatient
        group.PlanePositionSequence[0].ImagePositionPatient = [x + 1, y, z]


def outside(ds: Dataset) -> None:
    position = ds.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0]
    position.ImagePositionPatient = [*position.ImagePositionPatient[:2], 5000]


def other_spacing(ds: Dataset) -> None:
    ds.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = [3.5, 7.5]


def turned(ds: Dataset) -> None:
    ds.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient = [1, 0, 0, 0, -1, 0]


def other_frame(ds: Dataset) -> None:
    ds.FrameOfReferenceUID = "1.2.3.4"


def lost(ds: Dataset) -> None:
    del ds.PerFrameFunctionalGroupsSequence[3:]


def without_position(ds: Dataset) -> None:
    del ds.PerFrameFunctionalGroupsSequence[2].PlanePositionSequence


def unknown_kind(ds: Dataset) -> None:
    ds.SegmentationType = "SURFACE"


def cut_off(ds: Dataset) -> None:
    ds.PixelData = ds.PixelData[:40]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (moved, Code.COR_GEOM), (outside, Code.COR_GEOM), (other_spacing, Code.COR_GEOM), (turned, Code.COR_GEOM),
        (lost, Code.COR_GEOM), (without_position, Code.COR_GEOM), (unknown_kind, Code.COR_GEOM),
        (other_frame, Code.COR_FOR), (cut_off, Code.PIX_TRUNC),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused(scan: Scan, change: Callable[[Dataset], None], code: Code) -> None:
    found = judged(scan, scan.like_ohif(scan.parts(), change=change))
    assert isinstance(found, Refusal)
    assert codes(found) == [code]


def test_another_matrix_is_refused(scan: Scan) -> None:
    n, rows, columns = scan.phantom.shape_zyx
    grid = Grid((n, rows, columns + 1), scan.phantom.lps_from_zyx, scan.grid.frame_of_reference_uid)
    assert codes(judged(scan, scan.like_ohif(scan.parts()), grid)) == [Code.COR_GEOM]


def test_other_software_is_no_reader_unless_it_kept_our_tracking(scan: Scan) -> None:
    foreign = [Part(p.label, p.mask_zyx, p.code, "AUTOMATIC") for p in scan.parts()]
    assert codes(judged(scan, scan.like_ohif(foreign))) == [Code.COR_SOFTWARE]
    ours = [Part(p.label, p.mask_zyx, p.code, "AUTOMATIC", OUR_TRACKING) for p in scan.parts()]
    assert isinstance(judged(scan, scan.like_ohif(ours)), Reviewed)


def test_the_reader_and_the_time_are_read(scan: Scan) -> None:
    facts = read_segmentation(scan.like_ohif(scan.parts()))
    assert (facts.reader, facts.saved_at) == ("Reader^Ruth", "20260304121314")
    assert "OHIF" in facts.software
    assert len(facts.series_of_sources) == 1
    assert read_segmentation(scan.like_slicer(scan.parts())).reader == "Slicer^Sam"
