"""What the pages say: pictures and tables on the first, sentences, lungs, method and limits on the last.

Where lesions and PET are too much for the first page, they have a page between.

No patient's name, number or birth date stands in it: the object's header names the patient.
"""

from collections.abc import Iterable, Sequence
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.styles import ParagraphStyle
from reportlab.platypus import Paragraph, Spacer, Table

from node.errors import Code, Reason
from node.measure.lesions.diameter import whole
from node.measure.lesions.location import Zone
from node.measure.lesions.screening import ScreeningBand
from node.measure.lesions.values import LesionMeasurements
from node.measure.quantity import Name, Side
from node.report.case import Prepared, ReportInput
from node.report.density_curve import density_curve
from node.report.groups import looked_for_lesions
from node.report.key_slices import legend
from node.report.lesion_words import (
    UNCERTAIN,
    band_words,
    distance_words,
    doubt_words,
    growth_words,
    place_words,
    shown_slice,
    volume_words,
)
from node.report.panel import WHITE
from node.report.pdf_file import BOLD, REGULAR, TEXT_WIDTH, placed, register_fonts
from node.report.pet_picture import pet_from_front
from node.report.pet_result import MeasuredPet
from node.report.pet_words import foci_lines, foci_words, pet_lines, reference_words, table_foot, table_head, table_row
from node.report.reason_table import in_words, meaning
from node.report.summary_picture import chosen_slices, coronal_panel, slice_panel
from node.report.wording import NO_LESION, NOT_FOR_DIAGNOSIS, NOT_SEGMENTED
from node.volume.image_place import image_words
from node.volume.volume import Volume

TITLE = "lungnode report (AI)"
_UPTAKES = 10  # lesions in the PET's table
_FOCI = 8  # candidates that are listed, and marked in the picture
_SENTENCES = 6  # lesions whose sentences are printed; those of the others stand in the SR
_WARNING = ParagraphStyle(
    "warning", fontName=BOLD, fontSize=10, leading=13, backColor=colors.HexColor("#fff2b3"), borderPadding=4
)
_HEADING = ParagraphStyle("title", fontName=BOLD, fontSize=15, leading=20)
_SECTION = ParagraphStyle("section", fontName=BOLD, fontSize=10.5, leading=14, spaceBefore=7, spaceAfter=2)
_BODY = ParagraphStyle("body", fontName=REGULAR, fontSize=8.5, leading=11.5)
_CELL = ParagraphStyle("cell", fontName=REGULAR, fontSize=7.5, leading=9.5)
_GRID = [
    ("FONT", (0, 0), (-1, -1), REGULAR),  # a table sets its own font even where every cell does
    ("GRID", (0, 0), (-1, -1), 0.3, colors.HexColor("#999999")),
    ("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#e8eef4")),
    ("VALIGN", (0, 0), (-1, -1), "TOP"),
    ("TOPPADDING", (0, 0), (-1, -1), 1.5),
    ("LEFTPADDING", (0, 0), (-1, -1), 3),
    ("RIGHTPADDING", (0, 0), (-1, -1), 3),
    ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
]  # fmt: skip
_PICTURES = [("FONT", (0, 0), (-1, -1), REGULAR), ("LEFTPADDING", (0, 0), (-1, -1), 0)]
_LUNG_NUMBERS = {
    Name.LUNG_VOLUME: ("Volume, ml", 0), Name.MEAN_LUNG_DENSITY: ("Mean, HU", 0), Name.SD_LUNG_DENSITY: ("SD, HU", 0),
    Name.LAA_950: ("LAA -950, %", 1), Name.LAA_910: ("LAA -910, %", 1), Name.PERC15: ("Perc15, HU", 0),
    Name.PD15: ("PD15, g/l", 0),
}  # fmt: skip

_ZONE_NUMBERS = (Name.MEAN_LUNG_DENSITY, Name.LAA_950, Name.LAA_910, Name.PERC15)


def pdf_pages(case: ReportInput, prepared: Prepared) -> list[list[list[Any]]]:
    """Return the groups of flowing parts of each page; lesions and PET may be moved to pages of their own."""
    register_fonts()
    return [[_first(case, prepared), _lesions(case, prepared), _pet(case, prepared)], [_second(case, prepared)]]


