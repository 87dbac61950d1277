"""The self-check: silent about what we write, and loud about every way in which a file can differ."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from node.errors import Code, OurMistake
from node.measure.quantity import Name
from node.report.check import self_check
from node.report.encode import ReportInput, encode_results
from node.report.encoded import EncodedObject
from tests.report.conftest import (
    LESIONS,
    LUNGS,
    CaseMaker,
    Grid,
    children,
    enhanced_case,
    groups_of,
    lungs,
    withheld,
)

Edit = Callable[[Dataset], None]


def check(case: ReportInput, objects: tuple[EncodedObject, ...]) -> None:
    self_check(objects, case.volume, case.segmentation, case.quantities)


def edited(made: EncodedObject, edit: Edit) -> None:
    """Change a written file."""
    ds = dcmread(made.path)
    edit(ds)
    ds.save_as(made.path)


def frame(ds: Dataset, index: int = 0) -> Dataset:
    return ds.PerFrameFunctionalGroupsSequence[index]


def flip_a_voxel(ds: Dataset) -> None:
    pixels = bytearray(ds.PixelData)
    pixels[40] ^= 0b100
    ds.PixelData = bytes(pixels)


def move_a_frame(ds: Dataset) -> None:
    frame(ds).PlanePositionSequence[0].ImagePositionPatient = [-91.25, -80.5, -300.125]


def shift_in_the_plane(ds: Dataset) -> None:
    for group in ds.PerFrameFunctionalGroupsSequence:
        x, y, z = group.PlanePositionSequence[0].ImagePositionPatient
        group.PlanePositionSequence[0].ImagePositionPatient = [x + 0.7, y, z]


def swap_segments(ds: Dataset) -> None:
    for group in ds.PerFrameFunctionalGroupsSequence:
        item = group.SegmentIdentificationSequence[0]
        item.ReferencedSegmentNumber = 3 - item.ReferencedSegmentNumber


def name_another_source(ds: Dataset) -> None:
    other = frame(ds, 3).DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
    frame(ds).DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID = other


def turn(ds: Dataset) -> None:
    ds.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient = [0, 1, 0, 1, 0, 0]


def other_spacing(ds: Dataset) -> None:
    ds.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].PixelSpacing = [0.8, 0.71]


def other_step(ds: Dataset) -> None:
    ds.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SpacingBetweenSlices = 1.0


def cut_pixels(ds: Dataset) -> None:
    ds.PixelData = ds.PixelData[:-2]


def drop_a_group(ds: Dataset) -> None:
    del ds.PerFrameFunctionalGroupsSequence[-1]


def repeat_a_frame(ds: Dataset) -> None:
    frame(ds, 1).PlanePositionSequence[0] = frame(ds).PlanePositionSequence[0]


def out_of_the_volume(ds: Dataset) -> None:
    frame(ds).PlanePositionSequence[0].ImagePositionPatient = [-91.25, -80.5, -400.125]


def beside_its_slice(ds: Dataset) -> None:
    x, y, z = frame(ds).PlanePositionSequence[0].ImagePositionPatient
    frame(ds).PlanePositionSequence[0].ImagePositionPatient = [x, y, z + 0.9]


def rename(ds: Dataset) -> None:
    ds.SegmentSequence[0].SegmentLabel = "Liver"


def other_type(ds: Dataset) -> None:
    ds.SegmentationType = "FRACTIONAL"


def other_matrix(ds: Dataset) -> None:
    ds.Rows, ds.Columns = ds.Columns, ds.Rows


def overlap(ds: Dataset) -> None:
    """Put the first frame's bits into the other segment on the same slice as well."""
    groups = ds.PerFrameFunctionalGroupsSequence
    by_place = {
        (
            g.SegmentIdentificationSequence[0].ReferencedSegmentNumber,
            str(g.PlanePositionSequence[0].ImagePositionPatient),
        ): i
        for i, g in enumerate(groups)
    }
    first, second = next((by_place[(1, p)], by_place[(2, p)]) for n, p in by_place if n == 1 and (2, p) in by_place)
    n_bytes = ds.Rows * ds.Columns // 8
    pixels = bytearray(ds.PixelData)
    pixels[second * n_bytes : (second + 1) * n_bytes] = pixels[first * n_bytes : (first + 1) * n_bytes]
    ds.PixelData = bytes(pixels)


SEG_FAULTS: dict[str, tuple[Edit, str]] = {
    "one voxel": (flip_a_voxel, "1 voxels"),
    "a frame on another slice": (move_a_frame, "voxels"),
    "all frames shifted in the plane": (shift_in_the_plane, "beside its slice"),
    "left and right swapped": (swap_segments, "voxels"),
    "another source image": (name_another_source, "another source image"),
    "orientation": (turn, "orientation"),
    "spacing": (other_spacing, "spacing"),
    "step": (other_step, "slice spacing"),
    "pixels cut": (cut_pixels, "another length"),
    "a functional group missing": (drop_a_group, "number of frames"),
    "a frame twice": (repeat_a_frame, "two frames"),
    "a frame outside": (out_of_the_volume, "outside"),
    "a frame between slices": (beside_its_slice, "beside its slice"),
    "an unknown segment": (rename, "not one of those"),
    "another type": (other_type, "not BINARY"),
    "another matrix": (other_matrix, "rows and columns"),
    "overlap": (overlap, "overlap"),
}


