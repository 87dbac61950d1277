"""One slice as a picture: windowed, with square pixels, outlines, axes, direction letters and a scale.

The slice lies as its source stores it; letters at the borders say where right, left, front and back of the patient are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from node.report.contours import outlines
from node.report.fonts import picture_font

Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]  # first row, first column, end row, end column
Pixel = tuple[float, float]  # across and down in the picture
Edges = tuple[float, float, float, float]  # left, top, right, bottom in the picture

LUNG_WINDOW_HU = (-1350.0, 150.0)  # centre -600, width 1500
SOFT_WINDOW_HU = (-160.0, 240.0)  # centre 40, width 400
BLACK, WHITE, YELLOW, GREY = (0, 0, 0), (255, 255, 255), (255, 224, 0), (150, 150, 150)
_DIRECTIONS = (("R", "L"), ("A", "P"), ("F", "H"))  # towards low and high x, y, z of LPS
_SCALE_MM = 20.0
_MARGIN = 6
_DIAGONAL = 0.7  # of a circle's radius: where its name touches it
_DASH, _GAP = 6.0, 4.0
_GAPS = 5  # how many times its height a name may go away from what it names, with one less
_EDGE = 2  # pixels of black round letters, so that they can be read on bright tissue


@dataclass(frozen=True, slots=True)
class Plane:
    """Hounsfield values of one plane, (rows, columns) int16, and how it lies in the patient.

    `spacing_yx_mm` is between pixels; `row_lps` and `column_lps` are the directions in which columns and rows grow.
    """

    hu_yx: NDArray[np.int16]
    spacing_yx_mm: tuple[float, float]
    row_lps: Sequence[float]
    column_lps: Sequence[float]


@dataclass(frozen=True, slots=True)
class Outlined:
    """A mask to be outlined in a colour, in dashes where it is uncertain; `name` is written beside it."""

    mask_yx: NDArray[np.bool_]
    colour: Colour
    width: int = 2
    name: str = ""
    is_dashed: bool = False


@dataclass(frozen=True, slots=True)
class Ring:
    """A circle round a (row, column) point; `name` is written beside it."""

    centre_yx: tuple[float, float]
    radius_mm: float
    colour: Colour
    name: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line between two (row, column) points."""

    ends_yx: tuple[tuple[float, float], tuple[float, float]]
    colour: Colour


def draw_panel(
    plane: Plane,
    size: int,
    window_hu: tuple[float, float],
    *,
    outlined: Iterable[Outlined | Ring] = (),
    lines: Iterable[Line] = (),
    box: Box | None = None,
    caption: str = "",
    frame: Box | None = None,
) -> Image.Image:
    """Draw a plane into a square of `size` pixels.

    Parameters
    ----------
    box : the part that is shown; None for all of it.
    frame : a part that is framed, to show where another picture was taken from.
    """
    top, left, bottom, right = box or (0, 0, *plane.hu_yx.shape)
    down_mm, across_mm = plane.spacing_yx_mm
    scale = size / max((bottom - top) * down_mm, (right - left) * across_mm)
    shown = max(1, round((right - left) * across_mm * scale)), max(1, round((bottom - top) * down_mm * scale))
    offset = (size - shown[0]) // 2, (size - shown[1]) // 2

    def at(y: float, x: float) -> tuple[float, float]:
        """Return where an index lies in the picture."""
        return (
            offset[0] + (x + 0.5 - left) * across_mm * scale,
            offset[1] + (y + 0.5 - top) * down_mm * scale,
        )

    low, high = window_hu
    grey = (np.clip((plane.hu_yx[top:bottom, left:right] - low) / (high - low), 0.0, 1.0) * 255.0).astype(np.uint8)
    picture = Image.new("RGB", (size, size))
    picture.paste(Image.fromarray(grey).resize(shown, Image.Resampling.BILINEAR).convert("RGB"), offset)
    draw = ImageDraw.Draw(picture)
    named: list[tuple[Edges, str]] = []
    for each in outlined:
        if isinstance(each, Ring):
            (x, y), radius = at(*each.centre_yx), each.radius_mm * scale
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=each.colour, width=2)
            half = radius * _DIAGONAL
            named.append(((x - half, y - half, x + half, y + half), each.name))
            continue
        for loop in outlines(each.mask_yx):
            points = [at(y, x) for y, x in loop.tolist()]
            for piece in dashes([*points, points[0]]) if each.is_dashed else [[*points, points[0]]]:
                draw.line(piece, fill=each.colour, width=each.width)
        seen = np.argwhere(each.mask_yx[top:bottom, left:right])  # a name stands at what is shown
        if each.name and len(seen):
            (y0, x0), (y1, x1) = seen.min(axis=0).tolist(), seen.max(axis=0).tolist()
            named.append(((*at(y0 + top, x0 + left), *at(y1 + top, x1 + left)), each.name))
    write_names(draw, size, named)
    for line in lines:
        ends = [at(*end) for end in line.ends_yx]
        draw.line(ends, fill=BLACK, width=2 + _EDGE)
        draw.line(ends, fill=line.colour, width=2)
    if frame is not None:
        draw.rectangle((at(frame[0] - 0.5, frame[1] - 0.5), at(frame[2] - 0.5, frame[3] - 0.5)), outline=GREY)
    _letters(draw, size, plane)
    _scale(draw, size, _SCALE_MM * scale)
    if caption:
        _say(draw, (_MARGIN, _MARGIN), caption, picture_font(14))
    return picture


