"""The percentile curve of lung attenuation: which share of the lungs' voxels lies at or below each value.

Drawn only where the numbers that it shows are given; where density is refused there is no curve either.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from node.measure.quantity import Name, Side
from node.report.case import ReportInput
from node.report.fonts import picture_font
from node.segment.contract import SegmentKind

_RANGE_HU = (-1024, -500)
_LEFT, _TOP, _RIGHT, _BOTTOM = 60, 30, 20, 50  # pixels round the curve
_BLACK, _GRID, _CURVE, _MARK = (0, 0, 0), (210, 210, 210), (0, 90, 160), (200, 60, 40)
_LUNGS = (SegmentKind.RIGHT_LUNG, SegmentKind.LEFT_LUNG)


def density_curve(case: ReportInput, width: int = 760, height: int = 420) -> Image.Image | None:
    """Draw the curve of both lungs, None where Perc15 is not given."""
    perc15 = [q.value for q in case.quantities if (q.name, q.side, q.zone) == (Name.PERC15, Side.BOTH, None)]
    if not perc15 or perc15[0] is None:
        return None
    share = cumulative_percent(case)
    low, high = _RANGE_HU
    picture = Image.new("RGB", (width, height), (255, 255, 255))
    draw, font = ImageDraw.Draw(picture), picture_font(14)

    def at(hu: float, percent: float) -> tuple[float, float]:
        """Return where a value lies in the picture."""
        return (
            _LEFT + (hu - low) / (high - low) * (width - _LEFT - _RIGHT),
            height - _BOTTOM - percent / 100.0 * (height - _TOP - _BOTTOM),
        )

    for percent in (0, 25, 50, 75, 100):
        draw.line((at(low, percent), at(high, percent)), fill=_GRID)
        draw.text((_LEFT - 6, at(low, percent)[1]), f"{percent} %", fill=_BLACK, font=font, anchor="rm")
    for hu in range(-1000, high + 1, 100):
        draw.line((at(hu, 0), at(hu, 100)), fill=_GRID)
        draw.text((at(hu, 0)[0], height - _BOTTOM + 6), f"{hu}", fill=_BLACK, font=font, anchor="mt")
    draw.line([at(hu, float(p)) for hu, p in zip(range(low, high + 1), share, strict=True)], fill=_CURVE, width=2)
    mark = at(perc15[0], 15.0)
    draw.line((at(low, 15.0), mark, at(perc15[0], 0.0)), fill=_MARK, width=2)
    draw.text((mark[0] + 8, mark[1] - 4), f"Perc15 {perc15[0]:.0f} HU", fill=_MARK, font=font, anchor="ls")
    draw.text((width / 2, height - 6), "HU, both lungs without lesions", fill=_BLACK, font=font, anchor="mb")
    draw.text((_LEFT, 6), "Share of voxels at or below a value", fill=_BLACK, font=font)
    return picture


def cumulative_percent(case: ReportInput) -> NDArray[np.float64]:
    """Return the share in percent at or below each whole value of the drawn range."""
    labels = [s.label for s in case.segmentation.segments if s.kind in _LUNGS]
    low, high = _RANGE_HU
    counts = np.zeros(high - low + 2, np.int64)
    for labels_yx, hu_yx in zip(case.segmentation.labels_zyx, case.volume.hu_zyx, strict=True):
        hu = hu_yx[np.isin(labels_yx, labels)].astype(np.int64)
        counts += np.bincount(np.clip(hu, low, high + 1) - low, minlength=len(counts))
    share: NDArray[np.float64] = 100.0 * np.cumsum(counts)[:-1] / max(int(counts.sum()), 1)
    return share
