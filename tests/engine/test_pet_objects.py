"""A phantom PET-CT from headers to the objects of four destinations, before other people's tools."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import highdicom
import numpy as np
import pytest
import SimpleITK as sitk  # noqa: N813 - the library's own usual name
from pydicom import dcmread
from pydicom.dataset import Dataset

from node.engine import line
from node.engine.analysis import Analysis, write_analysis
from node.engine.pet_case import pet_result
from node.errors import Affects, Code, OurMistake, refuse, warn
from node.measure.lesions.lesions import measure_lesions
from node.measure.pet.uptake_quantity import Statistic, Threshold
from node.phantom.dicom import write_series
from node.phantom.pet import make_pet, pet_grid
from node.phantom.pet_dicom import PetOptions, write_pet
from node.phantom.thorax import make_thorax, thorax_grid
from node.report.check_pet import check_pet
from node.report.encoded import EncodedObject
from node.report.pet_picture import pet_from_front
from node.report.pet_result import MeasuredPet, PetResult
from node.report.pet_words import foci_lines, foci_words, pet_lines
from node.report.report_numbers import ReportedUptake, read_uptakes
from node.report.share import share_of
from node.report.sheet import HEADER, fitting
from node.route.select import Case
from node.segment.contract import SegmentKind, Task
from node.settings import Settings
from node.volume.pet import SuvKind
from node.volume.volume import Volume
from tests.engine.test_pet_line import APART, HOT, PET, Outlined, analysed, case_of
from tests.report.conftest import BIN, children, every_item, groups_of, run_tool
from tests.report.test_validators import not_allowed

EVERYTHING = ["SEG", "SR", "OUTLINES", "SC", "PDF", "RTSTRUCT", "KO"]
DESTINATIONS: tuple[dict[str, Any], ...] = (
    {"name": "unknown", "kind": "folder", "path": "/tmp/a"},
    {"name": "viewer", "kind": "folder", "path": "/tmp/b", "draws_results": True},
    {"name": "pictures", "kind": "folder", "path": "/tmp/c", "objects": ["SC", "PDF"]},
    {"name": "all", "kind": "folder", "path": "/tmp/d", "objects": EVERYTHING},
)  # fmt: skip
SETTINGS = Settings.model_validate({"destinations": DESTINATIONS})


@dataclass(frozen=True)
class Made:
    """The case with everything that became of it."""

    case: Case
    volume: Volume
    analysis: Analysis
    objects: tuple[EncodedObject, ...]

    def share(self, destination: str) -> tuple[EncodedObject, ...]:
        (found,) = [d for d in SETTINGS.destinations if d.name == destination]
        return share_of(self.objects, found.rungs)

    def of_kind(self, kind: str, destination: str = "all") -> EncodedObject:
        return next(o for o in self.share(destination) if o.kind == kind)


def encoded(folder: Path, case: Case, volume: Volume, analysis: Analysis) -> Made:
    write_analysis(analysis, volume, folder)
    identity = line.identify(case, Outlined(), SETTINGS)
    objects = line.encode_case(case, identity, SETTINGS, folder, now=datetime.now(UTC), volume=volume)
    return Made(case, volume, analysis, objects)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    folder = tmp_path_factory.mktemp("pet-ct")
    write_series(make_thorax(thorax_grid(80, 200), nodules=[HOT], noise_hu=8.0), folder / "study" / "ct")
    write_pet(make_pet(pet_grid(), nodules=[HOT, APART]), folder / "study" / "pet", PetOptions(series=PET))
    case, volume = case_of(folder / "study")
    return encoded(folder / "out", case, volume, analysed(case))


def uptakes_of(report: EncodedObject) -> dict[str, ReportedUptake]:
    return {group.tracking_id: group for group in read_uptakes(dcmread(report.path))}


def comments(item: Dataset) -> str:
    return " ".join(str(i.TextValue) for i in every_item(item) if i.ValueType == "TEXT")


def warned(item: Dataset) -> list[str]:
    return [str(i.ConceptCodeSequence[0].CodeValue) for i in children(item, "LN-Q-WARN")]


@pytest.mark.parametrize(
    ("destination", "kinds"),
    [
        ("unknown", {"SEG", "PET_SEG", "SR", "SUMMARY"}),
        ("viewer", {"SEG", "PET_SEG", "SR"}),
        ("pictures", {"SUMMARY", "SC", "PDF"}),
        ("all", {"SEG", "PET_SEG", "SR", "OUTLINES", "SUMMARY", "SC", "PDF", "RTSTRUCT", "KO"}),
    ],
)
def test_each_destination_gets_exactly_its_objects(made: Made, destination: str, kinds: set[str]) -> None:
    share = made.share(destination)
    assert {o.kind for o in share} == kinds
    assert len(share) == len(kinds)


def test_every_kind_of_object_of_a_pet_ct_is_valid(made: Made) -> None:
    assert {o.path.name: not_allowed(o.path) for o in made.objects} == {o.path.name: [] for o in made.objects}
    for one in made.objects:
        if one.kind in ("SR", "OUTLINES", "KO"):
            run_tool("/usr/bin/dsrdump", "+Pl", one.path)


def test_the_pet_has_a_segmentation_of_its_own_on_its_own_grid(made: Made) -> None:
    seg = dcmread(made.of_kind("PET_SEG").path)
    pet = made.case.partners[0]
    (referenced,) = seg.ReferencedSeriesSequence
    assert referenced.SeriesInstanceUID == pet.series_instance_uid
    assert len(referenced.ReferencedInstanceSequence) == pet.n_instances
    assert (seg.SeriesNumber, seg.SeriesDescription) == (900029, "lungnode PET SEG (AI)")
    assert (seg.Rows, seg.Columns) == (pet.first.geometry.rows, pet.first.geometry.columns)
    assert seg.FrameOfReferenceUID == made.volume.series.first.geometry.frame_of_reference_uid
    ct = dcmread(made.of_kind("SEG").path)
    lesion = next(s for s in ct.SegmentSequence if s.SegmentLabel == "nodule-1")
    assert [(s.TrackingID, s.TrackingUID) for s in seg.SegmentSequence] == [(lesion.TrackingID, lesion.TrackingUID)]


def test_dcmqi_reads_the_pets_mask_in_its_place(made: Made, tmp_path: Path) -> None:
    run_tool(
        BIN / "segimage2itkimage", "--inputDICOM", made.of_kind("PET_SEG").path, "--outputDirectory", tmp_path, "-t",
        "nrrd",
    )  # fmt: skip
    image = sitk.ReadImage(str(tmp_path / "1.nrrd"))
    at = np.argwhere(sitk.GetArrayFromImage(image))
    found = {
        tuple(np.round(image.TransformIndexToPhysicalPoint(i[::-1].tolist()), 2) + 0.0) for i in at  # no minus zero
    }  # fmt: skip
    mask = made.analysis.pet_mask
    assert mask is not None
    voxels = np.argwhere(mask.labels_zyx)
    wanted = (np.c_[voxels, np.ones(len(voxels))] @ mask.lps_from_zyx.T)[:, :3]
    assert found == {tuple(np.round(point, 2) + 0.0) for point in wanted}


def test_highdicom_reads_the_same_mask(made: Made) -> None:
    seg = highdicom.seg.segread(str(made.of_kind("PET_SEG").path))
    assert made.analysis.pet_mask is not None
    n_voxels = int(np.count_nonzero(made.analysis.pet_mask.labels_zyx))
    assert int(seg.pixel_array.sum()) == n_voxels > 0


def test_the_numbers_of_a_lesion_stand_with_its_mask_and_its_tracking(made: Made, tmp_path: Path) -> None:
    report = made.of_kind("SR")
    run_tool(BIN / "tid1500reader", "--inputDICOM", report.path, "--outputMetadata", tmp_path / "o.json")
    groups = json.loads((tmp_path / "o.json").read_text())["Measurements"]
    (group,) = [g for g in groups if g.get("segmentationSOPInstanceUID") == made.of_kind("PET_SEG").sop_instance_uid]
    by_unit = {
        (m["quantity"]["CodeValue"], m["units"]["CodeValue"]): float(m["value"]) for m in group["measurementItems"]
    }
    assert made.analysis.pet is not None
    (lesion,) = made.analysis.pet.lesions
    assert group["TrackingIdentifier"] == "nodule-1"
    assert by_unit["126405", "g/ml{SUVlbm(Janma)}"] == pytest.approx(lesion.value(Statistic.PEAK, SuvKind.LBMJANMA))
    assert by_unit["126032", "cm3"] == pytest.approx(lesion.value(Statistic.MTV, threshold=Threshold.MTV40))
    values = {(n.statistic, n.kind, n.threshold): v for n, v in uptakes_of(report)["nodule-1"].values.items()}
    for statistic in (Statistic.MAX, Statistic.MEAN, Statistic.PEAK):
        assert values[statistic, SuvKind.BW, None] == pytest.approx(lesion.value(statistic))
    for threshold in Threshold:
        assert values[Statistic.TLG, None, threshold] == pytest.approx(lesion.value(Statistic.TLG, threshold=threshold))


def test_references_stand_beside_the_lesions_and_foci_outside_them_apart(made: Made) -> None:
    report = made.of_kind("SR")
    found = uptakes_of(report)
    assert set(found) == {"nodule-1", "liver-reference", "mediastinal-reference", "fdg-focus-1"}
    groups = {str(children(g, "112039")[0].TextValue): g for g in groups_of(dcmread(report.path))}
    focus = groups["fdg-focus-1"]
    assert children(focus, "121071")[0].ConceptCodeSequence[0].CodeValue == "LN-F-FOCUS"
    assert not children(focus, "121191")
    assert not children(focus, "363698007")  # chest or abdomen: not known
    maximum = children(focus, "126401")[0]
    assert "search=chest and upper abdomen" in comments(maximum)
    assert "heart, vessels, stomach and bowel are not told apart" in comments(focus)
    site = children(groups["liver-reference"], "363698007")[0].ConceptCodeSequence[0].CodeValue
    assert site == "10200004"


def test_the_pet_has_an_image_library_group_and_its_images_are_evidence(made: Made) -> None:
    report = dcmread(made.of_kind("SR").path)
    library = children(children(report, "111028")[0], "126200")
    modalities = [children(group, "121139")[0].ConceptCodeSequence[0].CodeValue for group in library]
    assert modalities == ["CT", "PT"]
    pet = made.case.partners[0]
    (study,) = report.CurrentRequestedProcedureEvidenceSequence
    listed = {s.SeriesInstanceUID: len(s.ReferencedSOPSequence) for s in study.ReferencedSeriesSequence}
    assert listed[pet.series_instance_uid] == pet.n_instances
    assert listed[made.of_kind("PET_SEG").series_instance_uid] == 1


def test_a_refused_pet_is_named_with_its_code_and_the_ct_keeps_its_objects(made: Made, tmp_path: Path) -> None:
    series = made.case.partners[0]
    blind = replace(series, files=tuple(replace(f, facts=without_weight(f.facts)) for f in series.files))
    case = replace(made.case, partners=(blind,))
    result = encoded(tmp_path, case, made.volume, analysed(case))
    report = dcmread(result.of_kind("SR").path)
    (both,) = [g for g in groups_of(report) if children(g, "112039")[0].TextValue == "Both lungs"]
    assert "PT-WEIGHT" in warned(both)
    assert "PET: not measured" in comments(both)
    assert uptakes_of(result.of_kind("SR")) == {}
    assert {o.kind for o in result.share("unknown")} == {"SEG", "SR", "SUMMARY"}


def without_weight(facts: Any) -> Any:
    return replace(facts, pet=replace(facts.pet, weight_kg=None))


def test_a_changed_mask_or_number_of_the_pet_is_found_before_anything_leaves(made: Made) -> None:
    pet = pet_result(line.pet_of(made.case), made.analysis.pet, made.analysis.pet_mask, SETTINGS)
    assert pet is not None
    assert pet.measured is not None
    check_pet(made.objects, pet.measured)
    moved = pet.measured.labels_zyx.copy()
    moved[:] = np.roll(moved, 1, axis=2)
    with pytest.raises(OurMistake, match="voxels of the PET"):
        check_pet(made.objects, replace(pet.measured, labels_zyx=moved))
    (lesion,) = pet.measured.found.lesions
    hotter = replace(lesion.quantities[0], value=float(lesion.quantities[0].value or 0.0) + 0.01)
    changed = replace(lesion, quantities=(hotter, *lesion.quantities[1:]))
    with pytest.raises(OurMistake, match="was measured"):
        check_pet(made.objects, replace(pet.measured, found=replace(pet.measured.found, lesions=(changed,))))


def test_an_uncertain_lesion_is_called_so_in_the_pet_too(made: Made, tmp_path: Path) -> None:
    found = made.analysis.segmentation
    segments = tuple(replace(s, doubt="seen once") if s.kind is SegmentKind.LESION else s for s in found.segments)
    doubted = replace(found, segments=segments)
    lesions = measure_lesions(made.volume, doubted, made.analysis.reasons)
    analysis = replace(made.analysis, segmentation=doubted, lesions=lesions)
    result = encoded(tmp_path, made.case, made.volume, analysis)

    labels = [s.SegmentLabel for s in dcmread(result.of_kind("PET_SEG").path).SegmentSequence]
    assert labels == ["nodule-1 (uncertain)"]


def pdf_text(one: EncodedObject, folder: Path) -> str:
    document = dcmread(one.path)
    path = folder / "report.pdf"
    path.write_bytes(document.EncapsulatedDocument[: document.EncapsulatedDocumentLength])
    return " ".join(run_tool("/usr/bin/pdftotext", path, "-").split())


def test_the_pdf_prints_the_pets_numbers_with_references_and_candidates(made: Made, tmp_path: Path) -> None:
    text = pdf_text(made.of_kind("PDF"), tmp_path)
    assert made.analysis.pet is not None
    (lesion,) = made.analysis.pet.lesions
    for statistic in (Statistic.MAX, Statistic.MEAN, Statistic.PEAK):
        assert f"{lesion.value(statistic):.1f}" in text
    found = made.analysis.pet.found
    assert found is not None
    assert found.liver is not None
    assert f"liver {found.liver.suv_mean:.1f}" in text
    assert "heart, vessels, stomach and bowel are not told apart" in text
    assert "Candidate 1" in text


def test_a_lesions_key_slice_shows_the_pet_beside_it(made: Made) -> None:
    picture = dcmread(made.of_kind("SC").path)
    pixels = np.frombuffer(picture.PixelData, np.uint8)[: picture.Rows * picture.Columns * 3]
    panel = pixels.reshape(picture.Rows, picture.Columns, 3)[HEADER : HEADER + 400, 1200:1600].min(axis=2)
    assert picture.Columns == 1600
    assert panel[180:220, 180:220].max() < 80  # the hot lesion is dark and in the middle, as in the other panels
    assert np.median(panel[300:340, 60:340]) > 220  # the lung round it is bright


def test_seen_from_the_front_the_patients_right_is_on_the_left_and_the_head_is_up(made: Made) -> None:
    pet = pet_result(line.pet_of(made.case), made.analysis.pet, made.analysis.pet_mask, SETTINGS)
    assert pet is not None
    assert pet.measured is not None
    picture = np.asarray(pet_from_front(pet.measured, made.volume, (), 400, n_foci=8).convert("L"))
    rows, columns = np.nonzero(picture[60:340, 30:370] < 90)
    assert {HOT.centre_lps_mm[0] > 0, APART.centre_lps_mm[0] < 0, HOT.centre_lps_mm[2] < APART.centre_lps_mm[2]} == {
        True
    }
    is_left_lung = columns > 170
    assert rows[is_left_lung].mean() > rows[~is_left_lung].mean()


def test_words_of_a_refused_pet_give_the_code_that_refused_it() -> None:
    reasons = (warn(Code.PT_SLOPE, "slopes differ"), refuse(Code.PT_WEIGHT, "no weight", Affects.SUV))
    assert pet_lines(PetResult("1.2.3", reasons, None), searched_ct=True) == [
        "PET not measured: PT-WEIGHT (Body weight missing or implausible)"
    ]


def with_candidates(made: Made, n: int) -> MeasuredPet:
    """Return the phantom's PET with so many candidates, no lesions, and each centroid 40 mm beside its maximum."""
    pet = pet_result(line.pet_of(made.case), made.analysis.pet, made.analysis.pet_mask, SETTINGS)
    assert pet is not None
    assert pet.measured is not None
    assert pet.measured.found.foci
    first = pet.measured.found.foci[0]
    z, y, _ = first.maximum_zyx
    found = []
    for i in range(n):
        at = (z, y, 6 * i + 4)
        x_mm, y_mm, z_mm = (pet.measured.volume.lps_from_zyx @ [*at, 1.0])[:3].tolist()
        found.append(replace(first, maximum_zyx=at, centre_lps_mm=(x_mm + 40.0, y_mm, z_mm), suv_max=9.0 - 0.1 * i))
    return replace(pet.measured, found=replace(pet.measured.found, lesions=(), foci=tuple(found)))


