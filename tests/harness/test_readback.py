"""What is read back is what the report and the mask say."""

import numpy as np
import pytest
from PIL import Image

from node.errors import WorldUnavailable
from node.harness.overlay import write_overlay
from node.harness.readback import Found, read_comments, read_rows

NAMES = {"lung_volume": "Volume", "mean_lung_density": "Attenuation Coefficient, mean"}
REGIONS = {"right": "Right lung", "left": "Left lung", "both": "Both lungs"}


def test_the_numbers_of_the_report_are_those_that_were_measured(analysed):
    rows = {(row.what, row.where): row.value for row in read_rows(analysed.report)}
    whole = [m for m in analysed.result["measurements"] if m["zone"] is None]
    measured = [m for m in whole if m["name"] in NAMES and m["value"] is not None]
    assert len(measured) >= 3
    for m in measured:
        assert rows[NAMES[m["name"]], REGIONS[m["side"]]] == pytest.approx(m["value"], abs=1e-6)


def test_units_are_those_that_people_use(analysed):
    assert {row.unit for row in read_rows(analysed.report)} <= {"ml", "HU", "%", "g/l"}


def test_the_report_says_what_it_is_not_for(analysed):
    assert "AI result - not for diagnosis; requires physician review" in read_comments(analysed.report)


def test_the_overlay_shows_the_right_lung_on_the_left(analysed, tmp_path):
    write_overlay(analysed.seg, analysed.images, tmp_path / "overlay.png")
    tile = np.asarray(Image.open(tmp_path / "overlay.png").convert("RGB")).astype(int)[512:768, 0:256]
    red, blue = tile[:, :, 0] - tile[:, :, 2] > 80, tile[:, :, 2] - tile[:, :, 0] > 80
    assert red.sum() > 50
    assert blue.sum() > 50
    assert np.nonzero(red)[1].mean() < np.nonzero(blue)[1].mean()


def test_another_scan_is_not_drawn_on(analysed, tmp_path):
    (tmp_path / "other").mkdir()
    with pytest.raises(WorldUnavailable, match="does not hold the series"):
        write_overlay(analysed.seg, tmp_path / "other", tmp_path / "overlay.png")


@pytest.mark.parametrize(
    ("found", "complete"),
    [
        (Found(), False),
        (Found(seg=b"x"), False),
        (Found(report=b"x"), False),
        (Found(seg=b"x", report=b"x"), True),
        (Found(notice=b"x"), True),
    ],
    ids=["nothing", "mask alone", "numbers alone", "both", "notice"],
)
def test_waiting_ends_with_both_objects_or_a_notice(found, complete):
    assert found.complete is complete
