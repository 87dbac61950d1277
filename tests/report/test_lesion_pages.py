"""Key slices and pages of a PET-CT whose lesions are known: where the phantom has them, not where our code says."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from pydicom import dcmread
from pydicom.dataset import Dataset

from node.errors import Code
from node.measure.pet.uptake_quantity import Statistic, Threshold
from node.report.lesion_words import kind_words
from node.report.panel import GREY, WHITE, write_names
from node.report.pet_words import _glycolysis
from node.report.sheet import HEADER
from tests.report.conftest import LESIONS, LUNGS, CaseMaker, run_tool
from tests.report.lesion_pages import MASS, SIX, TINY, UNCERTAIN, Made, make
from tests.report.test_pictures import PDFTOTEXT, pdf_of, text_of

_MASS = replace(MASS[0], centre_lps_mm=tuple(np.mean([n.centre_lps_mm for n in MASS], axis=0).tolist()))
_TRUE = {f"nodule-{i}": nodule for i, nodule in enumerate((_MASS, *SIX, TINY), start=1)}
_PANEL, _MIDDLE_Y_MM = 400, 8.0  # of the first picture: 400 mm in 400 pixels round (0, 8) mm
_FRAME = 50  # pixels; a frame is 60 mm wide or more


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make(tmp_path_factory.mktemp("pages"), (*MASS, *SIX, TINY), pet=True, size=200)


def key_slices(made: Made) -> list[tuple[str, Dataset, np.ndarray]]:
    """Return name, object and pixels of each key slice; the largest lesion is the first."""
    found = sorted((dcmread(o.path) for o in made.objects if o.kind == "SC"), key=lambda ds: ds.InstanceNumber)
    names = [lesion.name for lesion in made.analysis.lesions]
    return [(name, ds, ds.pixel_array.astype(int)) for name, ds in zip(names, found, strict=True)]


def test_each_key_slice_is_of_the_lesions_slice_and_frames_it_where_the_patient_has_it(made: Made) -> None:
    for name, ds, pixels in key_slices(made):
        x, y, z = _TRUE[name].centre_lps_mm
        shown = {str(item.ReferencedSOPInstanceUID) for item in ds.SourceImageSequence}
        matrix = made.phantom.grid.lps_from_zyx
        at = [(matrix @ [k, 0, 0, 1])[2] for k, f in enumerate(made.volume.frames) if f.sop_instance_uid in shown]
        assert at == pytest.approx([z], abs=made.volume.spacing_zyx_mm[0])
        overview = pixels[HEADER : HEADER + _PANEL, :_PANEL]
        grey = (overview == GREY).all(axis=2)
        columns, rows = (np.flatnonzero(grey.sum(axis=axis) > _FRAME) for axis in (0, 1))  # the frame's lines
        middle = (columns[0] + columns[-1]) / 2, (rows[0] + rows[-1]) / 2
        assert middle == pytest.approx((_PANEL / 2 + x, _PANEL / 2 + y - _MIDDLE_Y_MM), abs=5.0)


def test_drawn_axes_have_the_length_that_is_printed_and_that_the_phantom_has(made: Made) -> None:
    expected = {name: (n.diameter_mm, n.diameter_mm) for name, n in _TRUE.items()} | {"nodule-1": (40.0, 24.0)}
    step_mm = np.array(made.volume.spacing_zyx_mm[1:])
    for lesion in made.analysis.lesions:
        assert lesion.size is not None
        axes = lesion.size.axes
        drawn = [np.linalg.norm(np.subtract(*ends) * step_mm) for ends in (axes.long_ends_yx, axes.short_ends_yx)]
        assert drawn == pytest.approx([axes.long_mm, axes.short_mm], abs=1e-6)
        if lesion.name != "nodule-6":  # cut by the wall of the chest
            assert drawn == pytest.approx(expected[lesion.name], abs=step_mm.max())


def test_an_uncertain_lesion_is_called_so_where_it_is_named(made: Made, tmp_path: Path) -> None:
    words = {lesion.name: kind_words(lesion) for lesion in made.analysis.lesions}
    assert [name for name, text in words.items() if text.endswith(", uncertain")] == [UNCERTAIN]
    assert "uncertain: SEG-UNSURE" in pdf_text(made, tmp_path)


def test_codes_in_the_pets_table_stay_in_one_piece(made: Made, tmp_path: Path) -> None:
    in_cells = 16  # four cold lesions, four columns
    assert pdf_text(made, tmp_path).split().count(Code.PT_NOVOX) == in_cells + 1  # and once with its words


def test_what_the_pets_table_does_not_give_is_said_in_words(made: Made, tmp_path: Path) -> None:
    said = " ".join(pdf_text(made, tmp_path).split())
    _, _, foot = said.partition("Not given: PT-")
    assert f"PT-{foot}".startswith(
        "PT-SPILL (Uptake does not end at the lesion), PT-NOVOX (No voxel above the threshold)."
    )
    assert "not given: PT-SPILL" in said


def test_a_small_glycolysis_is_not_printed_as_none() -> None:
    assert [_glycolysis(g) for g in (0.18, 3.44, 9.96, 12.6)] == ["0.18", "3.4", "10", "13"]


def test_cold_lesions_have_no_metabolic_volume_and_hot_ones_have_theirs(made: Made, tmp_path: Path) -> None:
    assert made.analysis.pet is not None
    assert made.analysis.pet.found is not None
    printed = {one.name: one.value(Statistic.MTV, threshold=Threshold.MTV41) for one in made.analysis.pet.found.lesions}
    cold = [name for name, nodule in _TRUE.items() if nodule.suv_g_ml is None]
    assert {name: printed[name] for name in cold} == dict.fromkeys(cold)
    in_cells = 4 * len(cold)  # peak, mean, volume and TLG
    assert pdf_text(made, tmp_path).split().count(Code.PT_SPILL) == in_cells + 1
    for name in printed.keys() - set(cold) - {"nodule-1", "nodule-6"}:  # two balls as one; cut by the chest wall
        assert printed[name] == pytest.approx(np.pi * _TRUE[name].diameter_mm ** 3 / 6000.0, rel=0.3)


def test_a_report_that_looked_for_no_lesion_does_not_explain_their_absence(maker: CaseMaker, out: Path) -> None:
    said = []
    for models in ((LUNGS,), (LUNGS, LESIONS)):
        _, path = pdf_of(maker.case(models=models), out)
        said.append("absence of a lesion" in text_of(path))
    assert said == [False, True]


def pdf_text(made: Made, folder: Path) -> str:
    (report,) = (dcmread(o.path) for o in made.objects if o.kind == "PDF")
    path = folder / "report.pdf"
    path.write_bytes(report.EncapsulatedDocument[: report.EncapsulatedDocumentLength])
    return run_tool(PDFTOTEXT, path, "-")


def white_pixels(*named: tuple[tuple[float, float, float, float], str]) -> int:
    picture = Image.new("RGB", (200, 200))
    write_names(ImageDraw.Draw(picture), 200, named)
    return int((np.asarray(picture) == WHITE).all(axis=2).sum())


def test_names_of_neighbours_neither_cover_each_other_nor_leave_the_picture() -> None:
    near = [((80.0 + 6 * i, 90.0 + 3 * i, 90.0 + 6 * i, 100.0 + 3 * i), f"nodule-{i}") for i in range(3)]
    alone = [white_pixels(((20.0, 20.0, 30.0, 30.0), name)) for _, name in near]
    assert white_pixels(*near) == sum(alone)
    crowd = [((90.0 + x, 60.0 + y, 100.0 + x, 70.0 + y), "nodule-1") for x in (0, 12) for y in range(0, 60, 12)]
    assert white_pixels(*crowd) == len(crowd) * alone[1]
    assert white_pixels(((185.0, 150.0, 195.0, 160.0), near[0][1])) == alone[0]