def test_no_candidate_is_marked_that_is_not_listed(made: Made) -> None:
    """A ninth candidate changes the count in the words and nothing in the picture."""
    eight, nine = (with_candidates(made, n) for n in (8, 9))
    pictures = [np.asarray(pet_from_front(pet, made.volume, (), 400, n_foci=8)) for pet in (eight, nine)]
    assert np.array_equal(*pictures)
    assert not np.array_equal(pictures[0], np.asarray(pet_from_front(nine, made.volume, (), 400, n_foci=9)))
    lines = foci_lines(nine, 8)
    assert [text.split(":")[0] for text in lines[:8]] == [f"Candidate {n}" for n in range(1, 9)]
    assert lines[8:] == ["1 further candidate of SUVmax 8.2: neither listed nor marked here"]
    assert len(foci_lines(eight, 8)) == 8


def test_the_place_of_a_candidate_is_the_point_that_the_picture_marks(made: Made) -> None:
    pet = with_candidates(made, 1)
    (text,) = foci_lines(pet, 8)
    assert pet.found.foci
    (focus,) = pet.found.foci
    marked = (pet.volume.lps_from_zyx @ [*focus.maximum_zyx, 1.0])[:3]
    assert "({:.0f}, {:.0f}, {:.0f}) mm".format(*marked) in text
    shown = pet.volume.frames[focus.maximum_zyx[0]].sop_instance_uid
    (number,) = (f.facts.instance_number for f in pet.volume.series.files if f.facts.sop_instance_uid == shown)
    assert f", PET image {number}, " in text
    assert "({:.0f}, {:.0f}, {:.0f}) mm".format(*focus.centre_lps_mm) not in text