def statement() -> list[Any]:
    """Return what begins a page that lesions or PET were moved to."""
    register_fonts()
    return [Paragraph(NOT_FOR_DIAGNOSIS, _WARNING), Spacer(1, 8)]


def _first(case: ReportInput, prepared: Prepared) -> list[Any]:
    return [
        Paragraph(_heading(case), _HEADING),
        Spacer(1, 4),
        *statement(),
        _pictures(case, prepared),
        _legend(case, prepared),
    ]


def _legend(case: ReportInput, prepared: Prepared) -> Paragraph:
    """Return what the colours of the pictures stand for."""
    entries = legend(prepared, axes=any(lesion.size is not None for lesion in case.lesions))
    marks = [
        f"white: {text}" if colour == WHITE else f'<font color="#{bytes(colour).hex()}">\N{BLACK SQUARE}</font> {text}'
        for text, colour in entries
    ]
    return Paragraph(" &nbsp; ".join(marks), _CELL)


def _heading(case: ReportInput) -> str:
    return "Lung and lesion report (AI)" if looked_for_lesions(case.segmentation) else "Lung report (AI)"


def _second(case: ReportInput, prepared: Prepared) -> list[Any]:
    return [
        *_sentences(case),
        *_lungs(case),
        *_remarks(case),
        Paragraph("Method", _SECTION),
        *(_body(text) for text in _method(case, prepared)),
        Paragraph("Limits", _SECTION),
        *(_body(text) for text in _limits(case)),
        Spacer(1, 6),
        Paragraph(NOT_FOR_DIAGNOSIS, _WARNING),
    ]


def _pictures(case: ReportInput, prepared: Prepared) -> Table:
    """Return the coronal view and four slices beside it."""
    large, small = TEXT_WIDTH * 0.5, TEXT_WIDTH * 0.25
    slices = chosen_slices(case, prepared)
    tiles: list[Any] = [placed(slice_panel(case, prepared, z, 360), small - 3) for z in slices]
    tiles += [""] * (4 - len(tiles))
    quarter = Table([tiles[:2], tiles[2:]], colWidths=[small, small], style=_PICTURES)
    whole_view = placed(coronal_panel(case, prepared, 640), large - 4)
    return Table([[whole_view, quarter]], colWidths=[large, large], style=_PICTURES, hAlign="LEFT")


def _lesions(case: ReportInput, prepared: Prepared) -> list[Any]:
    return [Paragraph("Lesions", _SECTION), *_lesion_table(case, prepared)]


def _lesion_table(case: ReportInput, prepared: Prepared) -> list[Any]:
    if not looked_for_lesions(case.segmentation):
        return [_body("Lesions were not looked for.")]
    if not prepared.lesions:
        return [_body(f"{NO_LESION}.")]
    head = (
        "Name",
        "Type",
        "Place",
        "Image (z, mm)",
        "Long x short axis, mm",
        "Mean, mm",
        "Longest, mm (plane)",
        "Volume",
        "Mean HU",
    )
    rows = [[_cell(f"<b>{text}</b>") for text in head]]
    rows += [[_cell(text) for text in _row(lesion, case.volume)] for lesion in case.lesions]
    shares = (0.09, 0.15, 0.15, 0.1, 0.11, 0.07, 0.14, 0.115, 0.075)  # most lesions then take one line
    unmeasured = [i for i, lesion in enumerate(case.lesions, start=1) if lesion.size is None]
    parts: list[Any] = [_table(rows, shares, [("SPAN", (4, i), (-1, i)) for i in unmeasured])]
    if any(lesion.is_uncertain for lesion in case.lesions):
        parts.append(_body(f"{UNCERTAIN}: SEG-UNSURE; the remarks say why."))
    n_further = len(prepared.lesions) - len(case.lesions)
    if n_further > 0:
        further = "1 further lesion was" if n_further == 1 else f"{n_further} further lesions were"
        parts.append(_body(f"{further} segmented but not measured (LES-MANY)."))
    return parts


