"""The reliability diagram of a calibration, drawn."""

from pathlib import Path

from PIL import Image, ImageDraw

from node.learn.calibrate import Reliability

_SIDE_PX = 420
_MARGIN_PX = 50


def draw_reliability(judged: Reliability, title: str, path: Path) -> None:
    """Draw mean confidence against the share of lesions, bin by bin, and the line on which they would agree."""
    whole = _SIDE_PX + 2 * _MARGIN_PX
    picture = Image.new("RGB", (whole, whole), "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((_MARGIN_PX, _MARGIN_PX, _MARGIN_PX + _SIDE_PX, _MARGIN_PX + _SIDE_PX), outline="black")
    pen.line((*_at(0.0, 0.0), *_at(1.0, 1.0)), fill="grey")
    points = [_at(x, y) for x, y in zip(judged.predicted, judged.observed, strict=True)]
    pen.line(points, fill="navy", width=2)
    for (x, y), n in zip(points, judged.n, strict=True):
        pen.ellipse((x - 4, y - 4, x + 4, y + 4), fill="navy")
        pen.text((x + 6, y - 12), str(n), fill="black")
    low, high = judged.interval
    pen.text((_MARGIN_PX, 12), f"{title}: ECE {judged.ece:.3f} ({low:.3f} to {high:.3f})", fill="black")
    pen.text((_MARGIN_PX, whole - 28), "confidence, mean of each bin; numbers: candidates", fill="black")
    pen.text((6, 30), "share of lesions", fill="black")
    path.parent.mkdir(parents=True, exist_ok=True)
    picture.save(path)


def _at(x: float, y: float) -> tuple[float, float]:
    return _MARGIN_PX + x * _SIDE_PX, _MARGIN_PX + (1.0 - y) * _SIDE_PX
