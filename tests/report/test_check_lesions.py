"""The self-check on lesions: each way in which a report or a segmentation may lie about them is noticed."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from node.errors import OurMistake
from node.report.check import self_check
from node.report.encode import ReportInput, encode_results
from node.report.encoded import EncodedObject
from node.report.plain_axes import plain_axes
from tests.report.conftest import CaseMaker, children
from tests.report.lesion_case import lesion_case
from tests.report.test_lesion_sr import group_of


def check(case: ReportInput, objects: tuple[EncodedObject, ...]) -> None:
    self_check(objects, case.volume, case.segmentation, case.quantities, case.lesions)


def scaled(concept: str, kind: str, factor: float = 1.001) -> Callable[[Dataset], None]:
    def edit(report: Dataset) -> None:
        measured = children(group_of(report, "nodule-1", kind), concept)[0].MeasuredValueSequence[0]
        measured.FloatingPointValue = measured.FloatingPointValue * factor

    return edit


def line_of(report: Dataset, concept: str) -> Dataset:
    return children(group_of(report, "nodule-1", "1501"), concept)[0].ContentSequence[0]


def half_a_pixel_off(report: Dataset) -> None:
    for concept in ("103339001", "103340004"):
        line = line_of(report, concept)
        line.GraphicData = [v - 0.5 for v in line.GraphicData]


def rows_for_columns(report: Dataset) -> None:
    line = line_of(report, "103339001")
    ax, ay, bx, by = line.GraphicData
    line.GraphicData = [ay, ax, by, bx]


def not_perpendicular(report: Dataset) -> None:
    line, long = line_of(report, "103340004"), line_of(report, "103339001")
    length = np.hypot(line.GraphicData[2] - line.GraphicData[0], line.GraphicData[3] - line.GraphicData[1])
    ax, ay, bx, by = long.GraphicData
    along = np.array([bx - ax, by - ay]) / np.hypot(bx - ax, by - ay) * length
    line.GraphicData = [ax, ay, ax + float(along[0]), ay + float(along[1])]


def other_image(report: Dataset) -> None:
    sop = line_of(report, "103339001").ContentSequence[0].ReferencedSOPSequence[0]
    sop.ReferencedSOPInstanceUID = sop.ReferencedSOPInstanceUID + "9"


def not_drawn(report: Dataset) -> None:
    container = report.ContentSequence[-1]
    container.ContentSequence.remove(group_of(report, "nodule-1", "1501"))


def number_gone(report: Dataset) -> None:
    group = group_of(report, "nodule-1")
    group.ContentSequence.remove(children(group, "L0JK")[0])


FAULTS = {
    "voxel volume": (scaled("YEKZ", "1411"), "nodule-1/voxel_volume"),
    "mesh volume": (scaled("RNU0", "1411"), "nodule-1/mesh_volume"),
    "long axis": (scaled("103339001", "1411"), "nodule-1/long_axis"),
    "attenuation": (scaled("112031", "1411", 1.1), "nodule-1/mean_hu"),
    "drawn length": (scaled("103340004", "1501", 1.01), "drawn short_axis"),
    "half a pixel": (half_a_pixel_off, "outline"),
    "rows for columns": (rows_for_columns, "perpendicular|outline"),
    "not perpendicular": (not_perpendicular, "perpendicular"),
    "image": (other_image, "wrong image"),
    "not drawn": (not_drawn, "drawn"),
    "missing": (number_gone, "nodule-1/feret"),
}


@pytest.mark.parametrize(("edit", "says"), FAULTS.values(), ids=FAULTS.keys())
def test_a_fault_in_the_report_is_noticed(
    maker: CaseMaker, out: Path, edit: Callable[[Dataset], None], says: str
) -> None:
    case = lesion_case(maker)
    objects = encode_results(case, out)
    report = dcmread(objects[1].path)
    edit(report)
    report.save_as(objects[1].path)
    with pytest.raises(OurMistake, match=says) as caught:
        check(case, objects)
    assert caught.value.code == "SELF-CHECK"


def test_what_was_measured_wrongly_is_noticed_though_the_report_says_it(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    first = case.lesions[0]
    axes = replace(first.size.axes, long_mm=first.size.axes.long_mm + 0.01)
    wrong = replace(case, lesions=(replace(first, size=replace(first.size, axes=axes)), *case.lesions[1:]))
    with pytest.raises(OurMistake, match="long_axis from the SEG"):
        check(wrong, encode_results(wrong, out))


def test_another_solid_component_than_the_measured_one_is_not_written(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    first = case.lesions[0]
    wrong = replace(case, lesions=(replace(first, solid=replace(first.solid, n_voxels=3)), *case.lesions[1:]))
    with pytest.raises(OurMistake, match="solid component") as caught:
        encode_results(wrong, out)
    assert caught.value.code == "SOLID-PART"


def test_segments_that_overlap_unannounced_are_noticed(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    objects = encode_results(case, out)
    seg = dcmread(objects[0].path)
    assert seg.SegmentsOverlap == "YES"
    seg.SegmentsOverlap = "NO"
    seg.save_as(objects[0].path)
    with pytest.raises(OurMistake, match="overlap"):
        check(case, objects)


def test_a_solid_component_that_is_not_written_is_noticed(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    without = replace(case, lesions=tuple(replace(lesion, solid=None) for lesion in case.lesions))
    objects = encode_results(without, out)
    with pytest.raises(OurMistake, match="nodule-2-solid"):
        check(case, objects)


def test_plain_axes_of_a_bar_are_its_length_and_width() -> None:
    mask = np.zeros((3, 9, 9), bool)
    mask[1, 4, 2:7] = True
    axes = plain_axes(mask, (1.0, 2.0, 3.0))
    assert (axes.long_mm, axes.short_mm, axes.slices) == (15.0, 2.0, frozenset({1}))
