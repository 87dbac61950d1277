"""The measurement report: content rules of TID 1500 as we write it, read by pydicom and by highdicom."""

from dataclasses import replace
from pathlib import Path

import highdicom
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from node.errors import Code, refuse, warn
from node.measure.quantity import Name, Side
from node.report.case import Run
from node.report.document import Reference
from node.report.encode import ReportInput, encode_results
from node.report.uids import COMPREHENSIVE_3D_SR
from node.settings import Objects
from tests.report.conftest import (
    FRAME,
    LESIONS,
    LUNGS,
    SERIES,
    STUDY,
    CaseMaker,
    children,
    enhanced_case,
    every_item,
    groups_of,
    lungs,
    withheld,
)

DENSITY = {Name.LAA_950, Name.LAA_910, Name.PERC15, Name.PD15}

# standards 1.4, 3.1 and the deny list of stages: codes that assert what this software cannot know
FORBIDDEN_CODES = {
    "108369006", "372087000", "86049000", "14799000", "254637007", "93880001", "85756007", "309825002", "126001",
    "258215001", "385356007", *(str(code) for code in range(111494, 111502)),
}  # fmt: skip
FORBIDDEN_WORDS = (
    "malignan", "benign", "cancer", "tumour", "tumor", "primary", "metasta", "normal lung", "no nodule", "no finding",
    "negative", "stage", "resectab", "invasion", "n0", "m0", "lung-rads", "fleischner", "follow-up",
)  # fmt: skip


def report_of(case: ReportInput, out: Path) -> Dataset:
    return dcmread(encode_results(case, out)[-1].path)


def concept(item: Dataset) -> tuple[str, str, str]:
    code = item.ConceptNameCodeSequence[0]
    return (code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning)


def value_of(item: Dataset) -> float:
    measured = item.MeasuredValueSequence[0]
    return float(measured.get("FloatingPointValue", measured.NumericValue))


def number(group: Dataset, code_value: str) -> float:
    return value_of(children(group, code_value)[0])


def test_the_root_is_an_imaging_measurement_report_of_template_1500(maker: CaseMaker, out: Path) -> None:
    report = report_of(maker.case(), out)
    assert concept(report) == ("126000", "DCM", "Imaging Measurement Report")
    assert report.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert report.ContentTemplateSequence[0].MappingResource == "DCMR"


def test_the_children_of_the_root_come_in_the_order_of_the_template(maker: CaseMaker, out: Path) -> None:
    report = report_of(maker.case(), out)
    assert [(item.RelationshipType, item.ValueType, concept(item)[0]) for item in children(report)] == [
        ("HAS CONCEPT MOD", "CODE", "121049"),
        ("HAS OBS CONTEXT", "CODE", "121005"),
        ("HAS OBS CONTEXT", "UIDREF", "121012"),
        ("HAS OBS CONTEXT", "TEXT", "121013"),
        ("HAS OBS CONTEXT", "TEXT", "121014"),
        ("HAS OBS CONTEXT", "TEXT", "121015"),
        ("HAS OBS CONTEXT", "TEXT", "121016"),
        ("HAS CONCEPT MOD", "CODE", "121058"),
        ("CONTAINS", "CONTAINER", "111028"),
        ("CONTAINS", "CONTAINER", "126010"),
    ]


def test_meanings_that_viewers_match_by_text_are_verbatim(maker: CaseMaker, out: Path) -> None:
    items = every_item(report_of(maker.case(), out))
    meanings = {concept(item)[2] for item in items}
    assert {
        "Imaging Measurements", "Measurement Group", "Tracking Identifier", "Tracking Unique Identifier",
        "Image Library", "Image Library Group", "Finding", "Finding Site", "Laterality", "Referenced Segment",
    } <= meanings  # fmt: skip


@pytest.mark.parametrize(
    ("chosen", "uid"),
    [
        ("comprehensive-3d", "1.2.840.10008.5.1.4.1.1.88.34"),
        ("comprehensive", "1.2.840.10008.5.1.4.1.1.88.33"),
    ],
    ids=["default", "fallback"],
)
def test_both_classes_hold_the_same_tree_without_3d_coordinates(
    maker: CaseMaker, out: Path, chosen: str, uid: str
) -> None:
    report = report_of(maker.case(objects=Objects(sr_class=chosen)), out)
    assert report.SOPClassUID == report.file_meta.MediaStorageSOPClassUID == uid
    assert len(groups_of(report)) == 3
    assert "SCOORD3D" not in {item.ValueType for item in every_item(report)}


