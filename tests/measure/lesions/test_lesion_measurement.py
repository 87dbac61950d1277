"""`measure_lesions` as a whole: what is given, what is withheld with which code, and that nothing forbidden is said."""

import re
import time
from dataclasses import replace
from itertools import product
from math import pi

import numpy as np
import pytest

from node.errors import Affects, Code, OurMistake, Reason, refuse, warn
from node.measure.lesions.lesion_key import lesion_keys
from node.measure.lesions.lesions import measure_lesions
from node.measure.lesions.many import too_many
from node.measure.lesions.separate import Mark, further_lesions
from node.measure.lesions.solid import NoduleType
from node.measure.lesions.tnm_text import NEEDS_PATHOLOGY, NOT_ASSESSED
from node.measure.lesions.values import Finding
from node.measure.quantity import Side
from node.phantom.grid import grid_at
from node.phantom.shapes import Box, sphere

THIN = grid_at((0.0, 0.0, 0.0), (160, 100, 150), (1.0, 1.4, 1.4))
THICK_5 = refuse(Code.GEO_THICK, "slices are 6 mm thick", Affects.LESIONS, Affects.DENSITY)
THICK_3 = refuse(Code.GEO_THICK, "slices are 4 mm thick", Affects.SMALL_LESIONS)
LOSSY = refuse(Code.HU_LOSSY, "compressed with loss", Affects.DENSITY, Affects.SMALL_LESIONS)


def measured(scan, *reasons: Reason):
    return measure_lesions(scan.volume, scan.segmentation, reasons)


def ball(x: float, y: float, z: float, diameter: float, hu: float = 30):
    return (sphere((x, y, z), diameter), hu)


def test_a_ball_in_the_lung_is_measured_and_placed(make_scan):
    (lesion,) = measured(make_scan([ball(-50.0, 0.0, 0.0, 20.0)], grid=THIN))
    assert lesion.centre_lps_mm == pytest.approx((-50.0, 0.0, 0.0), abs=0.7)
    assert lesion.size.volume_mm3 == pytest.approx(pi * 20.0**3 / 6.0, rel=0.03)
    assert lesion.size.volume_mm3 == pytest.approx(lesion.n_voxels * 1.0 * 1.4 * 1.4)
    assert abs(lesion.size.mean_diameter_mm - 20.0) < 1.4
    assert (lesion.type, lesion.finding, lesion.attenuation.mean_hu) == (NoduleType.SOLID, Finding.NODULE, 30.0)
    assert (lesion.refused_by, lesion.warnings, lesion.is_uncertain) == ((), (), False)


def test_axes_are_given_in_the_volumes_own_index(make_scan):
    scan = make_scan([ball(-50.0, 20.0, 30.0, 20.0)], grid=THIN)
    (lesion,) = measured(scan)
    axes = lesion.size.axes
    middle_zyx = (axes.slice_index, *np.mean(axes.long_ends_yx, axis=0))
    at_lps_mm = THIN.lps_from_zyx @ (*middle_zyx, 1.0)
    assert at_lps_mm[:3] == pytest.approx((-50.0, 20.0, 30.0), abs=3.0)
    assert abs(lesion.largest_slice - axes.slice_index) <= 3


def test_a_part_solid_lesion_has_its_component_measured(make_scan):
    (lesion,) = measured(
        make_scan([ball(-50.0, 0.0, 0.0, 24.0, -600)], grid=THIN, inside=[ball(-50.0, 0.0, 0.0, 14.0)])
    )
    assert lesion.type is NoduleType.PART_SOLID
    assert abs(lesion.solid.longest.length_mm - 14.0) < 1.4
    assert "by size of the solid component alone" in lesion.tnm.text
    assert [band.of for band in lesion.screening] == [
        "mean diameter of the whole", "mean diameter of the solid component", "mean diameter",
        "mean diameter of the solid component",
    ]  # fmt: skip


@pytest.mark.parametrize(("diameter", "finding"), [(26.0, Finding.NODULE), (36.0, Finding.MASS)])
def test_over_30_mm_it_is_a_mass(make_scan, diameter, finding):
    (lesion,) = measured(make_scan([ball(-50.0, 0.0, 0.0, diameter)], grid=THIN))
    assert lesion.finding is finding


def assert_withheld(lesion, *codes: Code) -> None:
    """The finding stays with its mask, centre, side and zone; nothing else is given."""
    assert tuple(reason.code for reason in lesion.refused_by) == codes
    assert (lesion.size, lesion.solid, lesion.attenuation, lesion.type, lesion.tnm) == (None,) * 5
    assert lesion.screening == ()
    assert (lesion.location.to_pleura_mm, lesion.location.to_mediastinum_mm) == (None, None)
    assert lesion.location.to_carina_mm is None
    assert lesion.finding is Finding.LESION
    assert lesion.n_voxels > 0
    assert lesion.location.side is Side.RIGHT


