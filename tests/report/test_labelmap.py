"""The label map, as highdicom and pydicom read it."""

from pathlib import Path

import highdicom
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from node.errors import OurMistake
from node.report.check import self_check
from node.report.encode import ReportInput, encode_results
from node.report.encoded import EncodedObject
from node.settings import Objects
from tests.report.conftest import CaseMaker, groups_of
from tests.report.lesion_case import GRID, lesion_case
from tests.report.test_lesion_sr import template, tracking


def labelmap(maker: CaseMaker, out: Path) -> tuple[ReportInput, tuple[EncodedObject, ...]]:
    case = lesion_case(maker, objects=Objects(seg_type="labelmap"))
    return case, encode_results(case, out)


def test_a_label_map_has_one_value_per_segment_and_describes_the_background(maker: CaseMaker, out: Path) -> None:
    case, objects = labelmap(maker, out)
    seg = dcmread(objects[0].path)
    assert (seg.SOPClassUID, seg.SegmentationType) == ("1.2.840.10008.5.1.4.1.1.66.7", "LABELMAP")
    assert [s.SegmentNumber for s in seg.SegmentSequence] == [0, 1, 2, 3, 4, 5]
    assert [s.SegmentLabel for s in seg.SegmentSequence][3:] == ["nodule-2", "nodule-1", "nodule-3"]
    labels = case.segmentation.labels_zyx
    expected = {1: 1, 2: 2, 4: 3, 3: 4, 5: 5}
    numbers = np.vectorize(lambda label: expected.get(label, 0))(labels)
    for frame, group in zip(seg.pixel_array, seg.PerFrameFunctionalGroupsSequence, strict=True):
        z = round((group.PlanePositionSequence[0].ImagePositionPatient[2] - GRID.origin_lps_mm[2]) / GRID.step_mm)
        assert np.array_equal(frame, numbers[z])
    assert seg.NumberOfFrames == int((labels > 0).any(axis=(1, 2)).sum())


def test_highdicom_reads_the_label_map(maker: CaseMaker, out: Path) -> None:
    case, objects = labelmap(maker, out)
    volume = highdicom.seg.segread(objects[0].path).get_volume(combine_segments=True, allow_missing_positions=True)
    assert int((volume.array == 3).sum()) == int((case.segmentation.labels_zyx == 4).sum())


def test_solid_components_are_left_out_of_segmentation_and_report(maker: CaseMaker, out: Path) -> None:
    case, objects = labelmap(maker, out)
    groups = groups_of(dcmread(objects[1].path))
    assert not any("solid" in tracking(group)[0] for group in groups)
    assert sum(template(group) == "1411" for group in groups) == 5
    self_check(objects, case.volume, case.segmentation, case.quantities, case.lesions)


def other_value(seg: Dataset) -> None:
    pixels = np.frombuffer(seg.PixelData, np.uint8).copy()
    pixels[np.nonzero(pixels == 3)[0][0]] = 1
    seg.PixelData = pixels.tobytes()


def unknown_value(seg: Dataset) -> None:
    pixels = np.frombuffer(seg.PixelData, np.uint8).copy()
    pixels[0] = 77
    seg.PixelData = pixels.tobytes()


def one_slice_off(seg: Dataset) -> None:
    position = seg.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0]
    position.ImagePositionPatient = [*position.ImagePositionPatient[:2], position.ImagePositionPatient[2] + 5.0]


def too_short(seg: Dataset) -> None:
    seg.PixelData = seg.PixelData[:-2]


@pytest.mark.parametrize(
    ("edit", "says"),
    [(other_value, "voxels"), (unknown_value, "not described"), (one_slice_off, "one slice"), (too_short, "length")],
    ids=["voxel", "value", "position", "length"],
)
def test_a_fault_in_the_label_map_is_noticed(maker: CaseMaker, out: Path, edit: object, says: str) -> None:
    case, objects = labelmap(maker, out)
    seg = dcmread(objects[0].path)
    edit(seg)
    seg.save_as(objects[0].path)
    with pytest.raises(OurMistake, match=says):
        self_check(objects, case.volume, case.segmentation, case.quantities, case.lesions)