def test_the_library_has_one_group_with_every_used_image_and_the_frame_of_reference(
    maker: CaseMaker, out: Path
) -> None:
    case = maker.case()
    (library,) = children(report_of(case, out), "111028")
    (group,) = children(library, "126200")
    assert children(group, "112227")[0].UID == FRAME
    assert children(group, "121139")[0].ConceptCodeSequence[0].CodeValue == "CT"
    images = [i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for i in children(group) if i.ValueType == "IMAGE"]
    assert images == [frame.sop_instance_uid for frame in case.volume.frames]


def test_there_is_a_group_for_the_right_lung_the_left_lung_and_both(maker: CaseMaker, out: Path) -> None:
    groups = groups_of(report_of(maker.case(), out))
    assert [g.ContentTemplateSequence[0].TemplateIdentifier for g in groups] == ["1411", "1411", "1501"]
    laterality = [
        children(children(g, "363698007")[0], "272741003")[0].ConceptCodeSequence[0].CodeMeaning for g in groups
    ]
    assert laterality == ["Right", "Left", "Bilateral"]
    for group in groups:
        assert children(group, "121071")[0].ConceptCodeSequence[0].CodeValue == "39607008"
        assert children(group, "363698007")[0].ConceptCodeSequence[0].CodeValue == "39607008"


def test_tracking_identifiers_are_the_first_two_children_of_each_group(maker: CaseMaker, out: Path) -> None:
    for group in groups_of(report_of(maker.case(), out)):
        first, second = children(group)[:2]
        assert (concept(first)[0], first.ValueType, first.RelationshipType) == ("112039", "TEXT", "HAS OBS CONTEXT")
        assert (concept(second)[0], second.ValueType, second.RelationshipType) == (
            "112040",
            "UIDREF",
            "HAS OBS CONTEXT",
        )
        assert next(i for i in children(group) if i.ValueType == "UIDREF") is second


def test_groups_point_to_their_segment_with_equal_tracking(maker: CaseMaker, out: Path) -> None:
    seg_file, sr_file = encode_results(maker.case(), out)
    seg = dcmread(seg_file.path)
    tracked = {s.SegmentNumber: (s.TrackingID, s.TrackingUID) for s in seg.SegmentSequence}
    for group in groups_of(dcmread(sr_file.path))[:2]:
        (reference,) = children(group, "121191")
        sop = reference.ReferencedSOPSequence[0]
        assert (sop.ReferencedSOPClassUID, sop.ReferencedSOPInstanceUID) == (seg.SOPClassUID, seg.SOPInstanceUID)
        assert tracked[sop.ReferencedSegmentNumber] == (
            children(group, "112039")[0].TextValue,
            children(group, "112040")[0].UID,
        )


def test_source_images_of_a_segment_are_the_slices_with_its_frames(maker: CaseMaker, out: Path) -> None:
    case = maker.case()
    seg_file, sr_file = encode_results(case, out)
    frames = dcmread(seg_file.path).PerFrameFunctionalGroupsSequence
    for number, group in enumerate(groups_of(dcmread(sr_file.path))[:2], start=1):
        expected = {
            f.DerivationImageSequence[0].SourceImageSequence[0].ReferencedSOPInstanceUID
            for f in frames
            if f.SegmentIdentificationSequence[0].ReferencedSegmentNumber == number
        }
        named = {i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for i in children(group, "121233")}
        assert named == expected
        assert not children(group, "121232")


def test_an_enhanced_source_is_named_once_with_its_frame_numbers(tmp_path: Path, out: Path) -> None:
    case = enhanced_case(tmp_path / "enhanced")
    report = report_of(case, out)
    (image,) = children(groups_of(report)[0], "121233")
    z = [z for z, plane in enumerate(case.segmentation.labels_zyx) if (plane == 1).any()]
    assert sorted(image.ReferencedSOPSequence[0].ReferencedFrameNumber) == sorted(20 - k for k in z)


def test_every_number_is_written_with_its_unit_and_full_precision(maker: CaseMaker, out: Path) -> None:
    case = maker.case()
    expected = {(q.side, q.name): q.value for q in case.quantities}
    for side, group in zip((Side.RIGHT, Side.LEFT, Side.BOTH), groups_of(report_of(case, out)), strict=True):
        written = [value_of(i) for i in children(group) if i.ValueType == "NUM"]
        assert written == [expected[(side, name)] for name in Name]
        units = [
            i.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0] for i in children(group) if i.ValueType == "NUM"
        ]
        assert [u.CodeValue for u in units] == ["cm3", "[hnsf'U]", "[hnsf'U]", "%", "%", "[hnsf'U]", "g/l"]
        assert {u.CodingSchemeDesignator for u in units} == {"UCUM"}


