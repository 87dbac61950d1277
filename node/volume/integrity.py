"""Whether a series may be read at all: identity, sizes, transfer syntax (standards 4.4). Nothing is allocated here."""

from collections.abc import Iterable, Sequence

from node.errors import Code, Reason, Severity, refuse
from node.facts.limits import MOST_FRAMES, MOST_INSTANCES, MOST_PIXEL_BYTES, MOST_ROWS_OR_COLUMNS
from node.facts.series import SeriesFacts
from node.volume.frame import Frame
from node.volume.transfer_syntax import is_private, is_readable


def check_integrity(series: SeriesFacts, *, refuse_without_patient_id: bool) -> tuple[Reason, ...]:
    """Check what must hold before a byte of pixel data is read."""
    return (
        *_header_reasons(series),
        *_patient(series, refuse_without_patient_id),
        *_count(series),
        *_dimensions(series),
        *_transfer_syntax(series),
        *_pixel_data(series),
    )


def check_memory(frames: Sequence[Frame], available_bytes: int) -> tuple[Reason, ...]:
    """Check that the volume, as int16, fits into what memory there is."""
    needed = sum(2 * (f.geometry.rows or 0) * (f.geometry.columns or 0) for f in frames)
    if needed <= available_bytes:
        return ()
    text = f"the volume needs {needed / 2**30:.1f} GiB and {available_bytes / 2**30:.1f} GiB may be used"
    return (refuse(Code.SYS_MEM, text),)


def _header_reasons(series: SeriesFacts) -> Iterable[Reason]:
    """Return what `facts` found in the headers, once per code."""
    found: dict[tuple[Code, Severity], Reason] = {}
    for file in series.files:
        for reason in file.facts.reasons:
            found.setdefault((reason.code, reason.severity), reason)
    return found.values()


def _patient(series: SeriesFacts, refuse_without: bool) -> Iterable[Reason]:
    n = sum(not file.facts.patient.patient_id.strip() for file in series.files)
    if n and refuse_without:
        yield refuse(Code.ID_NOPID, f"{n} of {series.n_instances} instances have no Patient ID")


def _count(series: SeriesFacts) -> Iterable[Reason]:
    if series.n_instances > MOST_INSTANCES:
        yield refuse(Code.SIZE_COUNT, f"the series has {series.n_instances} instances, at most {MOST_INSTANCES}")


def _dimensions(series: SeriesFacts) -> Iterable[Reason]:
    for file in series.files:
        rows, columns = file.facts.geometry.rows or 0, file.facts.geometry.columns or 0
        frames = file.facts.number_of_frames
        sample_bytes = -(-(file.facts.pixels.bits_allocated or 16) // 8) * (file.facts.pixels.samples_per_pixel or 1)
        size = rows * columns * frames * sample_bytes
        if max(rows, columns) > MOST_ROWS_OR_COLUMNS or frames > MOST_FRAMES or size > MOST_PIXEL_BYTES:
            yield refuse(
                Code.SIZE_DIM,
                f"an instance of {frames} x {rows} x {columns} is over {MOST_FRAMES} frames, "
                f"{MOST_ROWS_OR_COLUMNS} rows or columns or {MOST_PIXEL_BYTES >> 30} GiB",
            )
            return


def _transfer_syntax(series: SeriesFacts) -> Iterable[Reason]:
    for uid in sorted({file.facts.transfer_syntax_uid for file in series.files}):
        if is_readable(uid):
            continue
        if is_private(uid):
            yield refuse(Code.TS_PRIV, f"the private transfer syntax {uid} cannot be decoded")
        else:
            yield refuse(Code.TS_UNSUP, f"the transfer syntax {uid or '(none)'} cannot be decoded")


def _pixel_data(series: SeriesFacts) -> Iterable[Reason]:
    n = sum(not file.facts.pixels.has_pixel_data for file in series.files)
    if n:
        yield refuse(Code.PIX_TRUNC, f"{n} of {series.n_instances} instances have no Pixel Data")
