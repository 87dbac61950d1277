"""A digest of what a series measures: the same however its instances were compressed on the way (standards 1.3)."""

import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import file_digest, sha256

from node.errors import InputRefused
from node.facts.limits import MOST_ROWS_OR_COLUMNS
from node.facts.series import InstanceFile, SeriesFacts
from node.volume.assemble import MIN_SHARED, cores
from node.volume.decode_pool import borrowed_pool
from node.volume.frame import Frame
from node.volume.frame_jobs import digest
from node.volume.frames import frames_of, single_frame
from node.volume.stored import FrameTask, task_of
from node.volume.transfer_syntax import ENCAPSULATED, is_readable


def instance_digests(series: SeriesFacts, threads: int = 0) -> tuple[tuple[str, str], ...]:
    """Digest every instance of a series.

    Parameters
    ----------
    series : SeriesFacts
        Of any modality; 16-bit pixels of one sample are digested decoded, anything else as it lies in the file.
    threads : int
        How many cores to use; 0 for all.

    Returns
    -------
    (SOP Instance UID, SHA-256 hex) per instance, sorted by UID. The digest is over the decoded stored pixels of every
    frame, then over geometry and rescale values.
    """
    frames = [frame for file in series.files for frame in _frames(file)]
    pixels = _pixel_digests(frames, cores(threads))
    parts: dict[str, list[str]] = {}
    for frame, digest_hex in zip(frames, pixels, strict=True):
        parts.setdefault(str(frame.file.path), []).append(digest_hex + _header_digest(frame))
    found = [
        (file.facts.sop_instance_uid, sha256("".join(parts[str(file.path)]).encode()).hexdigest())
        for file in series.files
    ]
    return tuple(sorted(found))


def _frames(file: InstanceFile) -> tuple[Frame, ...]:
    """Return the frames of one file; of one whose frames cannot be told apart, the file as a whole."""
    try:
        return frames_of(SeriesFacts((file,)))
    except InputRefused:
        return (single_frame(file),)


def _pixel_digests(frames: Sequence[Frame], n_cores: int) -> list[str]:
    tasks = {i: task_of(frame) for i, frame in enumerate(frames) if _is_plain(frame)}
    done = dict(zip(tasks, _shared(list(tasks.values()), n_cores), strict=True))
    return [done.get(i) or _file_digest(frame) for i, frame in enumerate(frames)]


def _is_plain(frame: Frame) -> bool:
    pixels, geometry = frame.pixels, frame.geometry
    small = 0 < (geometry.rows or 0) <= MOST_ROWS_OR_COLUMNS and 0 < (geometry.columns or 0) <= MOST_ROWS_OR_COLUMNS
    plain = pixels.bits_allocated == 16 and pixels.samples_per_pixel == 1 and pixels.has_pixel_data
    return small and plain and is_readable(frame.file.facts.transfer_syntax_uid)


def _shared(tasks: Sequence[FrameTask], n_cores: int) -> list[str | None]:
    """Digest frames on all cores: helpers for compressed ones, threads for the others."""
    if sum(task.transfer_syntax in ENCAPSULATED for task in tasks) >= MIN_SHARED and n_cores > 1:
        with borrowed_pool(n_cores - 1) as pool:
            if pool is not None:
                return pool.run(tasks, lambda i: digest(tasks[i]), None)
    with ThreadPoolExecutor(n_cores) as threads:
        return list(threads.map(digest, tasks))


def _file_digest(frame: Frame) -> str:
    """Digest a file whose pixels cannot be decoded here."""
    with frame.file.path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _header_digest(frame: Frame) -> str:
    """Digest geometry and rescale values as numbers, so that "1" and "1.0" are one."""
    geometry, pixels = frame.geometry, frame.pixels
    values = (
        geometry.rows,
        geometry.columns,
        geometry.image_position_lps_mm,
        geometry.image_orientation,
        geometry.pixel_spacing_yx_mm,
        geometry.slice_thickness_mm,
        geometry.frame_of_reference_uid,
        pixels.rescale_slope,
        pixels.rescale_intercept,
        pixels.rescale_type,
        pixels.pixel_representation,
    )
    return sha256(json.dumps(values).encode()).hexdigest()
