"""The checks that need a mask: each fires where it should, and stays silent on a sound chest."""

import numpy as np
import pytest

from node.errors import Affects, Code, Refusal, Severity
from node.measure.chest import chest_of
from node.measure.plausible import unsure_texts
from node.measure.quality import check_quality
from node.phantom.grid import grid_at
from node.phantom.simple import make_asymmetric
from node.segment.contract import LungDefinition, Segment, Segmentation, SegmentKind
from node.segment.rules import lung_labels

SEGMENTS = (Segment(1, SegmentKind.RIGHT_LUNG, "Right lung"), Segment(2, SegmentKind.LEFT_LUNG, "Left lung"))


def segmented(labels, unsure=()):
    lungs = np.where(labels > 2, 0, labels).astype(np.uint8)
    present = tuple(segment for segment in SEGMENTS if (lungs == segment.label).any())
    return Segmentation(lungs, present, LungDefinition.WITH_LESIONS, (), unsure=unsure)


def checked(volume, segmentation):
    return check_quality(volume, segmentation, chest_of(volume, segmentation))


def codes(answer):
    return {reason.code for reason in (answer.reasons if isinstance(answer, Refusal) else answer)}


@pytest.fixture
def chest(thorax, as_volume):
    """A sound chest: volume and labels, free to be changed."""
    phantom = thorax()
    return as_volume(phantom.hu_zyx.copy(), phantom.grid.lps_from_zyx), phantom.labels_zyx.copy()


def changed(as_volume, volume, hu):
    return as_volume(hu, volume.lps_from_zyx)


def test_a_sound_chest_gives_no_reason(chest):
    volume, labels = chest
    assert checked(volume, segmented(labels)) == ()


def test_no_mask_is_refused_as_empty(chest):
    volume, labels = chest
    answer = checked(volume, segmented(np.zeros_like(labels)))
    assert isinstance(answer, Refusal)
    assert answer.leading.code is Code.SEG_EMPTY