def dashes(points: Sequence[Pixel]) -> list[list[Pixel]]:
    """Cut a line into dashes, the last one as long as is left."""
    xy = np.asarray(points, float)
    along = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(xy, axis=0), axis=1))])
    pieces = []
    for start in np.arange(0.0, along[-1], _DASH + _GAP):
        end = min(start + _DASH, along[-1])
        at = [start, *along[(along > start) & (along < end)], end]
        pieces.append(list(zip(np.interp(at, along, xy[:, 0]), np.interp(at, along, xy[:, 1]), strict=True)))
    return pieces


def box_round(mask_yx: NDArray[np.bool_], spacing_yx_mm: tuple[float, float], least_mm: float = 60.0) -> Box:
    """Return a square in the patient round a mask: twice as wide, at least `least_mm`, within the plane."""
    rows, columns = np.nonzero(mask_yx.any(axis=1))[0], np.nonzero(mask_yx.any(axis=0))[0]
    extents = [(int(i[0]), int(i[-1]) + 1) for i in (rows, columns)]
    side_mm = max(least_mm, *(2.0 * (b - a) * mm for (a, b), mm in zip(extents, spacing_yx_mm, strict=True)))
    edges: list[tuple[int, int]] = []
    for (a, b), mm, n in zip(extents, spacing_yx_mm, mask_yx.shape, strict=True):
        width = min(n, max(1, round(side_mm / mm)))
        first = min(max((a + b - width) // 2, 0), n - width)
        edges.append((first, first + width))
    (top, bottom), (left, right) = edges
    return top, left, bottom, right


def direction(vector_lps: Sequence[float]) -> tuple[str, str]:
    """Return the letters of where a direction comes from and where it goes."""
    axis = int(np.argmax(np.abs(np.asarray(vector_lps))))
    low, high = _DIRECTIONS[axis]
    return (low, high) if vector_lps[axis] > 0 else (high, low)


def write_names(draw: ImageDraw.ImageDraw, size: int, named: Sequence[tuple[Edges, str]]) -> None:
    """Write each name beside what it names: below to the right, or where it covers least of other names and marks.

    One that finds no free place beside its mark goes further away, with a thin line between.
    """
    font = picture_font(13)
    middle, letter = size / 2, 3 * _MARGIN  # the letters of the directions keep their places
    sides = [(0, middle), (size, middle), (middle, 0), (middle, size)]
    taken = [(x - letter, y - letter, x + letter, y + letter) for x, y in sides] + [edges for edges, _ in named]
    chosen: list[tuple[Pixel, str]] = []
    for (left, top, right, bottom), name in named:
        _, _, width, height = draw.textbbox((0, 0), name, font=font)
        places: list[Pixel] = []
        for away in (gap * height for gap in range(_GAPS)):
            rows = (bottom + away, top - height - away, (top + bottom - height) / 2)
            places += [(x, y) for x in (right + away, left - width - away) for y in rows]
            places += [((left + right - width) / 2, y) for y in rows[:2]]
        covered = [_covered((x, y, x + width, y + height), taken, size) for x, y in places]
        best = covered.index(min(covered))
        x, y = places[best]
        chosen.append(((x, y), name))
        if best >= len(places) // _GAPS:
            middle_of_it = (left + right) / 2, (top + bottom) / 2
            near = min(max(middle_of_it[0], x), x + width), min(max(middle_of_it[1], y), y + height)
            draw.line([middle_of_it, near], fill=GREY)
        taken.append((x, y, x + width, y + height))
    for place, name in chosen:
        _say(draw, place, name, font)


def _covered(name: Edges, taken: Sequence[Edges], size: int) -> float:
    """Return how many pixels of a name lie on others or outside the picture."""
    left, top, right, bottom = name

    def shared(other: Edges) -> float:
        across = min(right, other[2]) - max(left, other[0])
        down = min(bottom, other[3]) - max(top, other[1])
        return max(across, 0.0) * max(down, 0.0)

    outside = (right - left) * (bottom - top) - shared((0.0, 0.0, float(size), float(size)))
    return outside + sum(shared(other) for other in taken)


def _letters(draw: ImageDraw.ImageDraw, size: int, plane: Plane) -> None:
    font = picture_font(16, bold=True)
    (west, east), (north, south) = direction(plane.row_lps), direction(plane.column_lps)
    middle = size / 2
    _say(draw, (_MARGIN, middle), west, font, YELLOW, "lm")
    _say(draw, (size - _MARGIN, middle), east, font, YELLOW, "rm")
    _say(draw, (middle, _MARGIN), north, font, YELLOW, "mt")
    _say(draw, (middle, size - _MARGIN), south, font, YELLOW, "mb")


def _scale(draw: ImageDraw.ImageDraw, size: int, length: float) -> None:
    """Draw a bar of 20 mm in the lower right corner."""
    y, end = size - 2 * _MARGIN, size - 2 * _MARGIN
    draw.line((end - length - 1, y, end + 1, y), fill=BLACK, width=5)
    draw.line((end - length, y, end, y), fill=WHITE, width=3)
    _say(draw, (end, y - 5), f"{_SCALE_MM:.0f} mm", picture_font(12), WHITE, "rb")


def _say(
    draw: ImageDraw.ImageDraw,
    place: tuple[float, float],
    text: str,
    font: ImageFont.FreeTypeFont,
    colour: Colour = WHITE,
    anchor: str = "la",
) -> None:
    draw.text(place, text, fill=colour, font=font, anchor=anchor, stroke_width=_EDGE, stroke_fill=BLACK)
