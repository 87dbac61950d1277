"""Which stored values of a frame to read, and how: plain values that can go to another process."""

from dataclasses import dataclass

from node.volume.frame import Frame


@dataclass(frozen=True, slots=True)
class FrameTask:
    """One frame of 16-bit pixels to be read and turned into HU; `index` is its 0-based number in the file."""

    path: str
    index: int
    n_frames: int
    transfer_syntax: str
    rows: int
    columns: int
    bits_stored: int
    signed: bool
    slope: float = 1.0
    intercept: float = 0.0
    padding: tuple[int, int] | None = None  # lowest and highest stored value that is padding

    @property
    def how(self) -> tuple[object, ...]:
        """What must be equal for frames to be turned into HU together."""
        return (self.bits_stored, self.signed, self.slope, self.intercept, self.padding)

    @property
    def n_bytes(self) -> int:
        """Size of the decoded frame."""
        return 2 * self.rows * self.columns


def task_of(frame: Frame) -> FrameTask:
    """Return how to read a frame whose header passed the checks."""
    facts, pixels = frame.file.facts, frame.pixels
    return FrameTask(
        path=str(frame.file.path),
        index=frame.number - 1,
        n_frames=max(1, facts.number_of_frames),
        transfer_syntax=facts.transfer_syntax_uid,
        rows=frame.geometry.rows or 0,
        columns=frame.geometry.columns or 0,
        bits_stored=pixels.bits_stored or 16,
        signed=pixels.pixel_representation == 1,
        slope=pixels.rescale_slope if pixels.rescale_slope is not None else 1.0,
        intercept=pixels.rescale_intercept if pixels.rescale_intercept is not None else 0.0,
        padding=_padding(frame),
    )


def _padding(frame: Frame) -> tuple[int, int] | None:
    """Return Pixel Padding Value and Range Limit, lowest first (PS3.3 C.7.5.1.1.2)."""
    value, limit = frame.pixels.pixel_padding_value, frame.pixels.pixel_padding_range_limit
    if value is None:
        return None
    signed = frame.pixels.pixel_representation == 1
    ends = [_as_stored(v, signed) for v in (value, value if limit is None else limit)]
    return min(ends), max(ends)


def _as_stored(value: int, signed: bool) -> int:
    """Return a padding value as the pixels hold it: some writers give -2000 as 63536 in a signed image."""
    bits = value & 0xFFFF
    return bits - 0x10000 if signed and bits & 0x8000 else bits
