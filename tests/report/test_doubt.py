"""An uncertain lesion is called so wherever it is seen: segment, contours, every group, pictures and sentences."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from node.errors import Code
from node.measure.lesions.lesions import measure_lesions
from node.report.case import prepare
from node.report.check import self_check
from node.report.encode import ReportInput, encode_results
from node.report.key_slices import lesion_picture, outlined_on
from node.report.lesion_words import doubt_words
from node.report.panel import dashes
from node.report.segments import rgb
from node.settings import Rung
from tests.report.conftest import CaseMaker, children, groups_of
from tests.report.lesion_case import lesion_case
from tests.report.test_pictures import drawn_words, pdf_of, text_of
from tests.report.test_validators import not_allowed

EVERYTHING = frozenset({Rung.SEG, Rung.SR, Rung.OUTLINES, Rung.RTSTRUCT})
DOUBT = "uncertain: the model's confidence is 0.13"


@pytest.fixture
def case(maker: CaseMaker) -> ReportInput:
    """Three lesions, the model not sure of the first (solid) and the second (part-solid)."""
    case = lesion_case(maker)
    segments = [
        replace(s, confidence=0.13, doubt="the model's confidence is 0.13") if s.name in ("nodule-1", "nodule-2") else s
        for s in case.segmentation.segments
    ]
    found = replace(case.segmentation, segments=tuple(segments))
    return replace(case, segmentation=found, lesions=measure_lesions(case.volume, found, ()))


def objects_of(case: ReportInput, out: Path) -> dict[str, Dataset]:
    return {made.kind: dcmread(made.path) for made in encode_results(case, out, EVERYTHING)}


def test_the_segment_says_it_by_label_description_and_colour(case: ReportInput, out: Path) -> None:
    segments = {s.TrackingID: s for s in objects_of(case, out)["SEG"].SegmentSequence}
    told = {name: (s.SegmentLabel, s.get("SegmentDescription")) for name, s in segments.items() if "nodule" in name}
    assert told == {
        "nodule-1": ("nodule-1 (uncertain)", DOUBT),
        "nodule-2": ("nodule-2 (uncertain)", DOUBT),
        "nodule-2-solid": ("nodule-2-solid (uncertain)", DOUBT),
        "nodule-3": ("nodule-3", None),
    }
    colours = {name: tuple(s.RecommendedDisplayCIELabValue) for name, s in segments.items()}
    assert colours["nodule-1"] != colours["nodule-3"]


def test_contours_say_it_by_name_and_description(case: ReportInput, out: Path) -> None:
    regions = {r.ROIName: r.get("ROIDescription") for r in objects_of(case, out)["RTSTRUCT"].StructureSetROISequence}
    assert regions["nodule-1 (uncertain)"] == DOUBT
    assert regions["nodule-3"] is None


@pytest.mark.parametrize("kind", ["SR", "OUTLINES"])
def test_every_group_of_it_says_so_and_no_other(case: ReportInput, out: Path, kind: str) -> None:
    told = {}
    for group in groups_of(objects_of(case, out)[kind]):
        name = children(group, "112039")[0].TextValue
        codes = [c.ConceptCodeSequence[0] for c in children(group, "LN-Q-WARN")]
        told.setdefault(name, []).append([c.CodeMeaning for c in codes if c.CodeValue == Code.SEG_UNSURE])
    assert all(said == ["Segmentation is unsure"] for said in told["nodule-1"] + told["nodule-2"])
    assert len(told["nodule-1"]) > 1
    assert all(said == [] for said in told["nodule-3"])


def test_its_size_category_begins_with_the_doubt_and_has_no_code(case: ReportInput, out: Path) -> None:
    by_name = {lesion.name: lesion for lesion in case.lesions}
    told = {}
    for group in groups_of(objects_of(case, out)["SR"]):
        name = children(group, "112039")[0].TextValue
        said = [c.TextValue for c in children(group, "121106") if "TNM" in c.TextValue]
        if said:
            told[name] = said
            assert children(group, "LN-Q-SIZEBAND") == []
    assert told.keys() == by_name.keys()
    for name in ("nodule-1", "nodule-2"):
        assert by_name[name].tnm.bands
        assert told[name] == [f"Uncertain: the model's confidence is 0.13. {by_name[name].tnm.text}"]
    pages = text_of(pdf_of(case, out)[1])
    assert "nodule-1: Uncertain: the model's confidence is 0.13. Largest diameter" in pages


def test_pictures_name_it_with_a_question_mark_dash_its_outline_and_say_why(
    case: ReportInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared = prepare(case)
    tracked = next(t for t in prepared.lesions if t.segment.name == "nodule-1")
    lesion = next(found for found in case.lesions if found.name == "nodule-1")
    words = drawn_words(monkeypatch)
    lesion_picture(case, prepared, tracked, lesion)
    assert "nodule-1?" in words
    assert "Uncertain: the model's confidence is 0.13" in words
    drawn = [each for each in outlined_on(prepared, lesion.largest_slice) if each.colour == rgb(tracked)]
    assert drawn
    assert all(each.is_dashed for each in drawn)


def test_further_lesions_say_how_many_of_them_are_uncertain(case: ReportInput) -> None:
    told = {lesion.name: lesion.further.text for lesion in case.lesions}
    assert told["nodule-1"].endswith("; 1 of these 2 uncertain.")
    assert told["nodule-3"].endswith("; 2 of these 2 uncertain.")
    segments = tuple(replace(s, doubt=None) for s in case.segmentation.segments)
    sure = measure_lesions(case.volume, replace(case.segmentation, segments=segments), ())
    assert all("uncertain" not in lesion.further.text for lesion in sure)


def test_a_lesion_of_a_series_in_doubt_says_that(maker: CaseMaker) -> None:
    case = lesion_case(maker)
    found = replace(case.segmentation, unsure=("models disagree",))
    said = {doubt_words(lesion) for lesion in measure_lesions(case.volume, found, ())}
    assert said == {"uncertain: its series is flagged unsure"}


def test_objects_with_doubt_are_valid_and_pass_their_check(case: ReportInput, out: Path) -> None:
    made = encode_results(case, out, EVERYTHING)
    assert [not_allowed(each.path) for each in made] == [[]] * len(made)
    self_check(made, case.volume, case.segmentation, case.quantities, case.lesions)


def test_dashes_lie_on_the_line_and_leave_gaps() -> None:
    pieces = dashes([(0.0, 0.0), (8.0, 0.0), (8.0, 12.0)])
    assert [(piece[0], piece[-1]) for piece in pieces] == [((0.0, 0.0), (6.0, 0.0)), ((8.0, 2.0), (8.0, 8.0))]
    assert np.allclose(dashes([(0.0, 0.0), (4.0, 0.0)]), [[(0.0, 0.0), (4.0, 0.0)]])
