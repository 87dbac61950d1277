"""One picture a case: outlines in their colours, regions of low confidence apart, a bar for each slice."""

import numpy as np
from PIL import Image

from node.learn.lesion_pictures import write_pictures
from node.learn.lesion_set import LesionSet
from node.learn.planes import Plane

GREEN, YELLOW, RED, MAGENTA, GREY = (0, 220, 0), (240, 220, 0), (255, 40, 40), (255, 0, 255), (120, 120, 120)


def has(picture: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((picture == colour).all(-1).any())


def run_of_three() -> LesionSet:
    hu = np.full((64, 64), -800, np.int16)
    tumour = np.zeros((64, 64), np.uint8)
    tumour[20:40, 20:40] = 1
    nothing = np.zeros_like(tumour)
    planes = tuple(Plane(f"{z}", "A", "hu8", hu, tumour if z == 1 else nothing, "A", z, None) for z in range(3))
    return LesionSet(planes, np.arange(3), np.arange(3))


def test_a_case_is_drawn_once_with_what_is_of_low_confidence_apart(tmp_path):
    ours = np.zeros((64, 64), np.float32)
    ours[22:38, 22:38] = 0.9
    ours[50:60, 50:60] = 0.5  # low, but above the threshold
    theirs = np.zeros((64, 64), np.float32)
    theirs[10:30, 10:30] = 1.0
    empty = np.zeros((64, 64), np.float32)

    (path,) = write_pictures(
        run_of_three(), [(0, empty), (1, ours), (2, empty)], [(1, theirs)], 0.3, tmp_path / "pictures"
    )

    picture = np.asarray(Image.open(path))
    slice_yx, bars = picture[:512], picture[512:]
    assert path.name == "hu8-A.png"
    assert all(has(slice_yx, colour) for colour in (GREEN, YELLOW, RED, MAGENTA))
    assert has(slice_yx[400:480, 400:480], MAGENTA)
    assert not has(slice_yx[:380, :380], MAGENTA)
    assert has(bars, GREEN)  # the slice with the tumour
    assert has(bars[:, :160], GREY) is False  # nothing is said of the first


def test_a_case_without_a_tumour_is_not_drawn(tmp_path):
    data = run_of_three()
    empty = LesionSet(data.planes[:1], np.arange(1), np.arange(1))

    assert write_pictures(empty, [(0, np.ones((64, 64), np.float32))], None, 0.5, tmp_path) == ()