@pytest.mark.parametrize(
    ("diameter", "reason", "is_refused"),
    [
        (20.0, THICK_5, True), (6.0, THICK_5, True), (6.0, THICK_3, True), (20.0, THICK_3, False),
        (6.0, LOSSY, True), (20.0, LOSSY, False),
    ],
    ids=["over 5 mm", "over 5 mm, small", "over 3 mm, small", "over 3 mm, large", "lossy, small", "lossy, large"],
)  # fmt: skip
def test_scopes_of_thickness_and_loss(make_scan, diameter, reason, is_refused):
    (lesion,) = measured(make_scan([ball(-50.0, 0.0, 0.0, diameter)], grid=THIN), reason)
    if is_refused:
        assert_withheld(lesion, reason.code)
        assert lesion.warnings == ()
    else:
        assert lesion.size is not None
        assert [found.code for found in lesion.warnings] == [reason.code]


def test_small_ends_at_a_long_axis_of_10_mm(scan_of):
    labels = np.zeros((3, 40, 60), np.uint8)
    labels[1, 10, 10:20] = 3  # exactly 10 mm
    labels[1, 20, 10:19] = 4  # 9 mm
    scan = scan_of(np.pad(labels, 2), np.diag([1.0, 1.0, 1.0, 1.0])[[2, 1, 0, 3]])
    ten, nine = measured(scan, THICK_3)
    assert ten.size is not None
    assert nine.size is None


@pytest.mark.parametrize(
    "reason",
    [warn(Code.GEO_THICK, "2 mm"), refuse(Code.ACQ_KERNEL, "B70f", Affects.DENSITY)],
    ids=["over 1.5 mm", "sharp kernel"],
)
def test_thin_warnings_and_sharp_kernels_only_warn(make_scan, reason):
    (lesion,) = measured(make_scan([ball(-50.0, 0.0, 0.0, 8.0)], grid=THIN), reason)
    assert lesion.size is not None
    assert [found.code for found in lesion.warnings] == [reason.code]


def test_reasons_that_do_not_concern_lesions_are_not_repeated(make_scan):
    contrast = refuse(Code.ACQ_CONTRAST, "bright", Affects.DENSITY, Affects.MEAN_DENSITY)
    (lesion,) = measured(make_scan([ball(-50.0, 0.0, 0.0, 12.0)]), contrast)
    assert (lesion.refused_by, lesion.warnings) == ((), ())


def test_a_lesion_that_merges_with_the_mediastinum_is_not_measured(make_scan):
    (lesion,) = measured(make_scan([(Box((-18.0, -20.0, -20.0), (5.0, 20.0, 20.0)), 40)]))
    assert_withheld(lesion, Code.SEG_MERGED)
    assert "as dense as soft tissue" in lesion.refused_by[0].text


def test_a_ball_that_only_touches_the_wall_is_measured(make_scan):
    (lesion,) = measured(make_scan([ball(-84.0, 0.0, 0.0, 14.0)]))
    assert lesion.refused_by == ()
    assert any("on the pleura" in band.text for band in lesion.screening[:2])


@pytest.mark.parametrize("centre", [(-50.0, 0.0, 78.0), (-50.0, 0.0, -78.0)], ids=["last slice", "first slice"])
def test_a_lesion_that_the_scan_cuts_is_not_measured(make_scan, centre):
    lungs = [(Box((-90.0, -60.0, -200.0), (-10.0, 60.0, 200.0)), 1)]
    (lesion,) = measured(make_scan([ball(*centre, 14.0)], lungs=lungs))
    assert_withheld(lesion, Code.GEO_PARTIAL)


def test_a_lesion_at_the_padding_round_the_field_of_view_is_not_measured(make_scan):
    lungs = [(Box((-97.0, -60.0, -75.0), (-10.0, 60.0, 75.0)), 1)]
    padding = [(Box((-200.0, -200.0, -200.0), (-60.0, 200.0, 200.0)), -1024)]
    scan = make_scan([ball(-54.0, 0.0, 0.0, 14.0)], lungs=lungs, inside=padding, padded_frac=0.3)
    (lesion,) = measured(scan)
    assert_withheld(lesion, Code.GEO_PARTIAL)


