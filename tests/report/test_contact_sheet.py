"""The contact sheet: the patient's right is on the left, and outlines lie where the masks are."""

import numpy as np
import pytest
from PIL import Image

from node.report.contact_sheet import contact_sheet
from node.segment.contract import LungDefinition, Segment, Segmentation, SegmentKind
from node.volume.volume import Volume

SEGMENTS = (Segment(1, SegmentKind.RIGHT_LUNG, "Right lung"), Segment(2, SegmentKind.LEFT_LUNG, "Left lung"))
RED, BLUE = (255, 96, 64), (64, 176, 255)


@pytest.fixture(params=[1.0, -1.0], ids=["columns to the left", "columns to the right"])
def sheet(request, tmp_path):
    """A body with its right lung at negative x, drawn as PNG: (rows, columns, 3)."""
    matrix = np.eye(4)
    matrix[:3, :3] = [[0.0, 0.0, 2.0 * request.param], [0.0, 2.0, 0.0], [5.0, 0.0, 0.0]]
    labels = np.zeros((30, 100, 100), np.uint8)
    labels[5:25, 30:70, 10:40], labels[5:25, 30:70, 60:90] = 1, 2
    if request.param < 0:
        labels = np.where(labels > 0, 3 - labels, 0).astype(np.uint8)
    hu = np.where(labels > 0, -850, 30).astype(np.int16)
    volume = Volume(hu, matrix, (), None, 0.0, (), None)
    contact_sheet(volume, Segmentation(labels, SEGMENTS, LungDefinition.WITH_LESIONS, ()), tmp_path / "sheet.png")
    return np.asarray(Image.open(tmp_path / "sheet.png"))


def columns_of(tile, colour):
    return np.nonzero((tile == colour).all(axis=2))[1]


def test_a_sheet_has_five_tiles_across_and_four_down_and_a_line_of_text(sheet):
    assert sheet.shape == (4 * 256 + 18, 5 * 256, 3)
    assert (sheet[4 * 256 :] > 200).any()


def test_the_patients_right_lung_is_drawn_on_the_left(sheet):
    tile = sheet[256:512, 256:512]
    assert columns_of(tile, RED).max() < columns_of(tile, BLUE).min()


def test_outlines_lie_on_the_border_of_the_mask(sheet):
    tile = sheet[256:512, 256:512]
    found = columns_of(tile, RED)
    assert (found.min(), found.max()) == (pytest.approx(25.6, abs=1.5), pytest.approx(101.4, abs=1.5))
