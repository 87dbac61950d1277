"""What is printed of a lesion in pictures and PDF: numbers rounded as a person reads them (standards 2.2)."""

from node.errors import Code
from node.measure.lesions.before import Unmatched
from node.measure.lesions.diameter import whole
from node.measure.lesions.growth import NotCompared
from node.measure.lesions.values import DOUBTED, LesionMeasurements
from node.report.reason_table import in_words

MEDIAL_HALF = "medial half of the lung surface (ribs included)"  # not the mediastinum alone: half of its width
UNCERTAIN = "uncertain"  # flagged SEG-UNSURE


def size_words(lesion: LesionMeasurements) -> list[str]:
    """Return the numbers of a lesion in short lines, or why there are none."""
    size = lesion.size
    if size is None:
        return [f"Not measured: {', '.join(in_words(lesion.refused_by))}"]
    lines = [
        f"Long axis {whole(size.axes.long_mm)} mm, short axis {whole(size.axes.short_mm)} mm (RECIST 1.1)",
        f"Mean diameter {whole(size.mean_diameter_mm)} mm",
        f"Longest diameter {whole(size.longest.length_mm)} mm ({size.longest.plane})",
        f"Volume {volume_words(size.volume_mm3)}",
    ]
    if lesion.attenuation is not None:
        mean, sd = lesion.attenuation.mean_hu, lesion.attenuation.sd_hu
        lines.append(f"Attenuation {mean:.0f} ± {sd:.0f} HU (mean ± SD of the voxels)")
    if lesion.solid is not None:
        lines.append(
            f"Solid component {whole(lesion.solid.longest.length_mm)} mm ({lesion.solid.longest.plane}), "
            f"{volume_words(lesion.solid.volume_mm3)}"
        )
    return lines


def doubt_words(lesion: LesionMeasurements) -> str:
    """Return why a lesion is uncertain, "" of a sure one."""
    why = [reason.text.removeprefix(DOUBTED) for reason in lesion.warnings if reason.code is Code.SEG_UNSURE]
    return f"{UNCERTAIN}: {'; '.join(why)}" if lesion.is_uncertain else ""


def band_words(lesion: LesionMeasurements) -> str:
    """Return the fixed sentence on the size category, after the doubt in an uncertain lesion; "" without a sentence."""
    if lesion.tnm is None:
        return ""
    doubt = doubt_words(lesion)
    return f"{doubt[:1].upper()}{doubt[1:]}. {lesion.tnm.text}" if doubt else lesion.tnm.text


def shown_slice(lesion: LesionMeasurements) -> int:
    """Return the slice that pictures and tables name: that of the axes, else the one with most of the lesion."""
    return lesion.largest_slice if lesion.size is None else lesion.size.axes.slice_index


def volume_words(volume_mm3: float) -> str:
    """Return whole mm3, in groups of three digits."""
    return f"{whole(volume_mm3):,} mm³".replace(",", "\N{NARROW NO-BREAK SPACE}")


def kind_words(lesion: LesionMeasurements) -> str:
    """Return word, attenuation type, place and doubt, such as "mass, part-solid, left lung, lower zone, uncertain"."""
    words = [lesion.finding.value]
    if lesion.type is not None:
        words.append(lesion.type.value)
    return ", ".join((*words, place_words(lesion), *((UNCERTAIN,) if lesion.is_uncertain else ())))


def place_words(lesion: LesionMeasurements) -> str:
    """Return side and zone as far as they are known."""
    where = lesion.location
    if where.side is None:
        return "side not determined"
    zone = "" if where.zone is None else f", {where.zone.value} zone"
    return f"{where.side.value} lung{zone}"


def distance_words(lesion: LesionMeasurements) -> list[str]:
    """Return the distances that are known; a number that two share is printed once."""
    where = lesion.location
    named = (("pleura", where.to_pleura_mm), (MEDIAL_HALF, where.to_mediastinum_mm),
             ("carina", where.to_carina_mm))  # fmt: skip
    by_number: dict[str, list[str]] = {}
    for name, mm in named:
        if mm is not None:
            by_number.setdefault(f"{mm:.0f}\N{NO-BREAK SPACE}mm", []).append(name)
    known = [f"{' and '.join(names)} {number}" for number, names in by_number.items()]
    return [f"Distance to {', '.join(known)}"] if known else []


def growth_words(lesion: LesionMeasurements) -> list[str]:
    """Return how it compares with a prior, or why it was not compared; nothing without a prior."""
    if lesion.before is None:
        return []
    acquired = lesion.before.acquired
    prior = "the prior study" if acquired is None else f"the prior study of {acquired.isoformat()}"
    if isinstance(lesion.before, Unmatched):
        return [
            f"Not matched with a lesion that this software segmented in {prior}; that alone does not say it is new."
        ]
    growth = lesion.before.growth
    if isinstance(growth, NotCompared):
        return [f"Seen in {prior}, not compared: {'; '.join(growth.why)}."]
    return [f"Against {prior}, as measured by this software: {growth.text}"]