def _row(lesion: LesionMeasurements, volume: Volume) -> Sequence[str]:
    kind = escape(lesion.finding.value if lesion.type is None else f"{lesion.finding.value}, {lesion.type.value}")
    if lesion.is_uncertain:
        kind += f", {UNCERTAIN}"
    size, hu = lesion.size, lesion.attenuation
    image = image_words(volume, shown_slice(lesion)).removeprefix("image ").replace("(z ", "(").replace(" mm)", ")")
    start = (escape(lesion.name), kind, escape(place_words(lesion)), image)
    if size is None:
        return (*start, f"not measured: {', '.join(in_words(lesion.refused_by))}", "", "", "", "")
    longest = f"{whole(size.longest.length_mm)} ({size.longest.plane})"
    if lesion.solid is not None:
        longest += f"; solid {whole(lesion.solid.longest.length_mm)} ({lesion.solid.longest.plane})"
    return (
        *start,
        f"{whole(size.axes.long_mm)} x {whole(size.axes.short_mm)}",
        f"{whole(size.mean_diameter_mm)}",
        longest,
        volume_words(size.volume_mm3),
        "" if hu is None else f"{hu.mean_hu:.0f}",
    )


def _sentences(case: ReportInput) -> list[Any]:
    """Return the fixed sentence of each lesion, and the bands of screening schemes with their conditions."""
    with_text = [lesion for lesion in case.lesions if lesion.tnm is not None]
    if not with_text:
        return []
    parts: list[Any] = [Paragraph("Size by lesion", _SECTION)]
    for lesion in with_text[:_SENTENCES]:
        words = [band_words(lesion)]
        words += [band.text for band in lesion.screening if isinstance(band, ScreeningBand)]
        words += [f"{text}." for text in distance_words(lesion)]
        words += growth_words(lesion)
        parts.append(_body(f"<b>{escape(lesion.name)}</b>: {escape(' '.join(words))}"))
        parts.append(Spacer(1, 2))
    if len(with_text) > _SENTENCES:
        parts.append(_body(f"The sentences of the other {len(with_text) - _SENTENCES} stand in the structured report."))
    return parts


def _lungs(case: ReportInput) -> list[Any]:
    given = {(q.side, q.name): q for q in case.quantities if q.zone is None}
    if not given:
        return []
    names = [name for name in _LUNG_NUMBERS if any((side, name) in given for side in Side)]
    rows = [[_cell("<b>Lung</b>"), *(_cell(f"<b>{_LUNG_NUMBERS[name][0]}</b>") for name in names)]]
    spans = []
    for side in (Side.RIGHT, Side.LEFT, Side.BOTH):
        cells = []
        if not any((side, name) in given for name in names):
            why = "not given: one lung alone" if side is Side.BOTH else NOT_SEGMENTED
            spans.append(("SPAN", (1, len(rows)), (-1, len(rows))))
            rows.append([_cell(side.value), _cell(why), *[""] * (len(names) - 1)])
            continue
        for name in names:
            quantity = given.get((side, name))
            value = None if quantity is None else quantity.value
            codes = () if quantity is None else dict.fromkeys(r.code.value for r in quantity.refused_by)
            bound = "≥ " if quantity is not None and quantity.partial else ""
            given_words = "" if value is None else f"{bound}{value:.{_LUNG_NUMBERS[name][1]}f}"
            cells.append(_cell(given_words or "<br/>".join(("not given:", *codes) if codes else ("not given",))))
        rows.append([_cell(side.value), *cells])
    side_width = 0.07 * TEXT_WIDTH  # narrow, so that the longest code beside it stays in one piece
    widths = [side_width] + [(TEXT_WIDTH - side_width) / len(names)] * len(names)
    parts: list[Any] = [Paragraph(f"Lungs ({case.segmentation.definition.value})", _SECTION)]
    parts.append(_table(rows, [width / TEXT_WIDTH for width in widths], spans))
    withholding = in_words(reason for quantity in given.values() for reason in quantity.refused_by)
    if withholding:
        parts.append(_body(f"Not given: {', '.join(withholding)}."))
    parts += _zones(case)
    curve = density_curve(case)
    if curve is not None:
        parts += [Spacer(1, 4), placed(curve, TEXT_WIDTH * 0.55)]
    return parts


