"""RT Structure Set, outlines report and key object selection, read back from the files."""

from dataclasses import replace
from pathlib import Path

import highdicom
import numpy as np
import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset

from node.report.case import Run
from node.report.encode import ReportInput, encode_results
from node.settings import Rung
from tests.report.conftest import CaseMaker, Grid, children, enhanced_case, every_item, groups_of
from tests.report.lesion_case import GRID, chest, lesion_case
from tests.report.test_contours import rasterised
from tests.report.test_lesion_sr import tracking

OBLIQUE = Grid((24, 64, 72), (0.936, 0.0, 0.352, 0.0, 1.0, 0.0), (4.0, 4.0), 5.0, (-100.0, -126.0, -100.0))


def made(case: ReportInput, out: Path, rung: Rung) -> Dataset:
    (found,) = [o for o in encode_results(case, out, frozenset((rung,))) if o.kind == rung]
    return dcmread(found.path)


@pytest.mark.parametrize("grid", [GRID, OBLIQUE], ids=["axial", "oblique"])
def test_contours_lie_on_their_slices_and_enclose_exactly_the_masks(maker: CaseMaker, out: Path, grid: Grid) -> None:
    labels, _ = chest(grid)
    labels[12, 30, 20] = 0  # a hole in a lung
    case = lesion_case(maker, grid, labels=labels)
    structures = made(case, out, Rung.RTSTRUCT)
    to_index = np.linalg.inv(grid.matrix)
    names = {roi.ROINumber: roi.ROIName for roi in structures.StructureSetROISequence}
    dense = case.volume.hu_zyx >= -300
    for roi in structures.ROIContourSequence:
        loops: dict[int, list[np.ndarray]] = {}
        for contour in roi.ContourSequence:
            assert contour.ContourGeometricType == "CLOSED_PLANAR"
            assert all(len(str(v)) <= 16 for v in contour.ContourData)
            points = np.array(contour.ContourData, float).reshape(-1, 3)
            assert len(points) == contour.NumberOfContourPoints
            zyx = (np.c_[points, np.ones(len(points))] @ to_index.T)[:, :3]
            z = round(float(zyx[0, 0]))
            assert np.allclose(zyx[:, 0], z, atol=1e-4)
            image = contour.ContourImageSequence[0].ReferencedSOPInstanceUID
            assert image == case.volume.frames[z].sop_instance_uid
            loops.setdefault(z, []).append(np.round(zyx[:, 1:] * 2) / 2)
        read = np.zeros(grid.shape, bool)
        for z, lines in loops.items():
            read[z] = rasterised(lines, grid.shape[1:])
        label = {"Right lung": 1, "Left lung": 2, "nodule-1": 3, "nodule-2": 4, "nodule-3": 5, "nodule-2-solid": 4}
        name = names[roi.ReferencedROINumber]
        expected = labels == label[name]
        if name == "nodule-2-solid":
            assert read.sum() == next(lesion.solid.n_voxels for lesion in case.lesions if lesion.solid)
            assert not (read & ~(expected & dense)).any()
        else:
            assert np.array_equal(read, expected)


