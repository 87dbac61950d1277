"""Key slices, PDF and the notice as a picture: their objects, what is written in them, and what is not."""

import re
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from pydicom import dcmread
from pydicom.dataset import Dataset
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.platypus import Spacer

from node.errors import Affects, Code, InputRefused, Reason, Refusal, refuse, warn
from node.measure.quantity import Name, Side
from node.report.case import prepare
from node.report.density_curve import cumulative_percent, density_curve
from node.report.encode import ReportInput, encode_notice_picture, encode_results
from node.report.key_slices import legend, place_in_scan
from node.report.lesion_words import distance_words, kind_words, size_words
from node.report.notice import NoticeInput
from node.report.panel import LUNG_WINDOW_HU, Line, Outlined, Plane, box_round, direction, draw_panel
from node.report.pdf_file import write_pdf
from node.report.pdf_pages import _LIMITS
from node.report.sheet import FOOTER, fitting, sheet, write_fitting, write_lines
from node.report.summary_picture import coronal_panel, slice_panel, summary_words, volume_lines
from node.settings import Objects, Rung
from node.volume.image_place import height_words, image_words
from tests.report.conftest import (
    LESIONS,
    LUNGS,
    NOW,
    CaseMaker,
    Grid,
    enhanced_case,
    identity,
    lungs,
    run_tool,
    withheld,
)
from tests.report.lesion_case import GRID, chest, lesion_case
from tests.report.test_sr import FORBIDDEN_WORDS
from tests.report.test_validators import not_allowed

DISCLAIMER = "AI result - not for diagnosis; requires physician review"
SCOPED = ("lung-rads", "fleischner")  # bands of these schemes are printed, with the condition that they apply to
PDFTOTEXT, PDFFONTS, PDFTOPPM = (shutil.which(tool) for tool in ("pdftotext", "pdffonts", "pdftoppm"))


def captures(case: ReportInput, out: Path) -> list[Dataset]:
    return [
        dcmread(o.path) for o in encode_results(case, out, frozenset((Rung.KEY_SLICES,))) if o.kind in ("SC", "SUMMARY")
    ]


def pdf_of(case: ReportInput, out: Path) -> tuple[Dataset, Path]:
    (made,) = [o for o in encode_results(case, out, frozenset((Rung.PDF,))) if o.kind == "PDF"]
    ds = dcmread(made.path)
    path = out / "report.pdf"
    path.write_bytes(ds.EncapsulatedDocument[: ds.EncapsulatedDocumentLength])
    return ds, path


def text_of(path: Path, *options: str) -> str:
    return " ".join(run_tool(PDFTOTEXT, *options, path, "-").split())


def test_there_is_one_summary_and_one_image_per_lesion_in_one_series(maker: CaseMaker, out: Path) -> None:
    images = captures(lesion_case(maker), out)
    assert [i.InstanceNumber for i in images] == [1, 2, 3, 4]
    assert len({i.SeriesInstanceUID for i in images}) == 1
    assert len({i.SOPInstanceUID for i in images}) == 4
    assert {i.SeriesNumber for i in images} == {900034}


def test_a_capture_follows_the_rules_of_its_class(maker: CaseMaker, out: Path) -> None:
    for image in captures(lesion_case(maker), out):
        assert (image.SOPClassUID, image.Modality) == ("1.2.840.10008.5.1.4.1.1.7", "OT")
        assert (image.ConversionType, image.BurnedInAnnotation) == ("WSD", "YES")
        assert (image.RecognizableVisualFeatures, image.BodyPartExamined) == ("NO", "CHEST")
        assert list(image.ImageType) == ["DERIVED", "SECONDARY"]
        assert (image.SamplesPerPixel, image.PhotometricInterpretation, image.PlanarConfiguration) == (3, "RGB", 0)
        assert (image.BitsAllocated, image.LossyImageCompression, image.PatientOrientation) == (8, "00", "")
        assert "FrameOfReferenceUID" not in image
        assert "ImagePositionPatient" not in image
        assert "Laterality" not in image
        assert image.DerivationDescription
        assert len(image.PixelData) == image.Rows * image.Columns * 3


