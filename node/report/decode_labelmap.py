"""Read a LABELMAP segmentation back into the grid of its source, as `decode.py` does a BINARY one."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread

from node.report.decode import DecodedSeg, described, place, require, same_planes, source_of


def decode_labelmap(path: Path, shape_zyx: tuple[int, int, int], lps_from_zyx: NDArray[np.float64]) -> DecodedSeg:
    """Read the object; pixel values are segment numbers.

    Raises
    ------
    OurMistake
        SELF-CHECK where geometry, frame count, pixel length or values do not fit.
    """
    ds = dcmread(path)
    require(ds.SegmentationType == "LABELMAP" and ds.BitsAllocated == 8, "the segmentation is not a label map")
    require((ds.Rows, ds.Columns) == shape_zyx[1:], "rows and columns differ from the source")
    same_planes(ds, lps_from_zyx)
    groups = ds.PerFrameFunctionalGroupsSequence
    n = int(ds.Rows) * int(ds.Columns) * len(groups)
    require(len(groups) == int(ds.NumberOfFrames), "the number of frames does not fit the per-frame groups")
    require(len(ds.PixelData) == n + n % 2, "the pixel data have another length than the frames")
    frames = np.frombuffer(ds.PixelData, np.uint8, n).reshape(len(groups), *shape_zyx[1:])
    placed = [place(group, lps_from_zyx, shape_zyx[0]) for group in groups]
    require(len(set(placed)) == len(placed), "two frames lie on one slice")
    numbers_zyx = np.zeros(shape_zyx, np.uint8)
    numbers_zyx[placed] = frames
    counts = dict(enumerate(np.bincount(frames.reshape(-1), minlength=256).tolist()))
    told = [item for item in ds.SegmentSequence if int(item.SegmentNumber) != 0]  # 0 is what is no segment
    require(all(number in {int(i.SegmentNumber) for i in ds.SegmentSequence} for number, k in counts.items() if k),
            "a pixel value is not described")  # fmt: skip
    sources = frozenset(source_of(group, z) for group, z in zip(groups, placed, strict=True))
    return DecodedSeg(numbers_zyx, tuple(described(item, counts) for item in told), sources)