def test_structures_name_every_slice_and_claim_nothing(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    structures = made(case, out, Rung.RTSTRUCT)
    (frame,) = structures.ReferencedFrameOfReferenceSequence
    (study,) = frame.RTReferencedStudySequence
    (series,) = study.RTReferencedSeriesSequence
    assert frame.FrameOfReferenceUID == structures.StructureSetROISequence[0].ReferencedFrameOfReferenceUID
    assert study.ReferencedSOPClassUID == "1.2.840.10008.3.1.2.3.1"
    assert study.ReferencedSOPInstanceUID == case.volume.series.study_instance_uid
    assert series.SeriesInstanceUID == case.volume.series.series_instance_uid
    assert {i.ReferencedSOPInstanceUID for i in series.ContourImageSequence} == {
        f.sop_instance_uid for f in case.volume.frames
    }
    assert structures.ApprovalStatus == "UNAPPROVED"
    assert len(structures.StructureSetLabel) <= 16
    assert [o.RTROIInterpretedType for o in structures.RTROIObservationsSequence] == ["ORGAN", "ORGAN", "", "", "", ""]
    assert {roi.ROIGenerationAlgorithm for roi in structures.StructureSetROISequence} == {"AUTOMATIC"}


def test_structures_of_an_enhanced_source_name_frames(tmp_path: Path, out: Path) -> None:
    structures = made(enhanced_case(tmp_path / "enhanced"), out, Rung.RTSTRUCT)
    contour = structures.ROIContourSequence[0].ContourSequence[0]
    assert contour.ContourImageSequence[0].ReferencedFrameNumber >= 1


def test_outlines_are_planar_groups_of_lesions_only_in_a_series_of_their_own(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    objects = {o.kind: o for o in encode_results(case, out, frozenset((Rung.OUTLINES,)))}
    report = dcmread(objects["OUTLINES"].path)
    assert objects["OUTLINES"].series_instance_uid != objects["SR"].series_instance_uid
    assert {g.ContentTemplateSequence[0].TemplateIdentifier for g in groups_of(report)} == {"1410"}
    assert {tracking(g)[0] for g in groups_of(report)} == {"nodule-1", "nodule-2", "nodule-3"}
    drawn: dict[tuple[str, str], list[np.ndarray]] = {}
    for group in groups_of(report):
        (region,) = children(group, "111030")
        points = np.array(region.GraphicData, float).reshape(-1, 2)
        assert (region.GraphicType, region.RelationshipType) == ("POLYLINE", "CONTAINS")
        assert np.array_equal(points[0], points[-1])
        (image,) = region.ContentSequence
        on = image.ReferencedSOPSequence[0].ReferencedSOPInstanceUID
        drawn.setdefault((tracking(group)[0], on), []).append(points[:-1, ::-1] - 0.5)
    labels = case.segmentation.labels_zyx
    for (name, on), loops in drawn.items():
        z = [f.sop_instance_uid for f in case.volume.frames].index(on)
        assert np.array_equal(rasterised(loops, labels.shape[1:]), labels[z] == int(name[-1]) + 2)
    assert len(drawn) == sum(int((labels == k).any(axis=(1, 2)).sum()) for k in (3, 4, 5))
    assert len(highdicom.sr.srread(objects["OUTLINES"].path).content.get_planar_roi_measurement_groups()) == len(
        groups_of(report)
    )


def test_key_objects_are_the_slices_with_the_long_axes_and_nothing_else(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    keys = made(case, out, Rung.KEY_OBJECTS)
    title = keys.ConceptNameCodeSequence[0]
    assert (title.CodeValue, keys.Modality) == ("113000", "KO")
    named = {i.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for i in every_item(keys) if i.ValueType == "IMAGE"}
    frames = case.volume.frames
    assert named == {frames[lesion.size.axes.slice_index].sop_instance_uid for lesion in case.lesions}
    (study,) = keys.CurrentRequestedProcedureEvidenceSequence
    (series,) = study.ReferencedSeriesSequence
    assert {i.ReferencedSOPInstanceUID for i in series.ReferencedSOPSequence} == named
    assert children(keys, "121005")[0].ConceptCodeSequence[0].CodeValue == "121007"
    assert "not for diagnosis" in children(keys, "113012")[0].TextValue


def test_without_lesions_there_are_neither_key_objects_nor_outlines(maker: CaseMaker, out: Path) -> None:
    labels, _ = chest()
    labels[labels > 2] = 0
    made_kinds = [o.kind for o in encode_results(lesion_case(maker, labels=labels), out, frozenset(Rung))]
    assert "KO" not in made_kinds
    assert "OUTLINES" not in made_kinds
    assert "RTSTRUCT" in made_kinds


def test_the_report_gathers_every_other_object_of_the_run_in_its_evidence(maker: CaseMaker, out: Path) -> None:
    objects = encode_results(lesion_case(maker), out, frozenset(Rung))
    report = dcmread(objects[1].path)
    gathered = {
        (series.SeriesInstanceUID, sop.ReferencedSOPClassUID, sop.ReferencedSOPInstanceUID)
        for study in report.CurrentRequestedProcedureEvidenceSequence
        for series in study.ReferencedSeriesSequence
        for sop in series.ReferencedSOPSequence
    }
    assert objects[1].kind == "SR"
    for one in objects:
        entry = (one.series_instance_uid, one.sop_class_uid, one.sop_instance_uid)
        assert (entry in gathered) == (one.kind != "SR")
    assert len({one.series_instance_uid for one in objects}) == len({one.series_number for one in objects}) == 7
    assert len({one.sop_instance_uid for one in objects}) == len(objects)


def test_a_route_without_lungs_that_finds_nothing_gathers_its_pictures_all_the_same(
    maker: CaseMaker, out: Path
) -> None:
    labels, _ = chest()
    labels[labels > 2] = 0
    objects = encode_results(lesion_case(maker, labels=labels, with_lungs=False), out, frozenset(Rung))
    assert [o.kind for o in objects] == ["SR", "SUMMARY", "PDF"]
    report = dcmread(objects[0].path)
    evidence = {
        sop.ReferencedSOPInstanceUID
        for series in report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
        for sop in series.ReferencedSOPSequence
    }
    assert {o.sop_instance_uid for o in objects[1:]} <= evidence


def test_structures_of_a_later_run_name_those_that_they_supersede(maker: CaseMaker, out: Path) -> None:
    case = lesion_case(maker)
    before = next(o for o in encode_results(case, out, frozenset((Rung.RTSTRUCT,))) if o.kind == "RTSTRUCT")
    again = replace(
        case,
        identity=replace(case.identity, run=2),
        run=Run("r2", structures=before.reference),
    )
    structures = made(again, out, Rung.RTSTRUCT)
    assert structures.SOPInstanceUID != before.sop_instance_uid
    assert structures.PredecessorStructureSetSequence[0].ReferencedSOPInstanceUID == before.sop_instance_uid
    assert structures.SeriesDescription == "lungnode contours (AI) r2"
    assert structures.StructureSetROISequence[2].ROIName == "nodule-2"


def test_every_group_of_every_report_begins_with_its_tracking(maker: CaseMaker, out: Path) -> None:
    for one in encode_results(lesion_case(maker), out, frozenset((Rung.OUTLINES,))):
        if one.kind in ("SR", "OUTLINES"):
            for group in groups_of(dcmread(one.path)):
                first = next(item for item in group.ContentSequence if item.ValueType == "UIDREF")
                assert first.ConceptNameCodeSequence[0].CodeValue == "112040"


def test_series_numbers_and_descriptions_follow_the_table(maker: CaseMaker, out: Path) -> None:
    objects = encode_results(lesion_case(maker), out, frozenset(Rung))
    found = {
        o.kind: (o.series_number, str(dcmread(o.path).SeriesDescription), dcmread(o.path).Modality) for o in objects
    }
    assert found == {
        "SEG": (900031, "lungnode SEG (AI)", "SEG"),
        "SR": (900032, "lungnode measurements (AI)", "SR"),
        "OUTLINES": (900033, "lungnode outlines (AI)", "SR"),
        "SC": (900034, "lungnode key slices (AI)", "OT"),
        "SUMMARY": (900034, "lungnode key slices (AI)", "OT"),
        "PDF": (900035, "lungnode report (AI)", "DOC"),
        "RTSTRUCT": (900036, "lungnode contours (AI)", "RTSTRUCT"),
        "KO": (900037, "lungnode key objects (AI)", "KO"),
    }