def _zones(case: ReportInput) -> list[Any]:
    """Return the density of the thirds of each lung, where any is given; what withholds it stands above."""
    given = {(q.side, q.zone, q.name): q.value for q in case.quantities if q.zone is not None and q.value is not None}
    names = [name for name in _ZONE_NUMBERS if any(name is n for _, _, n in given)]
    if not names:
        return []
    rows = [[_cell("<b>Zone</b>"), *(_cell(f"<b>{_LUNG_NUMBERS[name][0]}</b>") for name in names)]]
    for side in (Side.RIGHT, Side.LEFT):
        for zone in (Zone.UPPER, Zone.MIDDLE, Zone.LOWER):
            values = [given.get((side, zone.value, name)) for name in names]
            if all(value is None for value in values):
                continue
            cells = [
                "not given" if v is None else f"{v:.{_LUNG_NUMBERS[n][1]}f}" for n, v in zip(names, values, strict=True)
            ]
            rows.append([_cell(f"{side.value}, {zone.value}"), *(_cell(text) for text in cells)])
    return [Spacer(1, 4), _table(rows, [1 / (len(names) + 1)] * (len(names) + 1))]


def _pet(case: ReportInput, prepared: Prepared) -> list[Any]:
    """Return what the PET says of each lesion, the candidates outside them, and the PET seen from the front."""
    if case.pet is None:
        return []
    parts: list[Any] = [Paragraph("PET", _SECTION)]
    pet, searched_ct = case.pet.measured, looked_for_lesions(case.segmentation)
    if pet is None:
        return [*parts, *(_body(escape(line)) for line in pet_lines(case.pet, searched_ct=searched_ct))]
    words = [reference_words(pet.found), foci_words(pet.found, searched_ct=searched_ct), *foci_lines(pet, _FOCI)]
    rank = {lesion.label: place for place, lesion in enumerate(case.lesions)}
    lesions = sorted(pet.found.lesions, key=lambda lesion: rank.get(lesion.label, len(rank)))[:_UPTAKES]
    kind = pet.found.kind
    if lesions:
        rows = [[_cell(f"<b>{escape(text)}</b>") for text in table_head(kind)]]
        rows += [[_cell(escape(text)) for text in table_row(lesion, kind)] for lesion in lesions]
        shares = (0.1, 0.085, 0.085, 0.09, *[0.093] * 6, 0.082)  # the longest code stays in one piece
        refused = [i for i, lesion in enumerate(lesions, start=1) if lesion.refused_by]
        narrow = [
            *(("SPAN", (1, i), (-1, i)) for i in refused),
            ("LEFTPADDING", (0, 0), (-1, -1), 3),
            ("RIGHTPADDING", (0, 0), (-1, -1), 1),
        ]
        foot = table_foot(lesions, kind)
        parts += [_table(rows, shares, narrow), *([_body(escape(foot))] if foot else []), Spacer(1, 3)]
    if len(pet.found.lesions) > len(lesions):
        words.append(f"The other {len(pet.found.lesions) - len(lesions)} lesions stand in the structured report")
    seen = pet_from_front(pet, case.volume, prepared.lesions, 360, n_foci=_FOCI)
    picture = placed(seen, TEXT_WIDTH * 0.38)
    beside = Table(
        [[picture, [_body(escape(f"{line}.")) for line in words]]],
        colWidths=[TEXT_WIDTH * 0.4, TEXT_WIDTH * 0.6],
        style=[*_PICTURES, ("VALIGN", (0, 0), (-1, -1), "TOP")],
        hAlign="LEFT",
    )
    return [*parts, beside]


def _remarks(case: ReportInput) -> list[Any]:
    """Return every code of the series and of its lesions with its meaning, and why the series is flagged unsure."""
    lines = _by_code("", case.reasons)
    told = {(r.code, r.text) for r in case.reasons}
    for lesion in case.lesions[:_SENTENCES]:
        others = (r for r in (*lesion.refused_by, *lesion.warnings) if r.code is not Code.SEG_UNSURE)
        of_lesion = [r for r in others if (r.code, r.text) not in told]
        lines += _by_code(f"{lesion.name}, ", of_lesion)
    lines += [] if case.pet is None else _by_code("PET, ", case.pet.reasons)
    lines += _doubts(case.lesions)
    said = " ".join(reason.text for reason in case.reasons)
    lines += [f"Series flagged unsure: {why}" for why in case.segmentation.unsure if why not in said]
    return [Paragraph("Remarks", _SECTION), *(_body(escape(line)) for line in lines)] if lines else []