def test_the_report_places_a_candidate_at_its_maximum(made: Made) -> None:
    groups = {str(children(g, "112039")[0].TextValue): g for g in groups_of(dcmread(made.of_kind("SR").path))}
    pet = pet_result(line.pet_of(made.case), made.analysis.pet, made.analysis.pet_mask, SETTINGS)
    assert pet is not None
    assert pet.measured is not None
    assert pet.measured.found.foci
    at = pet.measured.volume.lps_from_zyx @ [*pet.measured.found.foci[0].maximum_zyx, 1.0]
    assert "SUVmax at ({:.0f}, {:.0f}, {:.0f}) mm".format(*at[:3]) in comments(groups["fdg-focus-1"])


def test_words_presuppose_lesions_only_where_such_were_looked_for(made: Made) -> None:
    found = with_candidates(made, 2).found
    for which in (found, replace(found, foci=()), replace(found, foci=None)):
        assert "outside the CT lesions" in foci_words(which, searched_ct=True)
        assert "lesion" not in foci_words(which, searched_ct=False)


def test_a_report_of_lungs_and_pet_alone_speaks_of_no_ct_lesions(made: Made, tmp_path: Path) -> None:
    found = made.analysis.segmentation
    lungs = tuple(s for s in found.segments if s.kind is not SegmentKind.LESION)
    labels_zyx = np.where(np.isin(found.labels_zyx, [s.label for s in lungs]), found.labels_zyx, 0)
    models = tuple(m for m in found.models if m.task is Task.LUNGS)
    pet = made.analysis.pet
    assert pet is not None
    assert pet.found is not None
    mask = made.analysis.pet_mask
    analysis = replace(
        made.analysis,
        segmentation=replace(found, segments=lungs, labels_zyx=labels_zyx.astype(np.uint8), models=models),
        lesions=(),
        pet=replace(pet, found=replace(pet.found, lesions=(), segments=())),
        pet_mask=None if mask is None else replace(mask, labels_zyx=np.zeros_like(mask.labels_zyx)),
    )
    alone = encoded(tmp_path, made.case, made.volume, analysis)
    text = pdf_text(alone.of_kind("PDF"), tmp_path)
    assert "Candidates: SUV by body weight" in text
    said = comments(dcmread(alone.of_kind("SR").path))
    assert "foci in the chest" in said
    for words in (text, said):
        assert "CT lesion" not in words
    for name in ("SUVpeak", "MTV"):
        assert name not in text
        assert name in pdf_text(made.of_kind("PDF"), tmp_path)


