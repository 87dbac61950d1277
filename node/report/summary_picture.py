"""The picture of the whole: a coronal view, four slices, and what was found in words."""

from collections.abc import Iterable

import numpy as np
from PIL import Image

from node.measure.quantity import Name, Quantity, Side
from node.report.case import Prepared, ReportInput
from node.report.groups import looked_for_lesions
from node.report.key_slices import KeySlice, axes_of, legend, outlined_as, outlined_on, pet_words, source_plane
from node.report.lesion_words import kind_words, shown_slice, size_words
from node.report.panel import LUNG_WINDOW_HU, Plane, draw_panel
from node.report.pet_picture import pet_from_front
from node.report.pet_words import NAMED_FOCI, pet_lines
from node.report.reason_table import in_words
from node.report.sheet import FOOTER, HEADER, MARGIN, sheet, write_fitting, write_legend
from node.report.wording import NO_LESION, NOT_SEGMENTED
from node.segment.contract import SegmentKind
from node.segment.working_grid import working_grid
from node.volume.image_place import height_words, image_number, image_words

_CORONAL, _TILE, _N_TILES = 520, 300, 4
_WIDTH, _HEIGHT = _N_TILES * _TILE, HEADER + _CORONAL + _TILE + FOOTER
_LISTED = 5  # lesions that are written beside the picture
_LUNG_WORDS = {Side.RIGHT: "Right lung", Side.LEFT: "Left lung", Side.BOTH: "Both lungs"}
_LUNGS = (SegmentKind.RIGHT_LUNG, SegmentKind.LEFT_LUNG)


def summary_picture(case: ReportInput, prepared: Prepared) -> KeySlice:
    """Draw what was found in one picture."""
    pet = None if case.pet is None else case.pet.measured
    slices = chosen_slices(case, prepared, _N_TILES if pet is None else _N_TILES - 1)
    title = "Summary of the segmentation"
    picture = sheet(title, _WIDTH, _HEIGHT, prepared.job)
    picture.paste(coronal_panel(case, prepared, _CORONAL), (0, HEADER))
    for i, z in enumerate(slices):
        picture.paste(slice_panel(case, prepared, z, _TILE), (i * _TILE, HEADER + _CORONAL))
    if pet is not None:
        seen = pet_from_front(pet, case.volume, prepared.lesions, _TILE, n_foci=NAMED_FOCI)
        picture.paste(seen, ((_N_TILES - 1) * _TILE, HEADER + _CORONAL))
    width = _WIDTH - _CORONAL - 2 * MARGIN
    place = (_CORONAL + MARGIN, HEADER + MARGIN)
    write_fitting(picture, place, summary_words(case, prepared), width, _CORONAL - 2 * MARGIN)
    write_legend(picture, legend(prepared, axes=any(lesion.size is not None for lesion in case.lesions)))
    return KeySlice(picture, tuple(slices), title)


def slice_panel(case: ReportInput, prepared: Prepared, z: int, size: int) -> Image.Image:
    """Draw one slice with all outlines, every lesion named, and the axes of those that are measured on it."""
    measured = [lesion for lesion in case.lesions if lesion.size is not None and lesion.size.axes.slice_index == z]
    return draw_panel(
        source_plane(case, z),
        size,
        LUNG_WINDOW_HU,
        outlined=outlined_on(prepared, z),
        lines=[line for lesion in measured for line in axes_of(lesion)],
        caption=f"{image_number(case.volume, z)}\n{height_words(case.volume, z)}".lstrip(),
    )


def coronal_panel(case: ReportInput, prepared: Prepared, size: int) -> Image.Image:
    """Draw the coronal plane through the largest lesion, else through the middle of what was found.

    Lungs are outlined where the plane cuts them; lesions as their shadow along the view, so that none is missed.
    """
    volume, labels_zyx = case.volume, case.segmentation.labels_zyx
    nz, ny, nx = volume.hu_zyx.shape
    grid = working_grid((nz, ny, nx), volume.lps_from_zyx)
    labels, hu = grid.turned(labels_zyx)[::-1], grid.turned(volume.hu_zyx)[::-1]  # head up
    spacing_mm = [mm / factor for mm, factor in zip(grid.spacing_mm, grid.factors, strict=True)]
    y = _coronal_place(labels, prepared)
    kinds = {t.segment.label: t for t in prepared.tracked if not t.is_solid_component}
    outlined = []
    for label, tracked in kinds.items():
        is_lung = tracked.segment.kind in _LUNGS
        mask = labels[:, y] == label if is_lung else np.asarray((labels == label).any(axis=1))
        if mask.any():
            outlined.append(outlined_as(tracked, mask))
    steps = volume.lps_from_zyx[:3, :3]
    left, head = (_towards(steps[:, grid.axes[axis]], flip=grid.flipped[axis]) for axis in (2, 0))
    plane = Plane(hu[:, y], (spacing_mm[0], spacing_mm[2]), left, [-v for v in head])
    caption = "Coronal; lesions projected" if prepared.lesions else "Coronal"
    return draw_panel(plane, size, LUNG_WINDOW_HU, outlined=outlined, caption=caption)


