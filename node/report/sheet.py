"""A picture with a title, the constant statement and a footer: what every key slice has in common.

No patient's name, number or birth date is drawn; the footer says which run, version and time (standards 1.9).
"""

from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont

from node.report import wording
from node.report.fonts import picture_font
from node.report.panel import GREY, WHITE, YELLOW, Colour
from node.report.stamp import Job

MARGIN = 12
HEADER = 64
FOOTER = 30
_LINE = 24
_SIZES = (16, 15, 14, 13, 12, 11)


def footer_text(job: Job) -> str:
    """Return product, version, algorithms, run and time."""
    models = ", ".join(f"{model.name} {model.version}" for model in job.models)
    equipment = job.equipment
    made_at = job.local_time.strftime("%Y-%m-%d %H:%M")
    run = job.run_label or "r1"
    return f"{equipment.model_name} {equipment.software_version} · {models} · run {run} · {made_at}"


def sheet(title: str, width: int, height: int, job: Job) -> Image.Image:
    """Return a black picture with title, statement and footer; what lies between HEADER and FOOTER is free."""
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    draw.text((MARGIN, 8), title, fill=WHITE, font=picture_font(20, bold=True))
    draw.text((MARGIN, 36), wording.NOT_FOR_DIAGNOSIS, fill=YELLOW, font=picture_font(17, bold=True))
    draw.text((MARGIN, height - 8), footer_text(job), fill=GREY, font=picture_font(13), anchor="ls")
    return picture


def write_lines(picture: Image.Image, place: tuple[int, int], lines: Sequence[str], width: int, size: int = 16) -> int:
    """Write lines below each other, broken where they are wider than `width`; return where the next would begin."""
    draw, font = ImageDraw.Draw(picture), picture_font(size)
    x, y = place
    step = round(_LINE * size / 16)
    for line in lines:
        for part in broken(line, font, width):
            draw.text((x, y), part, fill=WHITE, font=font)
            y += step
    return y


def write_legend(picture: Image.Image, entries: Sequence[tuple[str, Colour]]) -> None:
    """Write what each colour stands for, in that colour, at the right of the statement."""
    draw, font = ImageDraw.Draw(picture), picture_font(13)
    x = picture.width - MARGIN
    for text, colour in reversed(entries):
        draw.text((x, 45), text, fill=colour, font=font, anchor="rm")
        x -= round(font.getlength(text)) + MARGIN


def write_fitting(picture: Image.Image, place: tuple[int, int], lines: Sequence[str], width: int, height: int) -> None:
    """Write lines into a place in the largest letters that fit, in two columns where these allow larger ones."""
    x, y = place
    half = (width - MARGIN) // 2
    for size in _SIZES:
        font, n_rows = picture_font(size), height // round(_LINE * size / 16)
        if sum(len(broken(line, font, width)) for line in lines) <= n_rows:
            write_lines(picture, place, lines, width, size)
            return
        parts = [part for line in lines for part in broken(line, font, half)]
        first = _column(parts, n_rows)
        if len(parts) - first <= n_rows:
            write_lines(picture, (x, y), parts[:first], half, size)
            write_lines(picture, (x + half + MARGIN, y), parts[first:], half, size)
            return
    write_lines(picture, place, lines, width, _SIZES[-1])


def _column(parts: Sequence[str], n_rows: int) -> int:
    """Return how many parts the first column takes: up to the last empty one that it can hold, where there is one."""
    breaks = [i + 1 for i, part in enumerate(parts[:n_rows]) if not part]
    return breaks[-1] if breaks else n_rows


def fitting(lines: Sequence[str], width: int, height: int) -> int:
    """Return the largest letters in which lines fit into a place, never so small that nobody can read them."""
    for size in _SIZES:
        font = picture_font(size)
        n_parts = sum(len(broken(line, font, width)) for line in lines)
        if n_parts * round(_LINE * size / 16) <= height:
            return size
    return _SIZES[-1]


def broken(text: str, font: ImageFont.FreeTypeFont, width: int) -> list[str]:
    """Break a text between words so that no part is wider than `width` pixels."""
    parts: list[str] = []
    for word in text.split(" "):  # other spaces hold a number and its unit together
        joined = f"{parts[-1]} {word}" if parts else word
        if parts and font.getlength(joined) <= width:
            parts[-1] = joined
        else:
            parts.append(word)
    return parts or [""]