def test_words_get_smaller_where_they_would_leave_their_place() -> None:
    few, many = ["one line"] * 3, ["one line that is so long that it is broken into two"] * 18
    assert fitting(few, 300, 500) == 16
    assert fitting(many, 300, 500) < 16


def test_a_label_map_of_the_pet_is_written_and_read_back_where_the_settings_ask_for_one(
    made: Made, tmp_path: Path
) -> None:
    write_analysis(made.analysis, made.volume, tmp_path)
    settings = Settings.model_validate({"objects": {"seg_type": "labelmap"}, "destinations": DESTINATIONS})
    identity = line.identify(made.case, Outlined(), settings)
    objects = line.encode_case(made.case, identity, settings, tmp_path, now=datetime.now(UTC), volume=made.volume)
    classes = {o.kind: o.sop_class_uid for o in objects}
    assert classes["SEG"] == classes["PET_SEG"] == "1.2.840.10008.5.1.4.1.1.66.7"


def test_where_nothing_was_found_the_pet_is_named_all_the_same(made: Made, tmp_path: Path) -> None:
    segmentation = made.analysis.segmentation
    nothing = replace(
        segmentation,
        labels_zyx=np.zeros_like(segmentation.labels_zyx),
        segments=(),
        models=tuple(m for m in segmentation.models if m.task is Task.LESIONS),
    )
    assert made.analysis.pet is not None
    refused = replace(made.analysis.pet, found=None)
    analysis = replace(made.analysis, segmentation=nothing, quantities=(), lesions=(), pet=refused, pet_mask=None)
    result = encoded(tmp_path, made.case, made.volume, analysis)
    report = dcmread(result.of_kind("SR").path)
    assert report.SOPClassUID == "1.2.840.10008.5.1.4.1.1.88.11"
    assert "PT-SLOPE" in warned(report)
    assert "PET: not measured" in comments(report)
    assert not_allowed(result.of_kind("SR").path) == []
