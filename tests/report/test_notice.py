"""The "not processed" notice: what it says, and that it can be made of broken input."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from node.errors import Affects, Code, InputRefused, Reason, Refusal, refuse, warn
from node.facts.series import SeriesFacts
from node.report.encode import encode_notice
from node.report.notice import NoticeInput, notice_allowed
from node.report.reason_table import meaning
from node.settings import Objects
from tests.report.conftest import LUNGS, NOW, SERIES, STUDY, CaseMaker, Grid, children, identity, lungs

BROKEN = (
    "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "PixelData", "Rows", "Columns", "RescaleSlope",
    "RescaleIntercept", "SeriesNumber", "FrameOfReferenceUID",
)  # fmt: skip
GAP = refuse(Code.GEO_GAP, "step of 7.5 mm between -290 and -282.5 mm; at most 3.75 mm is allowed")


def notice_input(series: SeriesFacts, *reasons: Reason, **changes: object) -> NoticeInput:
    given = NoticeInput(identity(), series, Refusal(reasons or (GAP,)), Objects(), NOW, models=(LUNGS,))
    return replace(given, **changes)


@pytest.fixture
def series(maker: CaseMaker) -> SeriesFacts:
    return maker.series(Grid(), lungs(Grid().shape))


def notice_of(given: NoticeInput, out: Path) -> Dataset:
    return dcmread(encode_notice(given, out).path)


def test_it_is_a_basic_text_report_with_a_title_of_its_own(series: SeriesFacts, out: Path) -> None:
    notice = notice_of(notice_input(series), out)
    title = notice.ConceptNameCodeSequence[0]
    assert notice.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.11"
    assert (title.CodeValue, title.CodingSchemeDesignator, title.CodeMeaning) == (
        "LN-DOC-NP",
        "99LUNGNODE",
        "AI processing status",
    )
    assert "ContentTemplateSequence" not in notice
    assert (notice.SeriesDescription, notice.SeriesNumber, notice.Modality) == ("lungnode not processed", 900038, "SR")
    assert (notice.StudyInstanceUID, str(notice.PatientName)) == (STUDY, "Müller^Jörg")


def test_it_gives_the_leading_reason_its_family_and_the_words(series: SeriesFacts, out: Path) -> None:
    given = notice_input(series, warn(Code.HU_PAD, "padding"), GAP, refuse(Code.ACQ_AGE, "age 12, minimum 18"))
    notice = notice_of(given, out)
    codes = [i.ConceptCodeSequence[0].CodeValue for i in children(notice, "LN-Q-REASON")]
    assert codes == ["GEO-GAP", "110523", "ACQ-AGE"]
    assert [i.ConceptCodeSequence[0].CodeValue for i in children(notice, "LN-Q-WARN")] == ["HU-PAD"]
    texts = [i.TextValue for i in children(notice, "121106")]
    assert texts[0] == f"GEO-GAP: {GAP.text}"
    assert "AI result - not for diagnosis; requires physician review" in texts


def test_a_reason_that_would_have_withheld_only_a_part_is_a_warning_not_a_reason(
    series: SeriesFacts, out: Path
) -> None:
    notice = notice_of(notice_input(series, GAP, refuse(Code.GEO_THICK, "5 mm", Affects.SMALL_LESIONS)), out)
    codes = [i.ConceptCodeSequence[0].CodeValue for i in children(notice, "LN-Q-REASON")]
    assert codes == ["GEO-GAP", "110523"]
    assert [i.ConceptCodeSequence[0].CodeValue for i in children(notice, "LN-Q-WARN")] == ["GEO-THICK"]


def test_a_scan_without_lungs_is_of_no_supported_type_and_not_of_poor_quality(series: SeriesFacts, out: Path) -> None:
    notice = notice_of(notice_input(series, refuse(Code.SEG_EMPTY, "no lungs found")), out)
    assert [i.ConceptCodeSequence[0].CodeValue for i in children(notice, "LN-Q-REASON")] == ["SEG-EMPTY", "110522"]


def test_it_lists_the_refused_instances_as_evidence(series: SeriesFacts, out: Path) -> None:
    (study,) = notice_of(notice_input(series), out).CurrentRequestedProcedureEvidenceSequence
    (listed,) = study.ReferencedSeriesSequence
    assert (study.StudyInstanceUID, listed.SeriesInstanceUID) == (STUDY, SERIES)
    assert len(listed.ReferencedSOPSequence) == series.n_instances


def test_it_never_says_normal_or_negative_whatever_the_code(series: SeriesFacts, out: Path) -> None:
    reasons = tuple(refuse(code, "found 3, limit 2") for code in Code if code not in (Code.ID_MIXPAT, Code.ID_MIXSTUDY))
    notice = notice_of(notice_input(series, *reasons), out)
    assert len(children(notice, "LN-Q-REASON")) == len(reasons) + 1
    text = str(notice).lower()
    assert [word for word in ("normal", "no finding", "negative", "malignan", "benign") if word in text] == []


@pytest.mark.parametrize("code", [Code.ID_MIXPAT, Code.ID_MIXSTUDY])
def test_none_is_made_where_it_is_unknown_whose_series_it_is(series: SeriesFacts, out: Path, code: Code) -> None:
    given = notice_input(series, GAP, refuse(code, "two patients"))
    assert not notice_allowed(given.refusal)
    with pytest.raises(InputRefused) as caught:
        encode_notice(given, out)
    assert caught.value.code == code
    assert list(out.iterdir()) == []


def with_uids(series: SeriesFacts, **uids: str) -> SeriesFacts:
    return SeriesFacts(tuple(replace(f, facts=replace(f.facts, **uids)) for f in series.files))


@pytest.mark.parametrize(
    "uids",
    [{"study_instance_uid": "1.2.x"}, {"series_instance_uid": ""}, {"sop_instance_uid": "1." * 33 + "1"}],
    ids=["letters", "empty", "too long"],
)
def test_none_is_made_that_would_name_an_invalid_uid(series: SeriesFacts, out: Path, uids: dict[str, str]) -> None:
    with pytest.raises(InputRefused) as caught:
        encode_notice(notice_input(with_uids(series, **uids)), out)
    assert caught.value.code == Code.ID_NOUID


def test_a_component_with_a_leading_zero_is_kept(series: SeriesFacts, out: Path) -> None:
    changed = with_uids(SeriesFacts(series.files[:1]), sop_instance_uid="1.2.0034.5")
    assert b"1.2.0034.5" in encode_notice(notice_input(changed), out).path.read_bytes()


def test_it_can_be_made_of_a_header_without_geometry_and_pixels(maker: CaseMaker, out: Path) -> None:
    def strip(ds: Dataset) -> None:
        for keyword in BROKEN:
            delattr(ds, keyword)

    series = maker.series(Grid(), lungs(Grid().shape), strip)
    notice = notice_of(notice_input(series, refuse(Code.GEO_NOIPP, "no position")), out)
    assert notice.SeriesNumber == 900008


def test_it_can_be_made_when_the_files_are_gone(series: SeriesFacts, out: Path) -> None:
    for file in series.files:
        file.path.unlink()
    notice = notice_of(notice_input(series), out)
    assert (str(notice.PatientName), notice.PatientID, notice.AccessionNumber) == ("Müller^Jörg", "P-1", "ACC7")


def test_other_reasons_make_another_notice_and_the_same_reasons_the_same(series: SeriesFacts, out: Path) -> None:
    uid = [
        encode_notice(notice_input(series, *reasons), out).sop_instance_uid
        for reasons in ((GAP,), (replace(GAP, text="in other words"),), (GAP, refuse(Code.ACQ_AGE, "12")))
    ]
    assert uid[0] == uid[1]
    assert uid[1] != uid[2]


def test_every_meaning_fits_into_a_code_meaning() -> None:
    assert all(0 < len(meaning(code)) <= 64 and meaning(code).isascii() for code in Code)
