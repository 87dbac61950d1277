"""A lesion that grew, in the objects: the doubling time with its prior, and the self-check of a wrong one."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import highdicom
import pytest
from pydicom import dcmread

from node.errors import OurMistake
from node.facts.kernel import KernelClass
from node.measure.lesions.before import Before, FirstSeen, PriorImage, Unmatched
from node.measure.lesions.growth import Examined, Growth, NotCompared, growth
from node.report.check import self_check
from node.report.encode import ReportInput, encode_results
from node.report.lesion_words import growth_words
from node.settings import Rung
from tests.report.conftest import BIN, CaseMaker, children, run_tool
from tests.report.lesion_case import lesion_case
from tests.report.test_lesion_sr import group_of
from tests.report.test_validators import not_allowed

IMAGE = PriorImage("1.2.3.1", "1.2.3.1.1", "1.2.840.10008.5.1.4.1.1.2", "1.2.3.1.1.7", 1, is_multiframe=False)


def grown(case: ReportInput, share: float = 0.5) -> ReportInput:
    """Give the first lesion a prior of which it had this share of its volume, 200 days ago."""
    first, *others = case.lesions
    assert first.size is not None
    volume_mm3, mean_mm = first.size.volume_mm3, first.size.mean_diameter_mm
    then = Examined(date(2024, 1, 1), KernelClass.SOFT, 1.0, "a", volume_mm3 * share, mean_mm * share ** (1 / 3))
    now = Examined(date(2024, 7, 19), KernelClass.SOFT, 1.0, "a", volume_mm3, mean_mm)
    before = Before(IMAGE, then.volume_mm3, then.mean_diameter_mm, 2.0, growth(then, now), then.acquired)
    origin = FirstSeen(IMAGE.study_uid, IMAGE.series_uid)
    return replace(case, lesions=(replace(first, before=before, first_seen=origin), *others))


def check(case: ReportInput, objects: tuple) -> None:
    self_check(objects, case.volume, case.segmentation, case.quantities, case.lesions)


def test_the_doubling_time_stands_in_the_lesions_group_with_what_it_is_measured_against(
    maker: CaseMaker, out: Path
) -> None:
    case = grown(lesion_case(maker))
    objects = encode_results(case, out)
    check(case, objects)
    report = dcmread(objects[1].path)
    (item,) = children(group_of(report, case.lesions[0].name), "LN-VDT")
    assert item.MeasuredValueSequence[0].FloatingPointValue == pytest.approx(200.0)
    texts = [c.TextValue for c in item.ContentSequence if c.ValueType == "TEXT"]
    assert "days=200" in texts
    (image,) = [c for c in item.ContentSequence if c.ValueType == "IMAGE"]
    assert image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == IMAGE.sop_instance_uid
    comments = [c.TextValue for c in children(group_of(report, case.lesions[0].name), "121106")]
    assert any("doubling time 200 days" in text for text in comments)


def test_the_priors_image_is_evidence_of_another_study_and_of_no_other(maker: CaseMaker, out: Path) -> None:
    report = dcmread(encode_results(grown(lesion_case(maker)), out)[1].path)
    (study,) = report.PertinentOtherEvidenceSequence
    assert study.StudyInstanceUID == IMAGE.study_uid
    current = {s.StudyInstanceUID for s in report.CurrentRequestedProcedureEvidenceSequence}
    assert current == {report.StudyInstanceUID}
    without = dcmread(encode_results(lesion_case(maker), out)[1].path)
    assert "PertinentOtherEvidenceSequence" not in without


def test_other_peoples_tools_read_it(maker: CaseMaker, out: Path) -> None:
    case = grown(lesion_case(maker))
    objects = encode_results(case, out, frozenset(Rung))
    report = next(o for o in objects if o.kind == Rung.SR)
    assert not_allowed(report.path) == []
    run_tool("/usr/bin/dsrdump", "+Pl", report.path)
    run_tool(BIN / "tid1500reader", "--inputDICOM", report.path, "--outputMetadata", out / "read.json")
    assert case.lesions[0].name in (out / "read.json").read_text()
    groups = highdicom.sr.srread(report.path).content.get_volumetric_roi_measurement_groups()
    assert len(groups) >= 3


def test_a_lesion_that_was_seen_before_is_tracked_under_its_first_identity(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    uids = [
        {s.TrackingUID for s in dcmread(encode_results(one, out)[0].path).SegmentSequence}
        for one in (case, grown(case))
    ]
    first = case.lesions[0]
    origin = FirstSeen(IMAGE.study_uid, IMAGE.series_uid)
    series_uid = case.volume.series.series_instance_uid
    old = case.identity.tracking_uid(series_uid, first.lesion_key)
    new = case.identity.tracking_uid(series_uid, first.lesion_key, origin)
    assert old in uids[0] - uids[1]
    assert new in uids[1] - uids[0]


@pytest.mark.parametrize("fault", ["time", "prior volume", "missing"])
def test_a_wrong_doubling_time_never_leaves(fault: str, maker: CaseMaker, out: Path) -> None:
    case = grown(lesion_case(maker))
    first, *others = case.lesions
    assert first.before is not None
    assert isinstance(first.before.growth, Growth)
    wrong = {
        "time": replace(first.before, growth=replace(first.before.growth, doubling_time_d=150.0)),
        "prior volume": replace(first.before, volume_mm3=first.before.volume_mm3 * 1.2),
        "missing": replace(first.before, growth=replace(first.before.growth, doubling_time_d=None)),
    }[fault]
    told = replace(case, lesions=(replace(first, before=wrong), *others))
    objects = encode_results(told, out)
    with pytest.raises(OurMistake, match="doubling"):
        check(case if fault == "missing" else told, objects)


def test_the_words_say_why_there_is_no_comparison(maker: CaseMaker) -> None:
    case = grown(lesion_case(maker))
    first = case.lesions[0]
    assert growth_words(replace(first, before=None)) == []
    assert "doubling time 200 days" in growth_words(first)[0]
    assert first.before is not None
    unlike = replace(first, before=replace(first.before, growth=NotCompared(("a reconstruction kernel is unknown",))))
    assert growth_words(unlike) == [
        "Seen in the prior study of 2024-01-01, not compared: a reconstruction kernel is unknown."
    ]
    undated = replace(first, before=replace(first.before, acquired=None))
    assert growth_words(undated)[0].startswith("Against the prior study, as measured by this software: ")
    assert growth_words(replace(first, before=Unmatched(date(2024, 1, 1)))) == [
        "Not matched with a lesion that this software segmented in the prior study of 2024-01-01; "
        "that alone does not say it is new."
    ]


@pytest.mark.parametrize("share", [0.5, 0.95, 2.0], ids=["grown", "unchanged", "shrunken"])
def test_every_comparison_names_the_day_and_the_image_of_its_prior(share: float, maker: CaseMaker, out: Path) -> None:
    case = grown(lesion_case(maker), share)
    objects = encode_results(case, out)
    check(case, objects)
    report = dcmread(objects[1].path)
    comments = children(group_of(report, case.lesions[0].name), "121106")
    (told,) = [c for c in comments if c.TextValue.startswith("Against the prior study of 2024-01-01, as measured")]
    (image,) = told.ContentSequence
    assert (image.ValueType, image.RelationshipType) == ("IMAGE", "INFERRED FROM")
    assert image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == IMAGE.sop_instance_uid
    assert report.PertinentOtherEvidenceSequence[0].StudyInstanceUID == IMAGE.study_uid
    assert not_allowed(objects[1].path) == []


def test_a_lesion_without_match_in_the_prior_says_so_and_refers_to_no_image_of_it(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    first, *others = case.lesions
    case = replace(case, lesions=(replace(first, before=Unmatched(date(2024, 1, 1))), *others))
    objects = encode_results(case, out)
    check(case, objects)
    report = dcmread(objects[1].path)
    said = [c.TextValue for c in children(group_of(report, first.name), "121106")]
    assert any(text.startswith("Not matched with a lesion") for text in said)
    assert "PertinentOtherEvidenceSequence" not in report