def _towards(step: np.ndarray, *, flip: bool) -> list[float]:
    return [float(-v if flip else v) for v in step]


def _coronal_place(labels: np.ndarray, prepared: Prepared) -> int:
    """Return the plane with most of the largest lesion, or the middle of all that was found, or of the scan."""
    lesions = prepared.lesions
    found = labels == lesions[0].segment.label if lesions else labels > 0
    count = np.count_nonzero(found, axis=(0, 2))
    if not count.any():
        return int(labels.shape[1] // 2)
    if lesions:
        return int(count.argmax())
    planes = np.nonzero(count)[0]
    return int(planes[len(planes) // 2])


def chosen_slices(case: ReportInput, prepared: Prepared, n_slices: int = _N_TILES) -> list[int]:
    """Return so many slices: those of the largest lesions, then some spread evenly over what was found."""
    by_label = {lesion.label: lesion for lesion in case.lesions}
    chosen = []
    for tracked in prepared.lesions:
        lesion = by_label.get(tracked.segment.label)
        if lesion is not None:
            chosen.append(shown_slice(lesion))
    occupied = sorted({frame.slice_index for frame in prepared.frames}) or list(range(len(case.volume.frames)))
    even = [occupied[round(share * (len(occupied) - 1))] for share in (0.2, 0.4, 0.6, 0.8)]
    return sorted(list(dict.fromkeys([*chosen, *even]))[:n_slices])


def summary_words(case: ReportInput, prepared: Prepared) -> list[str]:
    """Return lung volumes, lesions and warnings in words."""
    words = volume_lines(case.quantities)
    looked = looked_for_lesions(case.segmentation)
    if looked and not prepared.lesions:
        words.append(f"{NO_LESION}.")
    if not looked:
        words.append("Lesions were not looked for.")
    for lesion in case.lesions[:_LISTED]:
        words.append("")
        words.append(f"{lesion.name}: {kind_words(lesion)}; {image_words(case.volume, shown_slice(lesion))}")
        words.append(size_words(lesion)[0])
        words += pet_words(prepared, lesion)[:1]
    if len(prepared.lesions) > _LISTED:
        words.append(f"and {len(prepared.lesions) - _LISTED} more")
    if case.pet is not None:
        words += ["", *pet_lines(case.pet, searched_ct=looked)]
    remarks = in_words(case.reasons)
    if remarks:
        words += ["", f"Remarks: {', '.join(remarks)}"]
    if case.segmentation.unsure:
        words.append(f"Series flagged unsure: {'; '.join(case.segmentation.unsure)}")
    return words


def volume_lines(quantities: Iterable[Quantity]) -> list[str]:
    """Return the lung volumes in words, what withholds those that are not given, and which lung was not found."""
    volumes = {q.side: q for q in quantities if q.name is Name.LUNG_VOLUME and q.zone is None}
    if not volumes:
        return []
    given = [volume_line(quantity) for quantity in volumes.values() if quantity.value is not None]
    withheld = [quantity for quantity in volumes.values() if quantity.value is None]
    if withheld:
        sides = ", ".join(_LUNG_WORDS[quantity.side].lower() for quantity in withheld)
        reasons = [reason for quantity in withheld for reason in quantity.refused_by]
        given.append(f"Volume not given ({sides}): {', '.join(in_words(reasons))}")
    missing = [side for side in (Side.RIGHT, Side.LEFT) if side not in volumes]
    return [*given, *(f"{_LUNG_WORDS[side]}: {NOT_SEGMENTED}" for side in missing)]


def volume_line(quantity: Quantity) -> str:
    """Return one lung volume in words."""
    bound = "at least " if quantity.partial else ""
    return f"{_LUNG_WORDS[quantity.side]} {bound}{(quantity.value or 0.0) / 1000.0:.2f} l"