def test_a_series_that_is_unsure_marks_its_lesions(make_scan):
    (lesion,) = measured(make_scan([ball(-50.0, 0.0, 0.0, 14.0)], unsure=("models disagree",)))
    assert lesion.is_uncertain
    assert lesion.size is not None


def test_an_uncertain_reason_marks_them_too(make_scan):
    (lesion,) = measured(make_scan([ball(-50.0, 0.0, 0.0, 14.0)]), refuse(Code.SEG_UNSURE, "x", Affects.DENSITY))
    assert lesion.is_uncertain


def test_a_lesion_without_voxels_is_our_mistake(make_scan):
    scan = make_scan([ball(-50.0, 0.0, 0.0, 14.0)])
    scan.segmentation.labels_zyx[scan.segmentation.labels_zyx == 3] = 1
    with pytest.raises(OurMistake) as caught:
        measured(scan)
    assert caught.value.code == "LES-EMPTY"


def test_no_lesion_no_measurements(make_scan):
    assert measured(make_scan([])) == ()


def test_thin_lesions_have_sizes_but_neither_type_nor_bands(scan_of):
    labels = np.zeros((5, 12, 40), np.uint8)
    labels[2, 5, 5:20] = 3
    (lesion,) = measured(scan_of(labels, np.diag([1.0, 1.0, 1.0, 1.0])[[2, 1, 0, 3]]))
    assert lesion.size.axes.long_mm == pytest.approx(15.0)
    assert (lesion.type, lesion.tnm, lesion.screening) == (None, None, ())


def many_balls(n: int):
    places = product(range(-65, 66, 20), range(-40, 41, 20), (-76, -50, -30))
    return [ball(-x if x > 0 else x, y, z, 6.0 + 0.2 * i) for i, (y, z, x) in enumerate(list(places)[:n])]


def test_of_more_than_20_lesions_the_20_largest_are_measured_and_all_are_counted(make_scan):
    lesions = measured(make_scan(many_balls(23)))
    assert len(lesions) == 20
    sizes = [lesion.n_voxels for lesion in lesions]
    assert sizes == sorted(sizes, reverse=True)
    assert lesions[0].further.n_same_side == 22


def test_more_than_20_is_said_as_separate_marks():
    assert too_many(20) == ()
    (reason,) = too_many(23)
    assert reason == warn(Code.LES_MANY, "more than 20 separate marks: 23 were segmented, the 20 largest are measured")


def test_further_lesions_are_counted_by_side_and_the_nearest_is_named(make_scan):
    lesions = measured(
        make_scan([ball(-50.0, 0.0, 0.0, 20.0), ball(-50.0, 0.0, 40.0, 14.0), ball(50.0, 0.0, 0.0, 12.0)])
    )
    first = lesions[0].further
    assert (first.n_same_side, first.n_other_side, first.n_side_unknown) == (1, 1, 0)
    assert first.nearest_name == "nodule-2"
    assert first.nearest_mm == pytest.approx(40.0, abs=1.0)
    assert first.text == "Further lesions segmented by this software: 1 in the same lung, 1 in the other lung."


def test_a_single_lesion_is_said_to_be_single_without_a_statement_on_the_lung():
    mark = Mark("nodule-1", (0.0, 0.0, 0.0), Side.LEFT)
    assert further_lesions(mark, [mark]).text == "No further lesion segmented by this software."


def test_an_unknown_side_is_not_the_other_side():
    marks = [Mark("a", (0.0, 0.0, 0.0), Side.LEFT), Mark("b", (9.0, 0.0, 0.0), None)]
    assert further_lesions(marks[0], marks).text.endswith("0 in the other lung, 1 with unknown side.")
    assert further_lesions(marks[1], marks).n_side_unknown == 1


def test_lesion_keys_are_rounded_places_whatever_the_rank():
    assert lesion_keys([(-34.4, 12.5, -0.2), (7.0, -3.6, 9.9)]) == ("L-34P13S0", "L7P-4S10")
    assert lesion_keys([(7.0, -3.6, 9.9), (-34.4, 12.5, -0.2)]) == ("L7P-4S10", "L-34P13S0")


def test_equal_places_get_keys_of_their_own():
    assert lesion_keys([(1.0, 2.0, 3.0)] * 3) == ("L1P2S3", "L1P2S3n2", "L1P2S3n3")


def test_keys_do_not_depend_on_labels_or_on_other_lesions(make_scan):
    one, other = ball(-50.0, 0.0, 0.0, 20.0), ball(50.0, 10.0, 20.0, 12.0)
    alone = measured(make_scan([one]))[0]
    second = measured(make_scan([other, one]))[0]
    assert alone.lesion_key == second.lesion_key
    assert alone.label != second.label