def test_left_and_right_volume_add_up_to_both_exactly(maker: CaseMaker, out: Path) -> None:
    right, left, both = (number(g, "118565006") for g in groups_of(report_of(maker.case(), out)))
    assert right + left == pytest.approx(both, rel=1e-15)


def test_every_number_has_a_child_and_a_value_of_at_most_sixteen_characters(maker: CaseMaker, out: Path) -> None:
    numbers = [
        i for i in every_item(report_of(maker.case(), out)) if i.ValueType == "NUM" and i.RelationshipType == "CONTAINS"
    ]
    assert len(numbers) == 21
    for item in numbers:
        assert children(item)
        assert len(item.MeasuredValueSequence) == 1
        assert len(str(item.MeasuredValueSequence[0].NumericValue)) <= 16


def test_method_derivation_and_threshold_stand_below_their_numbers(maker: CaseMaker, out: Path) -> None:
    group = groups_of(report_of(maker.case(), out))[0]
    volume, mean, sd = children(group, "118565006")[0], *children(group, "112031")
    assert children(volume, "370129005")[0].ConceptCodeSequence[0].CodeValue == "126030"
    assert children(mean, "121401")[0].ConceptCodeSequence[0].CodeValue == "373098007"
    assert children(sd, "121401")[0].ConceptCodeSequence[0].CodeValue == "386136009"
    for code_value, threshold in (("LN-LAA950", -950.0), ("LN-LAA910", -910.0)):
        (limit,) = children(children(group, code_value)[0], "112032")
        assert (limit.RelationshipType, value_of(limit)) == ("INFERRED FROM", threshold)
        assert limit.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "[hnsf'U]"


def test_withheld_numbers_are_left_out_and_their_code_stands_in_the_group(maker: CaseMaker, out: Path) -> None:
    case = maker.case()
    case = replace(case, quantities=withheld(case.quantities, DENSITY, Code.ACQ_DTHICK))
    for group in groups_of(report_of(case, out)):
        assert {concept(i)[0] for i in children(group) if i.ValueType == "NUM"} == {"118565006", "112031"}
        (warning,) = children(group, "LN-Q-WARN")
        value = warning.ConceptCodeSequence[0]
        assert (value.CodeValue, value.CodingSchemeDesignator) == ("ACQ-DTHICK", "99LUNGNODE")
        texts = [i.TextValue for i in children(group, "121106")]
        assert any(text.startswith("ACQ-DTHICK: ") for text in texts)
        assert "Not given: LAA -950, LAA -910, Perc15, PD15 (ACQ-DTHICK)" in texts


def test_reasons_of_the_series_stand_once_in_the_group_of_both(maker: CaseMaker, out: Path) -> None:
    reasons = (warn(Code.HU_PAD, "63 % padding"), refuse(Code.ACQ_KERNEL, "kernel B70f"), warn(Code.HU_PAD, "again"))
    right, left, both = groups_of(report_of(maker.case(reasons=reasons), out))
    assert [i.ConceptCodeSequence[0].CodeValue for i in children(both, "LN-Q-WARN")] == ["HU-PAD", "ACQ-KERNEL"]
    assert not children(right, "LN-Q-WARN")
    assert not children(left, "LN-Q-WARN")


def test_a_partial_volume_is_marked_in_its_own_group(maker: CaseMaker, out: Path) -> None:
    case = maker.case(reasons=(warn(Code.GEO_PARTIAL, "cut off at the top"),))
    partial = tuple(
        replace(q, partial=True) if (q.name, q.side) == (Name.LUNG_VOLUME, Side.LEFT) else q for q in case.quantities
    )
    right, left, both = groups_of(report_of(replace(case, quantities=partial), out))
    assert [i.ConceptCodeSequence[0].CodeValue for i in children(left, "LN-Q-WARN")] == ["GEO-PARTIAL"]
    assert [i.ConceptCodeSequence[0].CodeValue for i in children(both, "LN-Q-WARN")] == ["GEO-PARTIAL"]
    assert not children(right, "LN-Q-WARN")