def test_a_volume_below_half_a_litre_is_refused(chest):
    volume, labels = chest
    z = np.nonzero(labels.any(axis=(1, 2)))[0]
    labels[: z[len(z) // 2]] = 0
    labels[z[len(z) // 2] + 2 :] = 0
    answer = checked(volume, segmented(labels))
    assert isinstance(answer, Refusal)
    assert answer.leading.code is Code.SEG_IMPLAUS


def test_a_volume_above_twelve_litres_is_refused(chest, as_volume):
    volume, labels = chest
    larger = volume.lps_from_zyx * np.array([1.7, 1.7, 1.7, 1.0])
    answer = checked(as_volume(volume.hu_zyx, larger), segmented(labels))
    assert isinstance(answer, Refusal)
    assert answer.leading.code is Code.SEG_IMPLAUS


def test_a_small_volume_is_explained_by_a_scan_that_cuts_the_lungs_off(chest, as_volume):
    volume, labels = chest
    z = np.nonzero(labels.any(axis=(1, 2)))[0]
    few = slice(int(z[len(z) // 2]), int(z[len(z) // 2]) + 3)
    answer = checked(as_volume(volume.hu_zyx[few], volume.lps_from_zyx), segmented(labels[few]))
    assert codes(answer) == {Code.GEO_PARTIAL}


@pytest.mark.parametrize("counted", ["towards the head", "towards the feet"])
@pytest.mark.parametrize("end", ["lowest", "highest"])
def test_lungs_at_an_end_slice_are_partial_and_the_end_is_named_by_the_patient(chest, as_volume, end, counted):
    volume, labels = chest
    middle = len(labels) // 2
    part = slice(middle, None) if end == "lowest" else slice(None, middle)
    hu, found, lps_from_zyx = volume.hu_zyx[part], labels[part], volume.lps_from_zyx.copy()
    if counted == "towards the feet":
        hu, found = hu[::-1], found[::-1]
        lps_from_zyx[:3, 3] += lps_from_zyx[:3, 0] * (len(labels) - 1)
        lps_from_zyx[:3, 0] *= -1
    answer = checked(as_volume(hu, lps_from_zyx), segmented(found))
    reason = next(r for r in answer if r.code is Code.GEO_PARTIAL)
    assert f"the {end} slice" in reason.text


def test_cut_off_lungs_lose_density_and_its_mean_but_no_volume(chest, as_volume):
    volume, labels = chest
    part = slice(len(labels) // 2, None)
    answer = checked(as_volume(volume.hu_zyx[part], volume.lps_from_zyx), segmented(labels[part]))
    assert next(r for r in answer if r.code is Code.GEO_PARTIAL).affects == (Affects.DENSITY, Affects.MEAN_DENSITY)


def test_lungs_at_the_side_of_the_picture_are_partial(chest, as_volume):
    volume, labels = chest
    lungs = np.nonzero(labels.any(axis=(0, 1)))[0]
    part = slice(int(lungs[0]) + 10, None)
    answer = checked(as_volume(volume.hu_zyx[:, :, part], volume.lps_from_zyx), segmented(labels[:, :, part]))
    assert Code.GEO_PARTIAL in codes(answer)


def test_lungs_at_the_border_of_a_round_field_of_view_are_partial(chest, as_volume):
    volume, labels = chest
    lungs = np.argwhere(labels.any(axis=0))
    y, x = np.ogrid[: labels.shape[1], : labels.shape[2]]
    centre = lungs.mean(axis=0)
    outside = np.hypot(y - centre[0], x - centre[1]) > 0.4 * np.ptp(lungs[:, 1])
    hu = np.where(outside, -1024, volume.hu_zyx).astype(np.int16)
    answer = checked(changed(as_volume, volume, hu), segmented(np.where(outside, 0, labels)))
    assert Code.GEO_PARTIAL in codes(answer)


@pytest.mark.parametrize("lost", [1, 2], ids=["right", "left"])
def test_a_missing_lung_is_asymmetric(chest, lost):
    volume, labels = chest
    labels[labels == lost] = 0
    reason = next(r for r in checked(volume, segmented(labels)) if r.code is Code.SEG_ASYM)
    assert reason.severity is Severity.WARN


@pytest.mark.parametrize(("share", "asymmetric"), [(0.1, True), (0.5, False)])
def test_a_missing_lung_is_explained_only_by_a_scan_that_cuts_through_the_other(chest, as_volume, share, asymmetric):
    volume, labels = chest
    labels[labels == 2] = 0
    areas = np.count_nonzero(labels == 1, axis=(1, 2))
    first = int(np.flatnonzero(areas >= share * areas.max())[0])
    answer = checked(as_volume(volume.hu_zyx[first:], volume.lps_from_zyx), segmented(labels[first:]))
    assert Code.GEO_PARTIAL in codes(answer)
    assert (Code.SEG_ASYM in codes(answer)) is asymmetric


def test_a_small_lung_is_asymmetric(chest):
    volume, labels = chest
    z = np.nonzero((labels == 2).any(axis=(1, 2)))[0]
    labels[z[len(z) // 5] :][labels[z[len(z) // 5] :] == 2] = 0
    assert Code.SEG_ASYM in codes(checked(volume, segmented(labels)))


def test_asymmetric_lungs_and_the_models_doubts_make_a_series_unsure(chest):
    volume, labels = chest
    labels[labels == 2] = 0
    found = segmented(labels, unsure=("the models disagree",))
    texts = unsure_texts(found, checked(volume, found))
    assert [text.split(":")[0] for text in texts] == ["the models disagree", "no left lung was found"]


def test_a_doubt_of_the_model_withholds_density_and_volumes(chest):
    volume, labels = chest
    (reason,) = checked(volume, segmented(labels, unsure=("learned and rule-based lungs disagree",)))
    assert (reason.code, set(reason.affects)) == (
        Code.SEG_UNSURE,
        {Affects.DENSITY, Affects.MEAN_DENSITY, Affects.VOLUMES},
    )


def test_contrast_is_seen_in_the_aorta_whatever_the_tags_say(thorax, as_volume):
    phantom = thorax(contrast=True)
    answer = checked(as_volume(phantom.hu_zyx, phantom.grid.lps_from_zyx), segmented(phantom.labels_zyx))
    assert codes(answer) == {Code.ACQ_CONTRAST}


def test_noise_in_the_windpipe_is_low_dose(thorax, as_volume):
    phantom = thorax(noise_hu=90.0)
    answer = checked(as_volume(phantom.hu_zyx, phantom.grid.lps_from_zyx), segmented(phantom.labels_zyx))
    assert Code.ACQ_LOWDOSE in codes(answer)


def test_metal_between_the_lungs_is_told(chest):
    volume, labels = chest
    z = len(labels) // 2
    volume.hu_zyx[z : z + 2, 78:82, 78:82] = 3071
    assert codes(checked(volume, segmented(labels))) == {Code.ACQ_METAL}


def test_metal_outside_the_lungs_region_is_not_told(chest):
    volume, labels = chest
    volume.hu_zyx[0, 78:82, 78:82] = 3071
    assert checked(volume, segmented(labels)) == ()


def test_lungs_without_windpipe_and_ribs_do_not_pass_the_gate(as_volume):
    phantom = make_asymmetric(grid_at((0, 0, 0), (60, 120, 120), (5, 2, 2)))
    answer = checked(as_volume(phantom.hu_zyx, phantom.grid.lps_from_zyx), segmented(phantom.labels_zyx))
    assert isinstance(answer, Refusal)
    assert "no chest" in answer.leading.text


def test_lung_bases_pass_the_gate_by_their_ribs(chest, as_volume):
    volume, labels = chest
    z = np.nonzero(labels.any(axis=(1, 2)))[0]
    bases = slice(0, int(z[0] + 0.45 * len(z)))
    answer = checked(as_volume(volume.hu_zyx[bases], volume.lps_from_zyx), segmented(labels[bases]))
    assert codes(answer) == {Code.GEO_PARTIAL}


@pytest.mark.data
def test_an_abdomen_has_no_lungs(data_dir):
    from node.facts.folder import read_folder  # noqa: PLC0415  only where the data are
    from node.volume.read import read_volume  # noqa: PLC0415

    (series,) = read_folder(data_dir / "odd" / "abdomen-pelvis-ct").series
    volume = read_volume(series)
    assert not isinstance(volume, Refusal)
    labels = lung_labels(volume.hu_zyx, volume.lps_from_zyx)
    answer = checked(volume, segmented(labels))
    assert isinstance(answer, Refusal)
    assert answer.leading.code in {Code.SEG_EMPTY, Code.SEG_IMPLAUS}


@pytest.mark.data
def test_bowel_gas_taken_for_lung_does_not_pass_the_gate(data_dir):
    from node.facts.folder import read_folder  # noqa: PLC0415
    from node.volume.read import read_volume  # noqa: PLC0415

    (series,) = read_folder(data_dir / "odd" / "abdomen-pelvis-ct").series
    volume = read_volume(series)
    assert not isinstance(volume, Refusal)
    gas = np.zeros(volume.hu_zyx.shape, np.uint8)
    body = np.nonzero((volume.hu_zyx > 0).sum(axis=0) > len(gas) // 2)
    inside = tuple(slice(int(axis.min()) + 40, int(axis.max()) - 40) for axis in body)
    gas[:, inside[0], inside[1]] = volume.hu_zyx[:, inside[0], inside[1]] < -500
    gas[:, :, gas.shape[2] // 2 :] *= 2
    answer = checked(volume, segmented(gas))
    assert isinstance(answer, Refusal)
    assert answer.leading.code is Code.SEG_IMPLAUS


@pytest.mark.data
@pytest.mark.parametrize(
    ("folder", "expected"),
    [("lidc-idri-0001", Code.ACQ_CONTRAST), ("lung-dx-a0002-b40f", Code.GEO_PARTIAL)],
)
def test_real_scans_give_the_reason_that_a_person_sees(data_dir, folder, expected):
    from node.facts.folder import read_folder  # noqa: PLC0415
    from node.volume.read import read_volume  # noqa: PLC0415

    volume = read_volume(next(s for s in read_folder(data_dir / "ct" / folder).series if s.first.modality == "CT"))
    assert not isinstance(volume, Refusal)
    assert expected in codes(checked(volume, segmented(lung_labels(volume.hu_zyx, volume.lps_from_zyx))))
