"""Lesions in the report: TID 1411 with every number, TID 1501 with axes that viewers draw."""

from dataclasses import replace
from pathlib import Path

import highdicom
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sr import _concepts_dict

from node.errors import Affects, Code, refuse, warn
from node.measure.lesions.lesions import measure_lesions
from node.measure.lesions.location import Location
from node.report import codes
from node.report.check import self_check
from node.report.encode import ReportInput, encode_results
from node.settings import Objects, Rung
from tests.report.conftest import CaseMaker, Grid, children, enhanced_case, every_item, groups_of, numbers
from tests.report.lesion_case import GRID, chest, lesion_case, segmentation
from tests.report.test_sr import FORBIDDEN_CODES, FORBIDDEN_WORDS


def made(case: ReportInput, out: Path) -> tuple[Dataset, Dataset]:
    seg, report = encode_results(case, out)[:2]
    return dcmread(seg.path), dcmread(report.path)


def template(group: Dataset) -> str:
    return str(group.ContentTemplateSequence[0].TemplateIdentifier)


def tracking(group: Dataset) -> tuple[str, str]:
    return children(group, "112039")[0].TextValue, children(group, "112040")[0].UID


def group_of(report: Dataset, name: str, kind: str = "1411") -> Dataset:
    (found,) = [g for g in groups_of(report) if tracking(g)[0] == name and template(g) == kind]
    return found


def coded(group: Dataset, concept: str) -> list[str]:
    return [c.ConceptCodeSequence[0].CodeValue for c in children(group, concept)]


def value(group: Dataset, concept: str, derivation: str | None = None) -> float:
    found = [c for c in children(group, concept) if derivation is None or coded(c, "121401") == [derivation]]
    return float(found[0].MeasuredValueSequence[0].FloatingPointValue)


def texts(group: Dataset, concept: str = "121106") -> list[str]:
    return [c.TextValue for c in children(group, concept)]


def test_groups_are_lesions_from_the_largest_down_each_lung_both_lungs_then_axes(maker: CaseMaker, out: Path) -> None:
    _, report = made(lesion_case(maker), out)
    assert [(tracking(g)[0], template(g)) for g in groups_of(report)] == [
        ("nodule-2", "1411"),
        ("nodule-2-solid", "1411"),
        ("nodule-1", "1411"),
        ("nodule-3", "1411"),
        ("Right lung", "1411"),
        ("Left lung", "1411"),
        ("Both lungs", "1501"),
        ("nodule-2", "1501"),
        ("nodule-1", "1501"),
        ("nodule-3", "1501"),
    ]


def test_the_tracking_items_come_first_and_are_equal_in_segment_group_and_axes(maker: CaseMaker, out: Path) -> None:
    seg, report = made(lesion_case(maker), out)
    tracked = {s.SegmentNumber: (s.TrackingID, s.TrackingUID) for s in seg.SegmentSequence}
    for group in groups_of(report):
        assert [c.ConceptNameCodeSequence[0].CodeValue for c in group.ContentSequence[:2]] == ["112039", "112040"]
        for reference in children(group, "121191"):
            sop = reference.ReferencedSOPSequence[0]
            assert tracked[sop.ReferencedSegmentNumber] == tracking(group)
            assert sop.ReferencedSOPInstanceUID == seg.SOPInstanceUID
    for name in ("nodule-1", "nodule-2", "nodule-3"):
        assert tracking(group_of(report, name)) == tracking(group_of(report, name, "1501"))


