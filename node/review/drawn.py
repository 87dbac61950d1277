"""What a reader drew, as one label map on the grid of the CT."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from node.errors import Code, Reason, Refusal, refuse, warn
from node.facts.segmentation import SegmentationFacts, SegmentFacts
from node.review.meaning import Meaning, meaning_of
from node.segment.contract import UNCERTAIN_LABEL
from node.volume.segmentation import ReadableSegmentation

RIGHT, LEFT, UNSIDED, FIRST_LESION = 1, 2, 3, 4
_LABELS = {Meaning.RIGHT_LUNG: RIGHT, Meaning.LEFT_LUNG: LEFT, Meaning.LUNGS: UNSIDED}
_NOTHING_NAMED: Mapping[int, Meaning] = {}
_MOST_LESIONS = 255 - FIRST_LESION + 1


@dataclass(frozen=True, slots=True)
class DrawnSegment:
    """One label of the map: what it stands for, and the segments of the object that were drawn for it.

    `numbers` are several where the reader's software splits a lung, by lobes for instance. `n_voxels` may be 0.
    """

    label: int
    meaning: Meaning
    name: str
    numbers: tuple[int, ...]
    n_voxels: int = 0


@dataclass(frozen=True, slots=True)
class Drawn:
    """A reader's masks.

    Attributes
    ----------
    labels_zyx : (slices, rows, columns) uint8, 1 right lung, 2 left lung, 3 lungs without side, from 4 lesions.
    segments : all that were described and known, those without voxels too.
    left_out : the segments whose meaning is not known.
    reasons : warnings found while reading.
    """

    labels_zyx: NDArray[np.uint8]
    segments: tuple[DrawnSegment, ...]
    left_out: tuple[SegmentFacts, ...]
    reasons: tuple[Reason, ...]


def read_drawn(
    opened: ReadableSegmentation, shape_zyx: tuple[int, int, int], named: Mapping[int, Meaning] = _NOTHING_NAMED
) -> Drawn | Refusal:
    """Gather the planes of a segmentation into one label map; where segments overlap, a lesion wins.

    Parameters
    ----------
    named : what a person said that segments stand for, by number, over what codes and labels say

    Raises
    ------
    InputRefused
        PIX-TRUNC where the pixels cannot be decoded.
    """
    meanings = {s.number: named.get(s.number) or meaning_of(s) for s in opened.facts.segments}
    segments = _named(opened.facts, meanings)
    left_out = tuple(s for s in opened.facts.segments if meanings[s.number] is None)
    reasons = _about_names(left_out)
    if not segments:
        return Refusal((refuse(Code.COR_SEGMENT, f"none of {len(left_out)} segments says lung or lesion"),))
    label_of = {number: s.label for s in segments for number in s.numbers}
    labels_zyx = np.zeros(shape_zyx, np.uint8)
    n_overlapping = 0
    for plane in opened.planes():
        label = label_of.get(plane.segment_number)
        if label is None:
            continue
        target_yx = labels_zyx[plane.slice_index]
        met_yx = plane.inside_yx & (target_yx != 0) & (target_yx != label)
        n_overlapping += int(np.count_nonzero(met_yx))
        free_yx = plane.inside_yx if label >= FIRST_LESION else plane.inside_yx & (target_yx < FIRST_LESION)
        target_yx[free_yx] = label
    counted = _counted(segments, labels_zyx)
    if not any(s.n_voxels for s in counted):
        return Refusal((refuse(Code.COR_EMPTY, "no segment has any voxel"),))
    if n_overlapping:
        reasons += (warn(Code.COR_OVERLAP, f"{n_overlapping} voxels lie in several segments; a lesion wins"),)
    empty = [number for s in counted if not s.n_voxels for number in s.numbers]
    if empty:
        reasons += (warn(Code.COR_EMPTY, f"without voxels: segments {_listed(empty)}"),)
    if opened.facts.kind == "FRACTIONAL":
        reasons += (warn(Code.COR_FRACTION, "a fractional segmentation, cut at half of its maximum"),)
    labels_zyx.setflags(write=False)
    return Drawn(labels_zyx, counted, left_out, reasons)


def _named(facts: SegmentationFacts, meanings: Mapping[int, Meaning | None]) -> tuple[DrawnSegment, ...]:
    """Give every known segment a label; several of one lung share it, a solid component is part of its lesion."""
    of_lungs: dict[Meaning, list[SegmentFacts]] = {}
    lesions: list[SegmentFacts] = []
    for segment in facts.segments:
        meaning = meanings[segment.number]
        if meaning is Meaning.LESION:
            lesions.append(segment)
        elif meaning is not None and meaning in _LABELS:
            of_lungs.setdefault(meaning, []).append(segment)
    lungs = [
        DrawnSegment(_LABELS[m], m, found[0].label or m.value, tuple(s.number for s in found))
        for m, found in of_lungs.items()
    ]
    marks = [
        DrawnSegment(FIRST_LESION + i, Meaning.LESION, _name(s), (s.number,))
        for i, s in enumerate(lesions[:_MOST_LESIONS])
    ]
    return (*sorted(lungs, key=lambda s: s.label), *marks)


def _name(segment: SegmentFacts) -> str:
    """Return the name of a lesion: a reader who kept our label of an uncertain one has looked at it."""
    return segment.label.removesuffix(UNCERTAIN_LABEL) or f"lesion {segment.number}"


def _about_names(left_out: tuple[SegmentFacts, ...]) -> tuple[Reason, ...]:
    if not left_out:
        return ()
    text = f"left out, since neither codes nor label say lung or lesion: segments {_listed(s.number for s in left_out)}"
    return (warn(Code.COR_SEGMENT, text),)


def _listed(numbers: Iterable[int]) -> str:
    """Return segments by number: a label is free text and may name anybody."""
    return ", ".join(str(number) for number in sorted(numbers))


def _counted(segments: Iterable[DrawnSegment], labels_zyx: NDArray[np.uint8]) -> tuple[DrawnSegment, ...]:
    counts = np.bincount(labels_zyx.ravel(), minlength=256)
    return tuple(DrawnSegment(s.label, s.meaning, s.name, s.numbers, int(counts[s.label])) for s in segments)