@pytest.mark.parametrize(("edit", "says"), SEG_FAULTS.values(), ids=SEG_FAULTS.keys())
def test_a_fault_in_the_segmentation_stops_the_delivery(maker: CaseMaker, out: Path, edit: Edit, says: str) -> None:
    case = maker.case()
    objects = encode_results(case, out)
    check(case, objects)
    edited(objects[0], edit)
    with pytest.raises(OurMistake, match=says) as caught:
        check(case, objects)
    assert caught.value.code == "SELF-CHECK"


def other_volume(ds: Dataset) -> None:
    measured = children(groups_of(ds)[0], "118565006")[0].MeasuredValueSequence[0]
    measured.FloatingPointValue = measured.FloatingPointValue * (1 + 3e-6)


def other_side(ds: Dataset) -> None:
    right, left = (children(children(g, "363698007")[0], "272741003")[0] for g in groups_of(ds)[:2])
    right.ConceptCodeSequence, left.ConceptCodeSequence = left.ConceptCodeSequence, right.ConceptCodeSequence


def drop_a_number(ds: Dataset) -> None:
    group = groups_of(ds)[1]
    group.ContentSequence.remove(children(group, "LN-PERC15")[0])


def other_tracking(ds: Dataset) -> None:
    children(groups_of(ds)[0], "112040")[0].UID = "2.25.1"


def foreign_number(ds: Dataset) -> None:
    children(groups_of(ds)[0], "118565006")[0].ConceptNameCodeSequence[0].CodeValue = "410668003"


def no_measurements(ds: Dataset) -> None:
    ds.ContentSequence.pop()


def two_sites(ds: Dataset) -> None:
    group = groups_of(ds)[0]
    group.ContentSequence.append(children(group, "363698007")[0])


SR_FAULTS: dict[str, tuple[Edit, str]] = {
    "a number off by three in a million": (other_volume, "in the report"),
    "sides swapped": (other_side, "in the report"),
    "a number missing": (drop_a_number, "left/perc15"),
    "tracking": (other_tracking, "tracking"),
    "a number that is not ours": (foreign_number, "not one of ours"),
    "no measurements": (no_measurements, "container"),
    "two sites": (two_sites, "363698007"),
}


@pytest.mark.parametrize(("edit", "says"), SR_FAULTS.values(), ids=SR_FAULTS.keys())
def test_a_fault_in_the_report_stops_the_delivery(maker: CaseMaker, out: Path, edit: Edit, says: str) -> None:
    case = maker.case()
    objects = encode_results(case, out)
    edited(objects[1], edit)
    with pytest.raises(OurMistake, match=says) as caught:
        check(case, objects)
    assert caught.value.code == "SELF-CHECK"


@pytest.mark.parametrize("name", list(Name))
def test_each_quantity_is_recomputed(maker: CaseMaker, out: Path, name: Name) -> None:
    case = maker.case()
    wrong = tuple(replace(q, value=q.value + 0.001) if q.name is name else q for q in case.quantities)
    case = replace(case, quantities=wrong)
    with pytest.raises(OurMistake, match=name.value):
        check(case, encode_results(case, out))


def test_voxels_without_a_segmentation_stop_the_delivery(maker: CaseMaker, out: Path) -> None:
    case = maker.case()
    with pytest.raises(OurMistake, match="no segmentation"):
        check(case, encode_results(case, out)[1:])


def test_withheld_numbers_are_not_missed(maker: CaseMaker, out: Path) -> None:
    case = maker.case()
    case = replace(case, quantities=withheld(case.quantities, {Name.PERC15, Name.PD15}, Code.ACQ_KERNEL))
    check(case, encode_results(case, out))


def test_a_case_without_masks_passes(maker: CaseMaker, out: Path) -> None:
    case = maker.case(labels=np.zeros((20, 24, 28), np.uint8))
    check(case, encode_results(case, out))


def test_lungs_with_a_lesion_between_them_pass(maker: CaseMaker, out: Path) -> None:
    labels = lungs((20, 24, 28))
    labels[9:11, 10:13, 6:9] = 3
    case = maker.case(labels=labels, models=(LUNGS, LESIONS))
    check(case, encode_results(case, out))


def test_one_lung_alone_passes_though_its_number_differs_from_its_label(maker: CaseMaker, out: Path) -> None:
    labels = lungs((20, 24, 28))
    labels[labels == 1] = 0
    case = maker.case(labels=labels)
    check(case, encode_results(case, out))


def test_an_enhanced_source_passes(tmp_path: Path, out: Path) -> None:
    case = enhanced_case(tmp_path / "enhanced")
    check(case, encode_results(case, out))


@pytest.mark.parametrize("shape", [(18, 21, 23), (17, 19, 21)], ids=["odd bits", "odd bits and bytes"])
def test_frames_that_start_inside_a_byte_pass(maker: CaseMaker, out: Path, shape: tuple[int, int, int]) -> None:
    case = maker.case(Grid(shape=shape))
    check(case, encode_results(case, out))