def test_a_lesion_is_tracked_by_its_key_not_by_its_name(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    seg, _ = made(case, out)
    uids = {s.SegmentLabel: s.TrackingUID for s in seg.SegmentSequence}
    series_uid = case.volume.series.series_instance_uid
    for lesion in case.lesions:
        assert uids[lesion.name] == case.identity.tracking_uid(series_uid, lesion.lesion_key)
    assert uids["nodule-2-solid"] not in (uids["nodule-2"], uids["nodule-1"])
    other_run = replace(case, identity=replace(case.identity, run=2))
    again, _ = made(other_run, out)
    assert {s.SegmentLabel: s.TrackingUID for s in again.SegmentSequence} == uids
    assert again.SOPInstanceUID != seg.SOPInstanceUID


def test_findings_are_nodule_mass_or_lesion_in_segment_and_group(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    refused = refuse(Code.GEO_THICK, "slices of 7 mm, limit 5 mm", Affects.LESIONS)
    lesions = lesion_case(maker, reasons=(refused,)).lesions
    mixed = tuple(b if b.name == "nodule-3" else a for a, b in zip(case.lesions, lesions, strict=True))
    seg, report = made(replace(case, lesions=mixed), out)
    kinds = {s.SegmentLabel: s.SegmentedPropertyTypeCodeSequence[0].CodeValue for s in seg.SegmentSequence}
    expected = {"nodule-1": "27925004", "nodule-2": "4147007", "nodule-3": "52988006", "nodule-2-solid": "LN-F-SOLID"}
    for name, code in expected.items():
        assert kinds[name] == code
        assert coded(group_of(report, name), "121071") == [code]
        assert coded(group_of(report, name), "276214006") == ["49755003"]


def test_site_is_lung_with_laterality_and_zone_in_the_report_and_laterality_in_the_segment(
    maker: CaseMaker, out: Path
) -> None:
    seg, report = made(lesion_case(maker), out)
    for name, side, zone in (("nodule-1", "24028007", "281393007"), ("nodule-2", "7771000", "281394001")):
        site = children(group_of(report, name), "363698007")[0]
        assert site.ConceptCodeSequence[0].CodeValue == "39607008"
        assert (coded(site, "272741003"), coded(site, "106233006")) == ([side], [zone])
        (segment,) = [s for s in seg.SegmentSequence if s.SegmentLabel == name]
        region = segment.AnatomicRegionSequence[0]
        assert region.CodeValue == "39607008"
        assert region.AnatomicRegionModifierSequence[0].CodeValue == side


def test_a_lesion_without_a_side_has_no_site_in_report_and_segment_and_is_read_back(
    maker: CaseMaker, out: Path
) -> None:
    case = lesion_case(maker)
    unknown = Location(None, None, None, None, None)
    lesions = tuple(replace(one, location=unknown) if one.name == "nodule-2" else one for one in case.lesions)
    seg, report = made(replace(case, lesions=lesions), out)
    for kind in ("1411", "1501"):
        assert not children(group_of(report, "nodule-2", kind), "363698007")
    (segment,) = [s for s in seg.SegmentSequence if s.SegmentLabel == "nodule-2"]
    assert "AnatomicRegionSequence" not in segment
    assert children(group_of(report, "nodule-1"), "363698007")


def test_every_number_of_a_lesion_is_written_with_unit_method_and_derivation(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    _, report = made(case, out)
    lesion = next(found for found in case.lesions if found.name == "nodule-1")
    group, size, hu = group_of(report, "nodule-1"), lesion.size, lesion.attenuation
    expected = {
        ("103339001", "mm", "126081", None): size.axes.long_mm,
        ("103340004", "mm", "126081", None): size.axes.short_mm,
        ("LN-MPRMAX", "mm", None, None): size.longest.length_mm,
        ("L0JK", "mm", None, None): size.shape.feret_mm,
        ("81827009", "mm", "LN-M-LSMEAN", "373098007"): size.mean_diameter_mm,
        ("YEKZ", "mm3", None, None): size.volume_mm3,
        ("118565006", "mm3", "126030", None): size.volume_mm3,
        ("RNU0", "mm3", None, None): size.shape.mesh_volume_mm3,
        ("QCFX", "1", None, None): size.shape.sphericity,
        ("112031", "[hnsf'U]", None, "373098007"): hu.mean_hu,
        ("112031", "[hnsf'U]", None, "386136009"): hu.sd_hu,
        ("112031", "[hnsf'U]", None, "255605001"): hu.minimum_hu,
        ("112031", "[hnsf'U]", None, "56851009"): hu.maximum_hu,
        ("LN-DPLEURA", "mm", None, None): lesion.location.to_pleura_mm,
        ("LN-DCARINA", "mm", None, None): lesion.location.to_carina_mm,
    }
    found = {}
    for item in group.ContentSequence:
        if item.ValueType == "NUM":
            measured = item.MeasuredValueSequence[0]
            method, derivation = (next(iter(coded(item, c)), None) for c in ("370129005", "121401"))
            key = (item.ConceptNameCodeSequence[0].CodeValue, measured.MeasurementUnitsCodeSequence[0].CodeValue)
            found[(*key, method, derivation)] = float(measured.FloatingPointValue)
            assert children(item, "111001")[0].TextValue == "lesion-measures"
    assert found == expected
    assert children(children(group, "LN-MPRMAX")[0], "111002")[0].TextValue == f"plane={size.longest.plane}"
    assert coded(group, "370129005") == ["126081"]


def test_a_solid_component_has_its_own_group_with_sizes_and_no_attenuation(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    _, report = made(case, out)
    lesion = next(found for found in case.lesions if found.name == "nodule-2")
    group = group_of(report, "nodule-2-solid")
    assert value(group, "YEKZ") == lesion.solid.volume_mm3
    assert children(group, "112031") == []
    assert children(group, "LN-Q-SIZEBAND") == []


def test_the_size_band_is_a_value_in_mm_with_the_fixed_sentence_as_comment(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    _, report = made(case, out)
    by_name = {lesion.name: lesion for lesion in case.lesions}
    for name in ("nodule-1", "nodule-2", "nodule-3"):
        group, tnm = group_of(report, name), by_name[name].tnm
        assert coded(group, "LN-Q-SIZEBAND") == [band.code for band in tnm.bands]
        assert tnm.text.replace("≤", "<=") in texts(group)
    assert "LN-B-20-30" in coded(group_of(report, "nodule-1"), "LN-Q-SIZEBAND")
    assert coded(group_of(report, "nodule-3"), "LN-Q-SIZEBAND") == []
    meanings = [c.ConceptCodeSequence[0].CodeMeaning for c in every_item(report) if c.ValueType == "CODE"]
    assert not any(meaning[:2] in ("T1", "T2", "T3", "T4") for meaning in meanings)


def test_the_attenuation_type_is_coded(maker: CaseMaker, out: Path) -> None:
    _, report = made(lesion_case(maker), out)
    kinds = {name: coded(group_of(report, name), "LN-Q-DENS") for name in ("nodule-1", "nodule-2", "nodule-3")}
    assert kinds == {"nodule-1": ["35702001"], "nodule-2": ["LN-V-PSN"], "nodule-3": ["112120"]}


def test_refused_numbers_are_left_out_with_their_code_and_nothing_is_drawn(maker: CaseMaker, out: Path) -> None:
    refused = refuse(Code.GEO_THICK, "slices of 7 mm, limit 5 mm", Affects.LESIONS)
    case = lesion_case(maker, reasons=(refused,))
    assert all(lesion.size is None for lesion in case.lesions)
    objects = encode_results(case, out)
    report = dcmread(objects[1].path)
    group = group_of(report, "nodule-1")
    assert [c for c in group.ContentSequence if c.ValueType == "NUM" and "carina" not in str(c)] == []
    assert coded(group, "LN-Q-WARN") == ["GEO-THICK"]
    assert any(text.startswith("GEO-THICK: slices of 7 mm") for text in texts(group))
    assert [tracking(g)[0] for g in groups_of(report) if template(g) == "1501"] == ["Both lungs"]
    self_check(objects, case.volume, case.segmentation, case.quantities, case.lesions)


def test_an_unsure_series_is_flagged_in_the_groups_of_its_lesions(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    _, report = made(replace(case, segmentation=replace(case.segmentation, unsure=("lungs meet",))), out)
    assert texts(group_of(report, "nodule-1"), "LN-Q-UNSURE") == ["lungs meet"]


def test_axes_are_numbers_with_one_polyline_of_two_points_on_one_image(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    _, report = made(case, out)
    for lesion in case.lesions:
        group = group_of(report, lesion.name, "1501")
        numbers = [c for c in group.ContentSequence if c.ValueType == "NUM"]
        assert [n.ConceptNameCodeSequence[0].CodeMeaning for n in numbers] == ["Long Axis", "Short Axis"]
        assert [n.RelationshipType for n in numbers] == ["CONTAINS", "CONTAINS"]
        for number in numbers:
            (line,) = number.ContentSequence
            (image,) = line.ContentSequence
            assert (line.ValueType, line.GraphicType, line.RelationshipType) == ("SCOORD", "POLYLINE", "INFERRED FROM")
            assert len(line.GraphicData) == 4
            assert (image.ValueType, image.RelationshipType) == ("IMAGE", "SELECTED FROM")
            on = image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
            assert on == case.volume.frames[lesion.size.axes.slice_index].sop_instance_uid
            xs, ys = line.GraphicData[::2], line.GraphicData[1::2]
            assert 0 <= min(xs) <= max(xs) <= GRID.shape[2]
            assert 0 <= min(ys) <= max(ys) <= GRID.shape[1]
            mm = np.hypot((xs[1] - xs[0]) * GRID.spacing_yx_mm[1], (ys[1] - ys[0]) * GRID.spacing_yx_mm[0])
            assert float(mm) == pytest.approx(float(number.MeasuredValueSequence[0].FloatingPointValue), abs=1e-3)
        assert coded(group, "370129005") == ["126081"]
        assert children(group, "111001")[0].TextValue == "lesions-net"


def test_a_lesion_of_one_voxel_is_drawn_round_the_middle_of_its_pixel(maker: CaseMaker, out: Path) -> None:
    grid = Grid((24, 64, 72), spacing_yx_mm=(1.0, 1.0), step_mm=1.0)
    labels, _ = chest(grid)
    labels[labels > 2] = 1
    row, column = 31, 17
    labels[12, row, column] = 3
    case = lesion_case(maker, grid, labels=labels)
    _, report = made(case, out)
    group = group_of(report, "nodule-1", "1501")
    middles = []
    for number in (c for c in group.ContentSequence if c.ValueType == "NUM"):
        ax, ay, bx, by = number.ContentSequence[0].GraphicData
        middles.append(((ax + bx) / 2, (ay + by) / 2))
    assert middles == [(column + 0.5, row + 0.5)] * 2


def test_an_editable_report_names_its_axes_so_that_ohif_hydrates_them(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker, objects=Objects(ohif_hydrate=True))
    objects = encode_results(case, out)
    report = dcmread(objects[1].path)
    names = {tracking(g)[0] for g in groups_of(report) if template(g) == "1501"}
    assert names == {"Both lungs", "Cornerstone3DTools@^0.1.0:Bidirectional"}
    assert group_of(report, "nodule-1")
    self_check(objects, case.volume, case.segmentation, case.quantities, case.lesions)


def test_comprehensive_sr_is_written_where_the_settings_ask_for_it(maker: CaseMaker, out: Path) -> None:
    objects = encode_results(lesion_case(maker, objects=Objects(sr_class="comprehensive")), out)
    assert objects[1].sop_class_uid == "1.2.840.10008.5.1.4.1.1.88.33"
    assert not any(item.ValueType == "SCOORD3D" for item in every_item(dcmread(objects[1].path)))


def test_every_number_has_a_value_and_those_of_1411_a_child(maker: CaseMaker, out: Path) -> None:
    _, report = made(lesion_case(maker), out)
    for group in groups_of(report):
        for item in (c for c in group.ContentSequence if c.ValueType == "NUM"):
            assert len(str(item.MeasuredValueSequence[0].NumericValue)) <= 16
            assert np.isfinite(float(item.MeasuredValueSequence[0].FloatingPointValue))
            assert len(item.ContentSequence) >= 1


def test_no_lesion_is_said_in_the_group_of_both_lungs_where_a_model_looked(maker: CaseMaker, out: Path) -> None:
    labels, _ = chest()
    labels[labels > 2] = 0
    _, report = made(lesion_case(maker, labels=labels), out)
    assert texts(group_of(report, "Both lungs", "1501"), "LN-Q-NOLES") == ["No lesion segmented by this software"]


def test_a_route_without_lungs_that_finds_nothing_sends_a_basic_text(maker: CaseMaker, out: Path) -> None:
    labels, _ = chest()
    labels[labels > 2] = 0
    case = lesion_case(maker, labels=labels, with_lungs=False, reasons=(warn(Code.HU_PAD, "63 % padding"),))
    (only,) = encode_results(case, out)
    report = dcmread(only.path)
    assert (only.kind, only.sop_class_uid) == ("SR", "1.2.840.10008.5.1.4.1.1.88.11")
    assert texts(report, "LN-Q-NOLES") == ["No lesion segmented by this software"]
    assert coded(report, "LN-Q-WARN") == ["HU-PAD"]
    assert texts(report)[-1] == "AI result - not for diagnosis; requires physician review"
    named = report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence[0].ReferencedSOPSequence
    assert len(named) == GRID.shape[0]
    self_check((only,), case.volume, case.segmentation, case.quantities, case.lesions)


def test_a_route_without_lungs_reports_its_lesions_and_the_series_reasons_with_each(
    maker: CaseMaker, out: Path
) -> None:
    case = lesion_case(maker, with_lungs=False, reasons=(warn(Code.HU_PAD, "63 % padding"),))
    objects = encode_results(case, out)
    report = dcmread(objects[1].path)
    group = group_of(report, "nodule-1")
    assert coded(group, "LN-Q-WARN") == ["HU-PAD"]
    assert "AI result - not for diagnosis; requires physician review" in texts(group)
    assert {tracking(g)[0] for g in groups_of(report)} == {"nodule-1", "nodule-2", "nodule-2-solid", "nodule-3"}
    self_check(objects, case.volume, case.segmentation, case.quantities, case.lesions)


def test_highdicom_reads_all_groups(maker: CaseMaker, out: Path) -> None:
    report = encode_results(lesion_case(maker), out)[1]
    content = highdicom.sr.srread(report.path).content
    assert len(content.get_volumetric_roi_measurement_groups()) == 6
    assert len(content.get_image_measurement_groups()) == 4
    volumes = [
        m.value
        for g in content.get_volumetric_roi_measurement_groups(tracking_uid=None)
        for m in g.get_measurements(name=codes.VOXEL_VOLUME)
    ]
    assert len(volumes) == 4


def test_evidence_lists_what_the_tree_names(maker: CaseMaker, out: Path) -> None:
    _, report = made(lesion_case(maker), out)
    named = {i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for i in every_item(report) if i.ValueType == "IMAGE"}
    evidence = {
        sop.ReferencedSOPInstanceUID
        for study in report.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for sop in series.ReferencedSOPSequence
    }
    assert named == evidence


def test_no_forbidden_code_stands_anywhere_and_no_forbidden_word_outside_the_fixed_sentence(
    maker: CaseMaker, out: Path
) -> None:
    case = lesion_case(maker)
    fixed = {lesion.tnm.text.replace("≤", "<=") for lesion in case.lesions}
    for dataset in made(case, out):
        used, said = set(), []
        for element in dataset.iterall():
            if element.keyword == "CodeValue":
                used.add(element.value)
            if element.VR in ("LO", "SH", "ST", "LT", "UT", "UC") and element.keyword != "ImageType":
                said += [] if element.value in fixed else [str(element.value).lower()]
        assert not used & FORBIDDEN_CODES
        assert [(word, text) for word in FORBIDDEN_WORDS for text in said if word in text] == []


@pytest.mark.parametrize(
    "grid",
    [
        Grid((24, 64, 72), (0.936, 0.0, 0.352, 0.0, 1.0, 0.0), (4.0, 4.0), 5.0, (-100.0, -126.0, -100.0)),
        Grid((24, 64, 72), (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), (3.6, 4.2), 5.0, (-142.0, -126.0, -60.0)),
    ],
    ids=["oblique", "anisotropic"],
)
def test_the_self_check_agrees_on_other_grids(maker: CaseMaker, out: Path, grid: Grid) -> None:
    case = lesion_case(maker, grid)
    objects = encode_results(case, out)
    self_check(objects, case.volume, case.segmentation, case.quantities, case.lesions)


@pytest.mark.parametrize(
    "coded_concept",
    [codes.FERET, codes.VOXEL_VOLUME, codes.MESH_VOLUME, codes.SPHERICITY, codes.RECIST, codes.NODULE, codes.MASS,
     codes.LESION, codes.DIAMETER, codes.PATH, codes.GROUND_GLASS, codes.TOPOGRAPHY, codes.UPPER_ZONE],
    ids=lambda c: c.value,
)  # fmt: skip
def test_public_codes_are_those_of_the_dictionary(coded_concept: object) -> None:
    scheme = _concepts_dict.concepts[coded_concept.scheme_designator]
    assert any(coded_concept.value in entry and entry[coded_concept.value][0] == coded_concept.meaning
               for entry in scheme.values())  # fmt: skip


def test_lesions_are_segments_from_the_largest_down_each_followed_by_its_solid_component(
    maker: CaseMaker, out: Path
) -> None:
    case = lesion_case(maker)
    seg, _ = made(case, out)
    assert [s.SegmentLabel for s in seg.SegmentSequence][2:] == ["nodule-2", "nodule-2-solid", "nodule-1", "nodule-3"]
    assert seg.SegmentsOverlap == "YES"
    assert seg.ContentDescription == "Lung and lesion segmentation (AI)"
    colours = {s.SegmentLabel: tuple(s.RecommendedDisplayCIELabValue) for s in seg.SegmentSequence}
    assert len(set(colours.values())) == 4  # two lungs, lesions, solid components
    frames = [g.SegmentIdentificationSequence[0].ReferencedSegmentNumber for g in seg.PerFrameFunctionalGroupsSequence]
    assert frames == sorted(frames)


def test_without_a_solid_component_segments_do_not_overlap(maker: CaseMaker, out: Path) -> None:
    labels, _ = chest()
    labels[labels == 4] = 2
    seg, _ = made(lesion_case(maker, labels=labels), out)
    assert seg.SegmentsOverlap == "NO"


def test_lesions_beyond_twenty_are_segmented_and_grouped_without_numbers(maker: CaseMaker, out: Path) -> None:
    labels, _ = chest()
    labels[labels > 2] = 1
    for i in range(22):
        z, x = 6 + 4 * (i // 8), 12 + 2 * (i % 8)
        labels[z : z + (2 if i < 20 else 1), 30, x] = 3 + i
    case = lesion_case(maker, labels=labels)
    assert len(case.lesions) == 20
    objects = encode_results(case, out)
    report = dcmread(objects[1].path)
    assert sum(template(g) == "1411" for g in groups_of(report)) == 2 + 22
    unmeasured = group_of(report, "nodule-22")
    assert [c for c in unmeasured.ContentSequence if c.ValueType == "NUM"] == []
    assert coded(unmeasured, "121071") == ["52988006"]
    self_check(objects, case.volume, case.segmentation, case.quantities, case.lesions)


def test_axes_on_an_enhanced_source_name_the_frame(tmp_path: Path, out: Path) -> None:
    case = enhanced_case(tmp_path / "enhanced")
    labels = case.segmentation.labels_zyx.copy()
    labels[8:12, 9:14, 6:10] = 3
    found = segmentation(labels)
    lesions = measure_lesions(case.volume, found, ())
    case = replace(case, segmentation=found, lesions=lesions, quantities=numbers(case.volume, labels))
    objects = encode_results(case, out)
    group = group_of(dcmread(objects[1].path), "nodule-1", "1501")
    image = children(group, "103339001")[0].ContentSequence[0].ContentSequence[0].ReferencedSOPSequence[0]
    assert image.ReferencedFrameNumber == case.volume.frames[lesions[0].size.axes.slice_index].frame_number
    self_check(objects, case.volume, case.segmentation, case.quantities, case.lesions)


def test_the_same_case_gives_the_same_uids_and_another_device_others(maker: CaseMaker, tmp_path: Path) -> None:
    case = lesion_case(maker)
    uids = []
    for number, device in enumerate((case.identity.device_uid, case.identity.device_uid, "2.25.1")):
        folder = tmp_path / f"out{number}"
        folder.mkdir()
        same = replace(case, identity=replace(case.identity, device_uid=device))
        objects = encode_results(same, folder, frozenset(Rung))
        uids.append({(o.kind, o.sop_instance_uid, o.series_instance_uid) for o in objects})
    assert uids[0] == uids[1]
    assert not uids[0] & uids[2]


def test_a_code_with_two_reasons_has_both_in_its_comment(maker: CaseMaker, out: Path) -> None:
    reasons = tuple(refuse(Code.ACQ_CONTRAST, text, Affects.DENSITY) for text in ("in the header", "aorta 285 HU"))
    _, report = made(lesion_case(maker, reasons=reasons), out)
    said = [c.TextValue for c in every_item(report) if c.ValueType == "TEXT" and c.TextValue.startswith("ACQ-CONTRAST")]
    assert "ACQ-CONTRAST: in the header; aorta 285 HU" in said
