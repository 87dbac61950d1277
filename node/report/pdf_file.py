"""A PDF file after the rules of PDF/A-2b: embedded fonts, metadata as XMP, an sRGB output intent, no scripts.

Pages are made of groups of flowing parts that are shrunk until they fit; where that would make a page too small to
read, its further groups begin a page of their own.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape

from PIL import Image, ImageCms
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfdoc, pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Frame, KeepInFrame
from reportlab.platypus import Image as FlowingImage

from node.report.fonts import font_file

REGULAR, BOLD = "DejaVuSans", "DejaVuSans-Bold"
PRODUCER = "lungnode"
_MARGIN_MM, _FOOTER_MM = 15.0, 14.0
TEXT_WIDTH = A4[0] - 2 * _MARGIN_MM * mm  # points
_TEXT_HEIGHT = A4[1] - (2 * _MARGIN_MM + _FOOTER_MM) * mm
LEAST_SCALE = 0.9  # of a page that has something to leave out


def register_fonts() -> None:
    """Make the typeface known to the PDF library."""
    for name, bold in ((REGULAR, False), (BOLD, True)):
        pdfmetrics.registerFont(TTFont(name, str(font_file(bold=bold))))
    pdfmetrics.registerFontFamily(REGULAR, normal=REGULAR, bold=BOLD, italic=REGULAR, boldItalic=BOLD)


def write_pdf(
    pages: Sequence[Sequence[Sequence[Any]]], title: str, footer: str, made_at: datetime, head: Sequence[Any] = ()
) -> bytes:
    """Return the file.

    Parameters
    ----------
    pages : the groups of flowing parts of each page; a group is never parted.
    footer : stands below every page, with its number.
    head : begins a page that the groups of another were moved to.
    """
    register_fonts()
    buffer = BytesIO()
    canvas = Canvas(buffer, pagesize=A4, initialFontName=REGULAR, pdfVersion=(1, 7), lang="en", invariant=True)
    canvas.setTitle(title)
    canvas.setProducer(PRODUCER)
    canvas.setCreator(PRODUCER)
    canvas.setAuthor(PRODUCER)
    canvas.setSubject(title)
    _set_time(canvas, made_at)
    parted = [parts for groups in pages for parts in _parted(groups, head, canvas)]
    for number, parts in enumerate(parted, start=1):
        frame = Frame(
            _MARGIN_MM * mm, (_MARGIN_MM + _FOOTER_MM) * mm, TEXT_WIDTH, _TEXT_HEIGHT,
            leftPadding=0, rightPadding=0, topPadding=0, bottomPadding=0,
        )  # fmt: skip
        frame.addFromList([_shrinking(parts)], canvas)
        canvas.setFont(REGULAR, 7)
        canvas.drawString(_MARGIN_MM * mm, _MARGIN_MM * mm, f"{footer} · page {number} of {len(parted)}")
        canvas.showPage()
    _make_archivable(canvas, title, made_at)
    canvas.save()
    return buffer.getvalue()


def _parted(groups: Sequence[Sequence[Any]], head: Sequence[Any], canvas: Canvas) -> Iterator[Sequence[Any]]:
    """Yield the parts of one page, or of several where one would be shrunk too much."""
    parts: list[Any] = []
    for group in (g for g in groups if g):
        if parts and _scale([*parts, *group], canvas) < LEAST_SCALE:
            yield parts
            parts = list(head)
        parts += group
    yield parts


def _scale(parts: Sequence[Any], canvas: Canvas) -> float:
    """Return by how much parts are shrunk to fit on a page; 1 where they fit."""
    whole = _shrinking(parts)
    whole.wrapOn(canvas, TEXT_WIDTH, _TEXT_HEIGHT)
    return 1.0 / float(getattr(whole, "_scale", 1.0))


def _shrinking(parts: Sequence[Any]) -> KeepInFrame:
    return KeepInFrame(TEXT_WIDTH, _TEXT_HEIGHT, list(parts), mode="shrink")


def placed(picture: Image.Image, width: float) -> FlowingImage:
    """Return a picture as a flowing part, `width` in points."""
    stored = BytesIO()
    picture.convert("RGB").save(stored, "JPEG", quality=88)
    stored.seek(0)
    return FlowingImage(stored, width, width * picture.height / picture.width)


def _set_time(canvas: Canvas, made_at: datetime) -> None:
    """Give the document the job's time; the library would take the clock's."""
    offset_s = made_at.utcoffset()
    minutes = 0 if offset_s is None else round(offset_s.total_seconds() / 60)
    stamp = canvas._doc._timeStamp
    stamp.YMDhms = made_at.timetuple()[:6]
    stamp.dhh, stamp.dmm = int(minutes / 60), abs(minutes) % 60


def _make_archivable(canvas: Canvas, title: str, made_at: datetime) -> None:
    """Add what PDF/A-2b asks for beyond what the library writes (ISO 19005-2, 6.2.3 and 6.6)."""
    document = canvas._doc
    catalog = document.Catalog
    catalog.Metadata = _stream(_xmp(title, made_at), Type="Metadata", Subtype="XML")
    profile = pdfdoc.PDFStream(content=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile.dictionary["N"] = 3
    intent = pdfdoc.PDFDictionary(
        {
            "Type": pdfdoc.PDFName("OutputIntent"),
            "S": pdfdoc.PDFName("GTS_PDFA1"),
            "OutputConditionIdentifier": pdfdoc.PDFString("sRGB"),
            "Info": pdfdoc.PDFString("sRGB"),
            "DestOutputProfile": document.Reference(profile),
        }
    )
    catalog.__NoDefault__ = [*catalog.__NoDefault__, "OutputIntents"]
    catalog.OutputIntents = pdfdoc.PDFArray([intent])


def _stream(content: bytes, **names: str) -> Any:
    stream = pdfdoc.PDFStream(content=content, filters=[])
    for key, name in names.items():
        stream.dictionary[key] = pdfdoc.PDFName(name)
    return stream


def _xmp(title: str, made_at: datetime) -> bytes:
    """Return the metadata; it must agree with the document's information."""
    made = made_at.isoformat(timespec="seconds")
    return f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<pdfaid:part>2</pdfaid:part><pdfaid:conformance>B</pdfaid:conformance>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{escape(title)}</rdf:li></rdf:Alt></dc:description>
<dc:creator><rdf:Seq><rdf:li>{PRODUCER}</rdf:li></rdf:Seq></dc:creator>
<xmp:CreatorTool>{PRODUCER}</xmp:CreatorTool><xmp:CreateDate>{made}</xmp:CreateDate>
<xmp:ModifyDate>{made}</xmp:ModifyDate><pdf:Producer>{PRODUCER}</pdf:Producer>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>""".encode()
