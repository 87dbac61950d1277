"""The pictures of key slices: one per lesion, and one of the whole, for viewers that show neither SEG nor SR."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from node.measure.lesions.values import LesionMeasurements
from node.report.case import Prepared, ReportInput
from node.report.lesion_words import distance_words, doubt_words, growth_words, kind_words, shown_slice, size_words
from node.report.panel import (
    LUNG_WINDOW_HU,
    SOFT_WINDOW_HU,
    WHITE,
    Colour,
    Line,
    Outlined,
    Plane,
    box_round,
    direction,
    draw_panel,
)
from node.report.pet_picture import pet_on_slice
from node.report.pet_words import uptake_words
from node.report.segments import Tracked, rgb
from node.report.sheet import FOOTER, HEADER, MARGIN, fitting, sheet, write_legend, write_lines
from node.segment.contract import SegmentKind
from node.volume.image_place import image_words
from node.volume.volume import Volume

_PANEL = 400
_HEIGHT = HEADER + _PANEL + 200 + FOOTER
_ENDS = {"F": "the feet", "H": "the head", "R": "the right", "L": "the left", "A": "the front", "P": "the back"}
_SHORT_AXIS_COLOUR = (120, 220, 255)


@dataclass(frozen=True, slots=True)
class KeySlice:
    """A picture and the slices of the source that it shows."""

    picture: Image.Image
    slices: tuple[int, ...]
    title: str


def source_plane(case: ReportInput, z: int) -> Plane:
    """Return one acquired slice."""
    steps = case.volume.lps_from_zyx[:3, :3]
    _, down_mm, across_mm = case.volume.spacing_zyx_mm
    return Plane(case.volume.hu_zyx[z], (down_mm, across_mm), steps[:, 2].tolist(), steps[:, 1].tolist())


def place_in_scan(volume: Volume, z: int) -> str:
    """Return how a reader finds a slice: by the number of its image, by its height, and counted from an end."""
    first, _ = direction(volume.lps_from_zyx[:3, 0].tolist())
    return f"{image_words(volume, z)}, slice {z + 1} of {len(volume.frames)} from {_ENDS[first]}"


def outlined_on(prepared: Prepared, z: int) -> list[Outlined]:
    """Return the outlines of every segment on a slice, each lesion's with its name."""
    of = {t.number: t for t in prepared.tracked}
    here = [(of[frame.segment_number], frame) for frame in prepared.frames if frame.slice_index == z]
    return [outlined_as(tracked, prepared.masks.plane(frame)) for tracked, frame in here]


def outlined_as(tracked: Tracked, mask_yx: NDArray[np.bool_]) -> Outlined:
    """Return the outline of a segment in a plane, a lesion's with its name; a solid component lies in its lesion."""
    is_named = tracked.segment.kind is SegmentKind.LESION and not tracked.is_solid_component
    return Outlined(
        mask_yx, rgb(tracked), line_width(tracked), tracked.short_label if is_named else "", bool(tracked.doubt)
    )


def legend(prepared: Prepared, *, axes: bool) -> list[tuple[str, Colour]]:
    """Return what the colours of outlines stand for, of what was found, and those of axes."""
    colours = {legend_words(tracked): rgb(tracked) for tracked in prepared.tracked}
    drawn = [("long axis", WHITE), ("short axis", _SHORT_AXIS_COLOUR)] if axes else []
    return [*colours.items(), *drawn]


def legend_words(tracked: Tracked) -> str:
    """Return what an outline stands for, in a word or two."""
    if tracked.segment.kind is not SegmentKind.LESION:
        return tracked.segment.name.lower()
    if tracked.is_solid_component:
        return "solid component"
    return "uncertain (dashed, ?)" if tracked.doubt else "lesion"


def line_width(tracked: Tracked) -> int:
    """Return how thick an outline is: a lesion's lies over that of the lung round it."""
    return 3 if tracked.segment.kind is SegmentKind.LESION else 2


def lesion_picture(case: ReportInput, prepared: Prepared, tracked: Tracked, lesion: LesionMeasurements) -> KeySlice:
    """Draw one lesion: the slice, the lesion in the lung window with its axes, the same in the soft-tissue window."""
    z = shown_slice(lesion)
    plane, outlined = source_plane(case, z), outlined_on(prepared, z)
    mask_yx = np.asarray(case.segmentation.labels_zyx[z] == lesion.label)
    box = box_round(mask_yx, plane.spacing_yx_mm)
    lines = axes_of(lesion)
    title = f"{tracked.tracking_id}: {kind_words(lesion)}"
    pet = None if case.pet is None else case.pet.measured
    panels_across = 3 if pet is None else 4
    width = panels_across * _PANEL
    picture = sheet(title, width, _HEIGHT if pet is None else _HEIGHT + 50, prepared.job)
    near = [each for each in outlined if each.mask_yx[box[0] : box[2], box[1] : box[3]].any()]
    near_caption = "Lung window, axes" if lines else "Lung window"
    panels = [
        draw_panel(plane, _PANEL, LUNG_WINDOW_HU, outlined=outlined, frame=box, caption="Lung window"),
        draw_panel(
            plane,
            _PANEL,
            LUNG_WINDOW_HU,
            outlined=near,
            lines=lines,
            box=box,
            caption=near_caption,
        ),
        draw_panel(plane, _PANEL, SOFT_WINDOW_HU, box=box, caption="Soft tissue window"),
    ]
    if pet is not None:
        panels.append(pet_on_slice(pet, case.volume, z, plane, _PANEL, outlined=near, box=box))
    for i, panel in enumerate(panels):
        picture.paste(panel, (i * _PANEL, HEADER))
    left = [*size_words(lesion), *(f"{reason.code}: {reason.text}" for reason in lesion.refused_by)]
    doubt = doubt_words(lesion)
    right = [
        *([f"{doubt[:1].upper()}{doubt[1:]}"] if doubt else []),
        *distance_words(lesion),
        lesion.further.text,
        *growth_words(lesion),
        f"Shown: {place_in_scan(case.volume, z)}",
    ]
    write_legend(picture, legend(prepared, axes=bool(lines)))
    left += pet_words(prepared, lesion)
    if case.segmentation.unsure:
        right.append(f"Series flagged unsure: {'; '.join(case.segmentation.unsure)}")
    top = HEADER + _PANEL + MARGIN
    column, free = width // 2 - 2 * MARGIN, picture.height - top - FOOTER
    for x, words in ((MARGIN, left), (width // 2 + MARGIN, right)):
        write_lines(picture, (x, top), words, column, fitting(words, column, free))
    return KeySlice(picture, (z,), title)


def pet_words(prepared: Prepared, lesion: LesionMeasurements) -> list[str]:
    """Return the PET's numbers of a lesion in words."""
    uptake = None if prepared.pet is None else prepared.pet.lesion(lesion.label)
    return [] if uptake is None or prepared.pet is None else uptake_words(uptake, prepared.pet.found.kind)


def axes_of(lesion: LesionMeasurements) -> list[Line]:
    """Return the axes as lines."""
    if lesion.size is None:
        return []
    axes = lesion.size.axes
    return [Line(axes.long_ends_yx, WHITE), Line(axes.short_ends_yx, _SHORT_AXIS_COLOUR)]