def test_the_same_scan_gives_the_same_values(make_scan):
    scan = make_scan([ball(-50.0, 0.0, 0.0, 20.0), ball(50.0, 0.0, 40.0, 14.0, -600)])
    assert measured(scan) == measured(scan)


def test_age_and_thickness_reach_the_bands(make_scan):
    young = measured(make_scan([ball(-50.0, 0.0, 0.0, 9.0)], grid=THIN, age_years=30.0))[0]
    thick = measured(make_scan([ball(-50.0, 0.0, 0.0, 9.0)], grid=THIN, thickness_mm=2.0))[0]
    assert "age" in young.screening[-1].why
    assert "slices are 2 mm" in thick.screening[-1].why


FORBIDDEN = re.compile(
    r"(?i:malignan|benign|metasta|\bprimary|\bstage|staging|invasi|resecta|normal lung|no nodules|categor|follow-?up"
    r"|recommend|biopsy|complete response|partial response|progress|stable disease|neoplas|tumou?r|carcinoma)"
    r"|\b[NM][0-3][abc]?\b|\b(c|p|yc|yp)T"
)


def texts_of(value) -> list[str]:
    """Every text in a value and in what it holds."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, (tuple, list)):
        return [text for item in value for text in texts_of(item)]
    names = [name for name in dir(type(value)) if not name.startswith("_")] if hasattr(value, "__slots__") else []
    return [text for name in names for text in texts_of(getattr(value, name))]


def test_no_text_says_what_must_never_be_asserted(make_scan):
    lesions = measured(
        make_scan(
            [ball(-50.0, 0.0, 0.0, 20.0), ball(-50.0, 0.0, 45.0, 22.0, -600), ball(50.0, 0.0, 0.0, 29.5),
             ball(50.0, 0.0, 60.0, 12.0, -600), ball(-84.0, 0.0, -50.0, 12.0)],
            grid=THIN,
            inside=[ball(-50.0, 0.0, 45.0, 14.0)],
        ),
        LOSSY,
    )  # fmt: skip
    assert len({lesion.type for lesion in lesions}) == 3
    texts = [text for lesion in lesions for text in texts_of(lesion)]
    assert any(NOT_ASSESSED in text for text in texts)
    for fixed in (NOT_ASSESSED, NEEDS_PATHOLOGY, "If this lesion is a primary lung cancer"):
        texts = [text.replace(fixed, "") for text in texts]
    assert [text for text in texts if FORBIDDEN.search(text)] == []


@pytest.mark.parametrize(
    "text", ["a Malignant lesion", "N0", "M1a", "cT1c", "ypT2", "Lung-RADS category 3", "no nodules"]
)
def test_the_search_for_forbidden_words_finds_them(text):
    assert FORBIDDEN.search(text)


def test_a_size_category_never_stands_without_by_size_alone(make_scan):
    (lesion,) = measured(make_scan([ball(-50.0, 0.0, 0.0, 25.0)], grid=THIN))
    assert re.search(r"consistent with T\w+ by size alone \(TNM 9th edition\)", lesion.tnm.text)
    assert lesion.tnm.text.endswith(NOT_ASSESSED)


def test_twenty_lesions_in_300_slices_take_little_time(scan_of):
    z, y, x = np.ogrid[-15:16, -15:16, -15:16]
    labels = np.zeros((300, 512, 512), np.uint8)
    labels[30:270, 100:400, 60:230], labels[30:270, 100:400, 280:450] = 1, 2
    for i in range(20):
        corner = (40 + 50 * (i // 5), 110 + 55 * (i % 5), 100 if i % 2 else 320)
        inside = z**2 + y**2 + x**2 <= (8 + i % 8) ** 2
        labels[tuple(slice(c, c + 31) for c in corner)][inside] = 3 + i
    scan = scan_of(labels, np.array([[0, 0, 0.7, -180], [0, 0.7, 0, -180], [1, 0, 0, -150], [0, 0, 0, 1.0]]))
    begin = time.process_time()
    assert len(measured(scan)) == 20
    assert time.process_time() - begin < 6.0  # 1.5 s where nothing else runs; a shared machine counts double and more


def test_a_lesion_of_the_whole_label_range_is_found(scan_of):
    labels = np.zeros((9, 30, 30), np.uint8)
    labels[3:6, 10:20, 10:20] = 255
    scan = scan_of(labels, np.eye(4)[[2, 1, 0, 3]])
    segments = tuple(s for s in scan.segmentation.segments if s.label == 255)
    (lesion,) = measure_lesions(scan.volume, replace(scan.segmentation, segments=segments), ())
    assert lesion.n_voxels == 300