def _doubts(lesions: Iterable[LesionMeasurements]) -> list[str]:
    """Return why lesions are uncertain, in one line: each reason with the lesions that have it."""
    names: dict[str, list[str]] = {}
    for lesion in lesions:
        if lesion.is_uncertain:
            names.setdefault(doubt_words(lesion), []).append(lesion.name)
    if not names:
        return []
    said = "; ".join(f"{', '.join(those)} {why}" for why, those in names.items())
    return [f"{Code.SEG_UNSURE} of lesions: {said}"]


def _by_code(of: str, reasons: Iterable[Reason]) -> list[str]:
    """Return one line for each code, with all its words."""
    texts: dict[Code, dict[str, None]] = {}
    for reason in reasons:
        texts.setdefault(reason.code, {})[reason.text] = None
    return [f"{of}{code.value}: {meaning(code)} ({'; '.join(said)})" for code, said in texts.items()]


def _method(case: ReportInput, prepared: Prepared) -> list[str]:
    volume = case.volume
    z, y, x = volume.spacing_zyx_mm
    models = "; ".join(f"{m.name} {m.version} (weights {m.digest[:12]})" for m in case.segmentation.models)
    return [
        f"Segmented by {escape(models)} on {len(volume.frames)} slices, {z:.2f} mm apart, pixels {y:.2f} x {x:.2f} mm. "
        f"Device UID {prepared.job.identity.device_uid}.",
        *((_SIZE_METHOD,) if looked_for_lesions(case.segmentation) else ()),
        *(() if case.pet is None or case.pet.measured is None else (_pet_method(case.pet.measured),)),
    ]


_SIZE_METHOD = (
    "Long axis: longest line in one part of an acquired slice; short axis: longest line perpendicular to it on "
    "that slice (RECIST 1.1). Outline: hull of the edge midpoints of the pixels, 0.5 to 0.8 pixel too long on "
    "discs. Longest: in any axial, coronal or sagittal plane; in the last two a pixel is one slice high. Volume: "
    "voxels times voxel volume. Whole mm are rounded; bands follow the unrounded value. Solid component: -300 HU and "
    "more, thin vessels removed."
)


def _pet_method(pet: MeasuredPet) -> str:
    """Return how the numbers of the PET that are printed were measured."""
    return " ".join((_PET_PICTURES, *((_UPTAKE_METHOD,) if pet.found.lesions else ()), _FOCI_METHOD))


_PET_PICTURES = "PET: on its own grid; pictures from SUV 0 (white) to 10 (black)."
_UPTAKE_METHOD = (
    "Lesions: in the CT lesion and 10 mm round it. SUVpeak: highest mean of a sphere of 1 cm³ centred in the 41 % "
    "mask. SUVmean: over the 41 % mask. MTV: voxels connected with the maximum, above 41 % of it, SUV 2.5 or 4.0; "
    "no volume of 41 % where it goes on beyond the 10 mm."
)
_FOCI_METHOD = (
    "Candidates: SUV by body weight 4.0 and more, at least 0.5 ml, from the apices of the lungs to 20 mm below "
    "their bases; the place is that of the maximum, as marked in the picture."
)
_LIMITS = (
    "Lymph nodes, effusion and all other organs are not assessed. Zones are thirds of the lung, not lobes. "
    "What the software did not segment is not described. ",
    "The absence of a lesion here means only that none was segmented. ",
    "Numbers that would mislead are left out, and the code says why. The report names no patient: the "
    "patient is named by the data of the document that carries it.",
)


def _limits(case: ReportInput) -> list[str]:
    """Return the limits in one piece; the absence of lesions means nothing where none were looked for."""
    first, of_lesions, last = _LIMITS
    return [first + (of_lesions if looked_for_lesions(case.segmentation) else "") + last]


def _body(text: str) -> Paragraph:
    return Paragraph(text, _BODY)


def _table(rows: Sequence[Sequence[Any]], shares: Sequence[float], style: Sequence[Any] = ()) -> Table:
    """Return a table whose columns take these shares of the text's width; where a page shrinks, it stays left."""
    widths = [TEXT_WIDTH * share for share in shares]
    return Table(rows, colWidths=widths, style=[*_GRID, *style], hAlign="LEFT", repeatRows=1)


def _cell(text: str) -> Paragraph:
    return Paragraph(text, _CELL)