def test_no_lesion_is_said_only_where_a_lesion_model_ran(maker: CaseMaker, out: Path) -> None:
    silent = report_of(maker.case(), out)
    said = report_of(maker.case(models=(LUNGS, LESIONS)), out)
    labels = lungs((20, 24, 28))
    labels[9:11, 10:13, 6:9] = 3
    found = report_of(maker.case(labels=labels, models=(LUNGS, LESIONS)), out)
    assert [len(children(groups_of(r)[-1], "LN-Q-NOLES")) for r in (silent, said, found)] == [0, 1, 0]
    assert children(groups_of(said)[-1], "LN-Q-NOLES")[0].TextValue == "No lesion segmented by this software"
    not_searched = [
        [i.TextValue for i in children(groups_of(r)[-1], "121106")].count(
            "Lesions were not searched for in this analysis"
        )
        for r in (silent, said, found)
    ]
    assert not_searched == [1, 0, 0]


def test_an_unsure_series_is_flagged_with_its_reasons(maker: CaseMaker, out: Path) -> None:
    both = groups_of(report_of(maker.case(unsure=("left:right is 0.2", "rules disagree")), out))[-1]
    assert [i.TextValue for i in children(both, "LN-Q-UNSURE")] == ["left:right is 0.2", "rules disagree"]


def test_the_body_says_that_it_is_not_for_diagnosis(maker: CaseMaker, out: Path) -> None:
    both = groups_of(report_of(maker.case(), out))[-1]
    texts = [item.TextValue for item in children(both, "121106")]
    assert "AI result - not for diagnosis; requires physician review" in texts


def test_the_document_is_complete_final_and_unverified(maker: CaseMaker, out: Path) -> None:
    report = report_of(maker.case(), out)
    assert (report.CompletionFlag, report.PreliminaryFlag, report.VerificationFlag) == (
        "COMPLETE",
        "FINAL",
        "UNVERIFIED",
    )
    assert "VerifyingObserverSequence" not in report
    assert report.PerformedProcedureCodeSequence == []
    assert report.ReferencedPerformedProcedureStepSequence == []


def referenced_uids(report: Dataset) -> set[str]:
    return {
        sop.ReferencedSOPInstanceUID for item in every_item(report) for sop in item.get("ReferencedSOPSequence", [])
    }


def evidence_of(sequence: list[Dataset]) -> dict[str, tuple[str, str, str]]:
    return {
        sop.ReferencedSOPInstanceUID: (study.StudyInstanceUID, series.SeriesInstanceUID, sop.ReferencedSOPClassUID)
        for study in sequence
        for series in study.ReferencedSeriesSequence
        for sop in series.ReferencedSOPSequence
    }


def test_evidence_lists_exactly_what_the_tree_refers_to(maker: CaseMaker, out: Path) -> None:
    case = maker.case()
    seg_file, sr_file = encode_results(case, out)
    report = dcmread(sr_file.path)
    evidence = evidence_of(report.CurrentRequestedProcedureEvidenceSequence)
    assert referenced_uids(report) == set(evidence)
    assert evidence[seg_file.sop_instance_uid] == (STUDY, seg_file.series_instance_uid, seg_file.sop_class_uid)
    assert len(evidence) == case.volume.series.n_instances + 1
    assert evidence[case.volume.frames[0].sop_instance_uid][:2] == (STUDY, SERIES)


def test_a_later_run_names_its_predecessor_and_says_so(maker: CaseMaker, out: Path) -> None:
    old = Reference(STUDY, "1.2.3", COMPREHENSIVE_3D_SR, "1.2.3.4")
    seg_file, sr_file = encode_results(maker.case(run=Run("r2", {(): old})), out)
    report = dcmread(sr_file.path)
    assert evidence_of(report.PredecessorDocumentsSequence) == {"1.2.3.4": (STUDY, "1.2.3", str(old.sop_class_uid))}
    assert report.SeriesDescription == "lungnode measurements (AI) r2"
    assert dcmread(seg_file.path).SeriesDescription == "lungnode SEG (AI) r2"


def test_without_masks_there_is_still_a_readable_report_of_both(maker: CaseMaker, out: Path) -> None:
    report = report_of(maker.case(labels=np.zeros((20, 24, 28), np.uint8)), out)
    (group,) = groups_of(report)
    assert not [i for i in children(group) if i.ValueType == "NUM"]
    assert children(children(report, "111028")[0], "126200")