def test_a_key_slice_names_the_slice_that_it_shows(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    by_size = sorted(case.lesions, key=lambda lesion: -lesion.n_voxels)
    for image, lesion in zip(captures(case, out)[1:], by_size, strict=True):
        (source,) = image.SourceImageSequence
        frame = case.volume.frames[lesion.size.axes.slice_index]
        assert source.ReferencedSOPInstanceUID == frame.sop_instance_uid


def test_a_lossy_source_makes_lossy_captures(maker: CaseMaker, out: Path) -> None:
    def lossy(ds: Dataset) -> None:
        ds.LossyImageCompression, ds.LossyImageCompressionRatio = "01", "12.5"
        ds.LossyImageCompressionMethod = "ISO_10918_1"

    case = maker.case(edit=lossy)
    assert {i.LossyImageCompression for i in captures(case, out)} == {"01"}


def drawn_words(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note everything that is drawn as text into pictures."""
    words: list[str] = []
    original = ImageDraw.ImageDraw.text

    def text(self: object, xy: object, text: str, *args: object, **kwargs: object) -> object:
        words.append(text)
        return original(self, xy, text, *args, **kwargs)

    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    return words


def test_every_picture_has_the_statement_its_lesion_and_no_identifier(
    maker: CaseMaker, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = drawn_words(monkeypatch)
    images = captures(lesion_case(maker), out)
    assert words.count(DISCLAIMER) == len(images)
    said = " ".join(words)
    assert "nodule-2: mass, part-solid, left lung, lower zone" in said
    assert "Long axis 39 mm, short axis 31 mm (RECIST 1.1)" in said
    assert "run r1 · 2026-03-04 12:30" in said
    for identifier in ("Müller", "P-1", "1950", "ACC7", "HOSPITAL", "Weiß", "20250102"):
        assert identifier not in said
    low = said.lower()
    assert [word for word in FORBIDDEN_WORDS if word in low] == []


def test_a_refused_lesion_is_shown_with_the_code_and_without_axes(
    maker: CaseMaker, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = drawn_words(monkeypatch)
    refused = refuse(Code.GEO_THICK, "slices of 7 mm, limit 5 mm", Affects.LESIONS)
    images = captures(lesion_case(maker, reasons=(refused,)), out)
    assert len(images) == 4
    said = " ".join(words)
    in_words = "Not measured: GEO-THICK (Slices too thick for some measurements)"
    assert said.count(in_words) == 6  # in the summary and in its own image
    assert not any("Long axis" in word for word in words)


def test_nothing_found_is_worded_as_such_and_not_looked_for_as_that(
    maker: CaseMaker, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels, _ = chest()
    labels[labels > 2] = 0
    words = drawn_words(monkeypatch)
    captures(lesion_case(maker, labels=labels), out)
    assert "No lesion segmented by this software." in words
    words.clear()
    captures(maker.case(), out)
    assert "Lesions were not looked for." in words
    assert "Coronal" in words
    assert not any("projected" in word for word in words)


@pytest.mark.parametrize(("step_mm", "end"), [(2.0, "the feet"), (-2.0, "the head")])
def test_a_slice_is_named_as_the_archive_numbers_it_and_counted_from_an_end(
    maker: CaseMaker, step_mm: float, end: str
) -> None:
    def numbered_from_the_head(ds: Dataset) -> None:
        ds.InstanceNumber = 100 - ds.InstanceNumber

    volume = maker.case(edit=numbered_from_the_head).volume
    turned = volume.lps_from_zyx.copy()
    turned[:3, 0] = (0.0, 0.0, step_mm)
    height_mm = turned[2, 3] + 2 * step_mm
    said = place_in_scan(replace(volume, lps_from_zyx=turned), 2)
    assert said == f"image 97 (z {height_mm:.1f} mm), slice 3 of {len(volume.frames)} from {end}"


def test_pictures_and_pages_name_the_images_of_lesions(
    maker: CaseMaker, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = lesion_case(maker)
    words = drawn_words(monkeypatch)
    captures(case, out)
    said = " ".join(words)
    pages = text_of(pdf_of(case, out)[1])
    for lesion in case.lesions:
        z = lesion.size.axes.slice_index
        number, z_mm = z + 1, -60.0 + 5.0 * z
        assert f"Shown: image {number} (z {z_mm:.1f} mm), slice {z + 1} of 24 from the feet" in said
        assert f"; image {number} (z {z_mm:.1f} mm)" in said
        assert f"image {number}\nz {z_mm:.1f} mm" in words
        assert f"{number} ({z_mm:.1f})" in pages


def test_a_frame_is_named_by_its_own_number(tmp_path: Path) -> None:
    volume = enhanced_case(tmp_path / "enhanced").volume
    frame = volume.frames[3].frame_number
    assert image_words(volume, 3) == f"frame {frame} of image 1 ({height_words(volume, 3)})"


@pytest.mark.parametrize("reasons", [(), (refuse(Code.GEO_THICK, "7 mm", Affects.LESIONS),)], ids=["measured", "not"])
def test_a_small_picture_names_every_lesion_that_is_seen_in_it_and_no_other(
    maker: CaseMaker, reasons: tuple[Reason, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = lesion_case(maker, reasons=reasons)
    names = {segment.label: segment.name for segment in case.segmentation.segments}
    words = drawn_words(monkeypatch)
    told, seen = [], []
    for z, labels_yx in enumerate(case.segmentation.labels_zyx):
        words.clear()
        slice_panel(case, prepare(case), z, 300)
        told.append({word for word in words if word.startswith("nodule")})
        seen.append({names[label] for label in np.unique(labels_yx).tolist() if label > 2})
    assert told == seen
    assert max(map(len, seen)) > 1


def test_a_lesion_is_named_at_the_part_of_it_that_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    placed = []
    monkeypatch.setattr("node.report.panel.write_names", lambda _draw, _size, named: placed.extend(named))
    mask = np.zeros((40, 40), bool)
    mask[5:39, 2:12] = True
    plane = Plane(np.zeros((40, 40), np.int16), (1.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    draw_panel(plane, 100, LUNG_WINDOW_HU, outlined=[Outlined(mask, (255, 0, 0), name="nodule-1")], box=(0, 10, 10, 20))
    assert placed == [((5.0, 55.0, 15.0, 95.0), "nodule-1")]


def test_outlines_axes_and_letters_are_drawn_where_they_belong() -> None:
    hu = np.full((40, 40), -800, np.int16)
    mask = np.zeros((40, 40), bool)
    mask[10:20, 20:30] = True
    plane = Plane(hu, (1.0, 1.0), (-1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
    plain = np.asarray(draw_panel(plane, 400, LUNG_WINDOW_HU)).astype(int)
    lines = [Line(((15.0, 20.0), (15.0, 29.0)), (0, 255, 0))]
    picture = np.asarray(
        draw_panel(plane, 400, LUNG_WINDOW_HU, outlined=[Outlined(mask, (255, 0, 0))], lines=lines)
    ).astype(int)
    red = np.argwhere((picture == (255, 0, 0)).all(axis=2))
    assert red.min(axis=0).tolist() == pytest.approx([100, 200], abs=2)
    assert red.max(axis=0).tolist() == pytest.approx([200, 300], abs=2)
    green = np.argwhere((picture == (0, 255, 0)).all(axis=2))
    assert green.min(axis=0).tolist() == pytest.approx([155, 205], abs=2)
    assert green.max(axis=0).tolist() == pytest.approx([155, 295], abs=2)
    changed = (picture != plain).any(axis=2)
    assert not changed[:90].any()


@pytest.mark.parametrize(
    ("vector", "letters"),
    [((1.0, 0.0, 0.0), ("R", "L")), ((-1.0, 0.1, 0.0), ("L", "R")), ((0.0, 1.0, 0.0), ("A", "P")),
     ((0.0, 0.0, -1.0), ("H", "F"))],
    ids=["to the left", "to the right", "to the back", "to the feet"],
)  # fmt: skip
def test_letters_follow_the_patient(vector: tuple[float, float, float], letters: tuple[str, str]) -> None:
    assert direction(vector) == letters


def test_a_box_stays_in_the_plane_and_holds_the_mask() -> None:
    mask = np.zeros((50, 80), bool)
    mask[0:4, 76:80] = True
    top, left, bottom, right = box_round(mask, (1.0, 1.0), least_mm=20.0)
    assert (top, left, bottom, right) == (0, 60, 20, 80)


def test_colours_are_explained_in_pictures_and_pages(
    maker: CaseMaker, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = lesion_case(maker)
    meant = ["right lung", "left lung", "lesion", "solid component", "long axis", "short axis"]
    assert [text for text, _ in legend(prepare(case), axes=True)] == meant
    assert [text for text, _ in legend(prepare(maker.case()), axes=False)] == meant[:2]
    words = drawn_words(monkeypatch)
    images = captures(case, out)
    assert [words.count(text) for text in meant] == [len(images)] * len(meant)
    said = text_of(pdf_of(case, out)[1])
    assert all(text in said for text in meant)


def test_words_that_are_too_many_for_their_place_have_two_columns_of_larger_letters(
    maker: CaseMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    original = ImageDraw.ImageDraw.text

    def text(self: object, xy: tuple, text: str, *args: object, **kwargs: object) -> object:
        drawn.append((xy[0], text, kwargs["font"].size))
        return original(self, xy, text, *args, **kwargs)

    picture = sheet("Title", 700, 300, prepare(maker.case()).job)
    monkeypatch.setattr(ImageDraw.ImageDraw, "text", text)
    lines = [word for i in range(8) for word in (f"first {i}", f"second {i}", "")]
    write_fitting(picture, (10, 70), lines, 680, 240)
    columns = {x: [word for at, word, _ in drawn if at == x] for x, _, _ in drawn}
    assert len(columns) == 2
    assert all(words[0].startswith("first") for words in columns.values())
    (size,) = {size for _, _, size in drawn}
    assert size > fitting(lines, 680, 240)
    assert sum(map(len, columns.values())) == len(lines)


def test_long_lines_are_broken_and_stay_in_the_picture(maker: CaseMaker) -> None:
    picture = sheet("Title", 300, 200, prepare(maker.case()).job)
    end = write_lines(picture, (12, 70), ["word " * 30], 250)
    assert end > 70 + 3 * 24
    assert np.asarray(picture)[70 : 200 - FOOTER, 290:].max() == 0


@pytest.mark.parametrize("side", [np.s_[:, :, :], np.s_[:, :, ::-1]], ids=["as stored", "mirrored"])
def test_the_coronal_view_has_the_patients_right_on_its_left(maker: CaseMaker, side: object) -> None:
    mirrored = Grid(GRID.shape, (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0), GRID.spacing_yx_mm, GRID.step_mm, (142.0, -126.0, 0.0))
    flipped = side != np.s_[:, :, :]
    labels, hu = (a[side] for a in chest())
    case = maker.case(mirrored if flipped else GRID, labels.copy(), models=(LUNGS, LESIONS))
    case = replace(case, volume=replace(case.volume, hu_zyx=hu.copy()))
    panel = np.asarray(coronal_panel(case, prepare(case), 400)).astype(int)
    blue, orange = ((panel == colour).all(axis=2).nonzero()[1].mean() for colour in ((86, 180, 233), (230, 159, 0)))
    assert blue < 200 < orange  # the right lung is blue


def test_the_curve_is_the_share_of_voxels_at_or_below(maker: CaseMaker) -> None:
    case = lesion_case(maker)
    lung = case.volume.hu_zyx[(case.segmentation.labels_zyx == 1) | (case.segmentation.labels_zyx == 2)]
    share = cumulative_percent(case)
    assert share[-900 + 1024] == pytest.approx(100 * (lung <= -900).mean())
    assert share[-1] == pytest.approx(100 * (lung <= -500).mean())
    assert isinstance(density_curve(case), Image.Image)


def test_there_is_no_curve_where_density_is_refused(maker: CaseMaker) -> None:
    case = lesion_case(maker)
    refused = withheld(case.quantities, {Name.PERC15, Name.PD15}, Code.ACQ_KERNEL)
    assert density_curve(replace(case, quantities=refused)) is None


def test_the_pdf_object_follows_the_rules_of_its_class(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    ds, path = pdf_of(case, out)
    assert (ds.SOPClassUID, ds.Modality, ds.ConversionType) == ("1.2.840.10008.5.1.4.1.1.104.1", "DOC", "WSD")
    assert (ds.BurnedInAnnotation, ds.DocumentTitle) == ("NO", "lungnode report (AI)")
    assert (ds.MIMETypeOfEncapsulatedDocument, len(ds.ConceptNameCodeSequence)) == ("application/pdf", 0)
    assert {i.ReferencedSOPInstanceUID for i in ds.SourceInstanceSequence} == {
        f.sop_instance_uid for f in case.volume.frames
    }
    assert len(ds.EncapsulatedDocument) % 2 == 0
    assert path.read_bytes().startswith(b"%PDF-1.7")
    assert path.read_bytes().rstrip().endswith(b"%%EOF")


def test_the_pdf_has_two_pages_with_embedded_fonts_and_what_pdf_a_asks_for(maker: CaseMaker, out: Path) -> None:
    _, path = pdf_of(lesion_case(maker), out)
    fonts = run_tool(PDFFONTS, path).splitlines()[2:]
    assert fonts
    assert all(re.search(r" yes yes (yes|no) ", line) for line in fonts), fonts
    info = run_tool(shutil.which("pdfinfo"), path)
    assert "Pages:           2" in info
    assert "JavaScript:      no" in info
    assert "2026" in info
    raw = path.read_bytes()
    for needed in (b"/OutputIntents", b"/GTS_PDFA1", b"<pdfaid:part>2<", b"<pdfaid:conformance>B<", b"/ID"):
        assert needed in raw
    assert b"/ObjStm" not in raw  # so all dictionaries stand between streams, whose encoded bytes may hold any letters
    dictionaries = re.sub(rb"stream\r?\n.*?endstream", b"", raw, flags=re.DOTALL)
    for forbidden in (b"/JavaScript", b"/JS", b"/Encrypt", b"/LZWDecode", b"/SMask"):
        assert forbidden not in dictionaries


def test_the_pdf_says_what_was_measured_and_its_fixed_sentences(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    _, path = pdf_of(case, out)
    said = text_of(path)
    for lesion in case.lesions:
        assert " ".join(lesion.tnm.text.split()) in said
        assert f"{round(lesion.size.axes.long_mm)} x {round(lesion.size.axes.short_mm)}" in said
    assert said.count(DISCLAIMER) >= 2
    assert "page 1 of 2" in said
    assert "page 2 of 2" in said
    assert "lungs-rule 1.0" in said
    volume = next(q.value for q in case.quantities if q.name is Name.LUNG_VOLUME)
    assert f"{volume:.0f}" in said


def test_the_pdf_names_no_patient_and_claims_nothing_beyond_the_fixed_sentences(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    _, path = pdf_of(case, out)
    said = text_of(path)
    for identifier in ("Müller", "P-1", "19500607", "1950", "ACC7", "HOSPITAL", "Weiß"):
        assert identifier not in said
    for lesion in case.lesions:
        said = said.replace(" ".join(lesion.tnm.text.split()), "")
    low = said.lower()
    assert [word for word in FORBIDDEN_WORDS if word in low and word not in SCOPED] == []
    assert "applies only to" in low


def test_the_pdf_of_refused_numbers_gives_the_codes(maker: CaseMaker, out: Path) -> None:
    reasons = (
        refuse(Code.GEO_THICK, "slices of 7 mm, limit 5 mm", Affects.LESIONS),
        warn(Code.HU_PAD, "63 % padding & a step < 2 mm"),
    )
    case = lesion_case(maker, reasons=reasons)
    case = replace(case, quantities=withheld(case.quantities, {Name.PERC15, Name.PD15}, Code.ACQ_KERNEL))
    _, path = pdf_of(case, out)
    said = text_of(path)
    assert "not measured: GEO-THICK (Slices too thick for some measurements)" in said
    assert "Not given: ACQ-KERNEL (Sharp reconstruction kernel)." in said
    assert "not given: ACQ-KERNEL" in said
    assert "63 % padding & a step < 2 mm" in said
    assert said.count("GEO-THICK: Slices too thick") == 1  # once for the series, not again for each lesion


def one_lung(case: ReportInput) -> ReportInput:
    """Return a case whose left lung was not found."""
    return replace(case, quantities=tuple(q for q in case.quantities if q.side is Side.RIGHT))


def test_a_lung_that_was_not_found_is_called_so_in_the_pdf(maker: CaseMaker, out: Path) -> None:
    said = text_of(pdf_of(one_lung(lesion_case(maker)), out)[1], "-layout")
    assert "left not segmented by this software" in said
    assert "both not given: one lung alone" in said
    assert "not given:" not in said.replace("not given: one lung alone", "")


def test_volumes_that_are_not_given_say_why_in_the_summary(maker: CaseMaker) -> None:
    case = lesion_case(maker)
    refused = withheld(case.quantities, {Name.LUNG_VOLUME}, Code.SEG_UNSURE)
    (told,) = volume_lines(refused)
    assert told == "Volume not given (right lung, left lung, both lungs): SEG-UNSURE (Segmentation is unsure)"
    assert volume_lines(one_lung(case).quantities)[1:] == ["Left lung: not segmented by this software"]
    assert volume_lines(()) == []


def test_remarks_of_the_summary_say_what_their_codes_mean(maker: CaseMaker) -> None:
    case = lesion_case(maker, reasons=(warn(Code.HU_PAD, "x"), warn(Code.ACQ_KERNUNK, "y")))
    remark = "Remarks: HU-PAD (Padding values were left out), ACQ-KERNUNK (Reconstruction kernel unknown)"
    assert remark in summary_words(case, prepare(case))


def test_the_longest_code_stays_in_one_piece_beside_a_lungs_name(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    densities = set(Name) - {Name.LUNG_VOLUME}
    _, path = pdf_of(replace(case, quantities=withheld(case.quantities, densities, Code.ACQ_CONTRAST)), out)
    assert "not given: ACQ-CONTRAST" in text_of(path)
    assert f"Lungs ({case.segmentation.definition})" in text_of(path)


def test_the_pdf_of_lungs_alone_and_of_nothing_is_written(maker: CaseMaker, out: Path) -> None:
    _, path = pdf_of(maker.case(), out)
    said = text_of(path)
    assert "Lesions were not looked for." in said
    assert "Lung report (AI)" in said
    assert "Long axis" not in said
    labels, _ = chest()
    labels[labels > 2] = 0
    _, path = pdf_of(lesion_case(maker, labels=labels, with_lungs=False), out)
    assert "No lesion segmented by this software." in text_of(path)


def test_the_pdf_has_a_page_more_rather_than_an_unreadable_one_however_many_lesions_there_are(
    maker: CaseMaker, out: Path
) -> None:
    case = lesion_case(maker, reasons=tuple(warn(code, f"{code} found " + "and found again " * 8) for code in Code))
    many = tuple(replace(case.lesions[i % 3], name=f"nodule-{i + 1}") for i in range(20))
    case = replace(case, lesions=(*case.lesions, *many))
    _, path = pdf_of(case, out)
    assert "Pages:           3" in run_tool(shutil.which("pdfinfo"), path)
    assert "nodule-20" in text_of(path)


def test_a_page_is_shrunk_by_a_tenth_at_most_before_its_groups_are_parted() -> None:
    def pages(*heights: float) -> int:
        groups = [[Spacer(10, height)] for height in heights]
        content = write_pdf([groups], "title", "footer", datetime(2026, 1, 1, tzinfo=UTC), [Spacer(10, 20)])
        return len(re.findall(rb"/Type /Page\b", content))

    full = A4[1] - 44 * mm  # between margins and footer
    assert pages(0.5 * full, 0.5 * full) == 1
    assert pages(0.5 * full, 0.6 * full) == 1  # 91 %
    assert pages(0.5 * full, 0.65 * full) == 2  # 87 %
    assert pages(1.3 * full) == 1  # one group is never parted
    assert pages(0.9 * full, 0.9 * full, 0.05 * full) == 2


def test_a_code_for_two_reasons_stands_once_in_the_remarks(maker: CaseMaker, out: Path) -> None:
    reasons = tuple(refuse(Code.ACQ_CONTRAST, text, Affects.DENSITY) for text in ("in the header", "aorta 398 HU"))
    _, path = pdf_of(lesion_case(maker, reasons=reasons), out)
    said = text_of(path)
    assert said.count("ACQ-CONTRAST: Contrast agent given") == 1
    assert "(in the header; aorta 398 HU)" in said


def test_a_doubt_about_the_series_stands_once_in_the_remarks(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker, reasons=(warn(Code.SEG_UNSURE, "models disagree; rare intensities"),))
    case = replace(case, segmentation=replace(case.segmentation, unsure=("models disagree", "rare intensities")))
    said = text_of(pdf_of(case, out)[1])
    assert said.count("models disagree") == said.count("rare intensities") == 1
    assert "uncertain: SEG-UNSURE; the remarks say why." in said
    assert re.search(
        r"SEG-UNSURE of lesions: nodule-., nodule-., nodule-. uncertain: its series is flagged unsure", said
    )


def test_a_distance_that_two_surfaces_share_is_printed_once(maker: CaseMaker) -> None:
    lesion = lesion_case(maker).lesions[0]
    apart, same = (
        replace(
            lesion, location=replace(lesion.location, to_pleura_mm=18.6, to_mediastinum_mm=other, to_carina_mm=81.0)
        )
        for other in (40.2, 19.2)
    )
    space = "\N{NO-BREAK SPACE}"
    medial = "medial half of the lung surface (ribs included)"
    assert distance_words(same) == [f"Distance to pleura and {medial} 19{space}mm, carina 81{space}mm"]
    assert distance_words(apart) == [f"Distance to pleura 19{space}mm, {medial} 40{space}mm, carina 81{space}mm"]


def test_the_pages_can_be_rendered_and_nothing_touches_their_border(maker: CaseMaker, out: Path) -> None:
    _, path = pdf_of(lesion_case(maker), out)
    subprocess.run([PDFTOPPM, "-r", "50", "-png", str(path), str(out / "page")], check=True, timeout=60)
    pages = sorted(out.glob("page-*.png"))
    assert len(pages) == 2
    for page in pages:
        grey = np.asarray(Image.open(page).convert("L"))
        assert grey.min() < 100
        for edge in (grey[:15], grey[-15:], grey[:, :15], grey[:, -15:]):
            assert edge.min() == 255


def test_a_notice_can_be_one_image(maker: CaseMaker, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = drawn_words(monkeypatch)
    series = maker.series(Grid(), lungs(Grid().shape))
    refusal = Refusal((refuse(Code.GEO_GAP, "step 7.5 mm, limit 3.75 mm"), warn(Code.HU_PAD, "padding")))
    made = encode_notice_picture(NoticeInput(identity(), series, refusal, Objects(), NOW, (LUNGS,)), out)
    image = dcmread(made.path)
    assert (made.kind, image.SeriesDescription, image.SeriesNumber) == ("NOTICE_SC", "lungnode not processed", 900034)
    assert (image.BurnedInAnnotation, image.ConversionType) == ("YES", "WSD")
    said = " ".join(words)
    assert "GEO-GAP" in said
    assert words.index("Noticed beside it, no reason to refuse:") + 1 == words.index(
        "HU-PAD: Padding values were left out (padding)"
    )
    assert "step 7.5 mm, limit 3.75 mm" in said
    assert DISCLAIMER in said
    assert "no statement about its content is made" in said
    assert not_allowed(made.path) == []


def test_no_picture_is_made_where_patients_are_mixed(maker: CaseMaker, out: Path) -> None:
    series = maker.series(Grid(), lungs(Grid().shape))
    refusal = Refusal((refuse(Code.ID_MIXPAT, "two patients"),))
    with pytest.raises(InputRefused) as caught:
        encode_notice_picture(NoticeInput(identity(), series, refusal, Objects(), NOW, (LUNGS,)), out)
    assert caught.value.code == Code.ID_MIXPAT


def test_words_of_a_lesion_are_rounded_as_people_read_them(maker: CaseMaker) -> None:
    lesion = next(found for found in lesion_case(maker).lesions if found.name == "nodule-1")
    assert kind_words(lesion) == "nodule, solid, right lung, middle zone"
    assert size_words(lesion)[:2] == ["Long axis 29 mm, short axis 21 mm (RECIST 1.1)", "Mean diameter 25 mm"]
    assert _LIMITS


def test_a_reason_of_one_lesion_alone_stands_with_its_name(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    merged = refuse(Code.SEG_MERGED, "60 % of what lies round it is dense", Affects.LESIONS)
    first = replace(case.lesions[0], warnings=(merged,))
    _, path = pdf_of(replace(case, lesions=(first, *case.lesions[1:])), out)
    assert f"{first.name}, SEG-MERGED: " in text_of(path)