def test_the_studys_own_procedure_code_is_reported_where_it_is_public(maker: CaseMaker, out: Path) -> None:
    def coded(scheme: str) -> object:
        def edit(ds: Dataset) -> None:
            item = Dataset()
            item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = "24627-2", scheme, "CT Chest"
            ds.ProcedureCodeSequence = [item]

        return edit

    public = report_of(maker.case(edit=coded("LN")), out)
    local = report_of(maker.case(edit=coded("99LOCAL")), out)
    procedures = [children(r, "121058")[0].ConceptCodeSequence[0].CodeValue for r in (public, local)]
    assert procedures == ["24627-2", "25045-6"]


def test_highdicom_reads_the_groups_and_the_values(maker: CaseMaker, out: Path) -> None:
    case = maker.case()
    expected = {(q.side, q.name): q.value for q in case.quantities}
    content = highdicom.sr.srread(encode_results(case, out)[-1].path).content
    lungs_groups = content.get_volumetric_roi_measurement_groups()
    (both,) = content.get_image_measurement_groups()
    assert len(lungs_groups) == 2
    for side, group in zip((Side.RIGHT, Side.LEFT, Side.BOTH), (*lungs_groups, both), strict=True):
        assert [m.value for m in group.get_measurements()] == [expected[(side, name)] for name in Name]


def test_the_observer_is_the_device_that_contributing_equipment_names(maker: CaseMaker, out: Path) -> None:
    case = maker.case()
    report = report_of(case, out)
    node = report.ContributingEquipmentSequence[1]
    assert children(report, "121012")[0].UID == node.DeviceUID == case.identity.device_uid
    assert children(report, "121005")[0].ConceptCodeSequence[0].CodeValue == "121007"


def test_no_forbidden_code_or_word_stands_in_any_object(maker: CaseMaker, out: Path) -> None:
    case = maker.case(models=(LUNGS, LESIONS), unsure=("rules disagree",), reasons=(warn(Code.HU_PAD, "padding"),))
    for made in encode_results(case, out):
        dataset = dcmread(made.path)
        codes, texts = set(), []
        for element in dataset.iterall():
            if element.keyword == "CodeValue":
                codes.add(element.value)
            if element.VR in ("LO", "SH", "ST", "LT", "UT", "UC") and element.keyword != "ImageType":
                texts.append(str(element.value).lower())
        assert not codes & FORBIDDEN_CODES
        assert [(word, text) for word in FORBIDDEN_WORDS for text in texts if word in text] == []


def test_private_codes_carry_the_identification_of_their_scheme(maker: CaseMaker, out: Path) -> None:
    (scheme,) = report_of(maker.case(), out).CodingSchemeIdentificationSequence
    assert (scheme.CodingSchemeDesignator, scheme.CodingSchemeUID[:5]) == ("99LUNGNODE", "2.25.")
    assert scheme.CodingSchemeName
    assert scheme.CodingSchemeVersion
    assert scheme.CodingSchemeResponsibleOrganization


def test_reason_texts_with_signs_and_accents_become_ascii(maker: CaseMaker, out: Path) -> None:
    case = maker.case(reasons=(warn(Code.GEO_THICK, "step 3 mm ≥ 2.5 mm, 0.5° – Übergang"),))
    texts = [i.TextValue for i in children(groups_of(report_of(case, out))[-1], "121106")]
    assert "GEO-THICK: step 3 mm >= 2.5 mm, 0.5 degrees - Ubergang" in texts


def with_request(ds: Dataset) -> None:
    request, whole, broken = Dataset(), Dataset(), Dataset()
    whole.CodeValue, whole.CodingSchemeDesignator, whole.CodeMeaning = "24627-2", "LN", "CT Chest"
    broken.CodeValue = "X"
    request.RequestedProcedureID, request.RequestedProcedureDescription = "RP1", "Thorax für Pneumologie"
    request.RequestedProcedureCodeSequence = [whole, broken]
    ds.RequestAttributesSequence = [request]


def test_the_request_of_the_study_is_referenced_where_the_source_names_it(maker: CaseMaker, out: Path) -> None:
    (request,) = report_of(maker.case(edit=with_request), out).ReferencedRequestSequence
    assert (request.StudyInstanceUID, request.AccessionNumber, request.RequestedProcedureID) == (STUDY, "ACC7", "RP1")
    assert request.RequestedProcedureDescription == "Thorax für Pneumologie"
    assert [c.CodeValue for c in request.RequestedProcedureCodeSequence] == ["24627-2"]
    assert request.PlacerOrderNumberImagingServiceRequest == ""


def test_without_a_request_none_is_referenced(maker: CaseMaker, out: Path) -> None:
    assert "ReferencedRequestSequence" not in report_of(maker.case(), out)
