"""A lesion model on a whole scan, through the contract: found, marked, uncertain or dropped, the same every time."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from node.errors import Code, Misconfigured, Refusal
from node.learn.export_lesions import join
from node.learn.model_toml import write_toml
from node.phantom.phantom import Nodule, NoduleKind
from node.segment.contract import LungDefinition, SegmentKind
from node.segment.lesions import net
from node.segment.lesions.confidence import read_confidence
from node.segment.lesions.model import ENSEMBLE
from node.segment.lesions.sureness import Sureness
from node.segment.registry import find, load_lesions, verify
from node.segment.whole import LungsThenLesions, identities_of, without_lungs
from node.segment.working_grid import working_grid
from tests.lesions.conftest import LUNGS, calibrated, lungs_of, sharp, volume_of

RIGHT = Nodule((-92.0, -28.0, 20.0), 16.0)
LEFT = Nodule((88.0, 30.0, -40.0), 24.0)
WALL = Nodule((-134.0, 0.0, -30.0), 20.0, NoduleKind.JUXTAPLEURAL)


def listed(found):
    return [s for s in found.segments if s.kind is SegmentKind.LESION]


def overlapped(found, phantom, number):
    """Return which lesions lie on the phantom's nodule of this number."""
    truth = phantom.labels_zyx == 3 + number
    return [s for s in listed(found) if (found.labels_zyx[truth] == s.label).any()]


def found_by(models, volume, lungs):
    """Return the marks of `dense` on a volume."""
    finder = load_lesions("dense", models).finder
    grid = working_grid(volume.hu_zyx.shape, volume.lps_from_zyx)
    return finder.find(np.ascontiguousarray(grid.turned(volume.hu_zyx)), lungs, grid).marks


def test_nodules_in_both_lungs_are_found_and_no_voxel_is_lung_and_lesion(rule_model, chest):
    phantom = chest(RIGHT, LEFT)
    lungs = lungs_of(phantom)

    found = load_lesions("dense", rule_model()).find(volume_of(phantom), lungs)

    assert not isinstance(found, Refusal)
    assert len(overlapped(found, phantom, 0)) == 1
    assert len(overlapped(found, phantom, 1)) == 1
    assert {s.kind for s in found.segments[:2]} == {SegmentKind.RIGHT_LUNG, SegmentKind.LEFT_LUNG}
    assert [s.label for s in listed(found)] == list(range(3, 3 + len(listed(found))))
    assert found.definition is LungDefinition.WITHOUT_LESIONS
    assert found.models[-1].name == "dense"
    counts = [int((found.labels_zyx == s.label).sum()) for s in listed(found)]
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize("flip", [(False, False, False), (True, False, True)], ids=["feet first up", "turned"])
def test_a_nodule_covers_the_same_place_whatever_way_the_scan_was_stored(rule_model, chest, flip):
    phantom = chest(RIGHT)
    lungs, volume = lungs_of(phantom), volume_of(phantom)
    turn = tuple(slice(None, None, -1 if f else 1) for f in flip)
    matrix = volume.lps_from_zyx.copy()
    for axis, f in enumerate(flip):
        if f:
            matrix[:3, 3] += matrix[:3, axis] * (volume.hu_zyx.shape[axis] - 1)
            matrix[:3, axis] *= -1
    turned = replace(volume, hu_zyx=np.ascontiguousarray(volume.hu_zyx[turn]), lps_from_zyx=matrix)
    lungs = replace(lungs, labels_zyx=np.ascontiguousarray(lungs.labels_zyx[turn]))

    found = load_lesions("dense", rule_model()).find(turned, lungs)

    truth = phantom.labels_zyx[turn] == 3
    marked = found.labels_zyx >= 3
    assert (
        2.0
        * (truth & marked).sum()
        / (truth.sum() + (marked & (found.labels_zyx == found.labels_zyx[truth].max())).sum())
        > 0.6
    )


def test_marks_that_are_nowhere_sure_enough_are_left_out(rule_model, chest, tmp_path):
    phantom = chest(RIGHT, LEFT)
    lungs, volume = lungs_of(phantom), volume_of(phantom)
    peaks = sorted(mark.shape.p_max for mark in found_by(rule_model(), volume, lungs))
    between = (peaks[0] + peaks[-1]) / 2.0

    kept = found_by(rule_model(folder=tmp_path / "sure", peak=between), volume, lungs)

    assert peaks[0] < between
    assert [mark.shape.p_max for mark in kept if mark.shape.p_max < between] == []
    assert len(kept) == sum(peak >= between for peak in peaks)


def test_the_same_scan_twice_gives_the_same_bits(rule_model, chest):
    phantom = chest(RIGHT, LEFT)
    model = load_lesions("dense", rule_model(tiles="seeds"))

    one, other = (model.find(volume_of(phantom), lungs_of(phantom)) for _ in range(2))

    assert (one.labels_zyx == other.labels_zyx).all()
    assert one.segments == other.segments


def test_a_nodule_on_the_wall_is_searched_too(rule_model, chest):
    phantom = chest(WALL)
    found = load_lesions("dense", rule_model(threshold=0.5)).finder.find(
        np.ascontiguousarray(volume_of(phantom).hu_zyx), lungs_of(phantom), grid_of(phantom)
    )
    assert (found.area.region & (phantom.labels_zyx == 3)).sum() > 0.9 * (phantom.labels_zyx == 3).sum()
    assert not (found.area.region & (phantom.hu_zyx < -1000)).all()


def test_without_a_nodule_the_lungs_stay_what_they_were(rule_model, chest):
    phantom = chest()
    quiet = phantom.hu_zyx.copy()
    quiet[phantom.labels_zyx > 0] = -850
    quiet[phantom.labels_zyx == 0] = -900
    lungs = lungs_of(phantom)

    found = load_lesions("dense", rule_model()).find(volume_of(phantom, quiet), lungs)

    assert listed(found) == []
    assert found.definition is lungs.definition
    assert (found.labels_zyx == lungs.labels_zyx).all()


def test_a_model_without_a_calibration_lists_every_lesion_as_uncertain_and_says_so(rule_model, chest):
    found = load_lesions("dense", rule_model()).find(volume_of(chest(RIGHT)), lungs_of(chest(RIGHT)))

    assert all(s.is_uncertain and s.confidence is None for s in listed(found))
    assert any(r.code is Code.SEG_UNSURE and "calibrated" in r.text for r in found.reasons)


def test_below_the_confidence_a_lesion_is_uncertain_or_dropped_by_setting(rule_model, chest):
    phantom = chest(RIGHT, LEFT)
    models = rule_model()
    calibrated(models / "dense", sharp(log_mm3=2.0, bias=-16.8))  # half at exp(8.4) = 4447 mm3: between the two nodules

    def find(sureness):
        return load_lesions("dense", models, sureness=sureness).find(volume_of(phantom), lungs_of(phantom))

    as_told, strict, dropped = find(Sureness()), find(Sureness(0.999999)), find(Sureness(drop=True))
    (small,), (large,) = overlapped(as_told, phantom, 0), overlapped(as_told, phantom, 1)
    assert small.is_uncertain
    assert not large.is_uncertain
    assert large.confidence > 0.5 > small.confidence
    assert overlapped(strict, phantom, 1)[0].is_uncertain
    assert overlapped(dropped, phantom, 0) == []
    assert len(overlapped(dropped, phantom, 1)) == 1


def test_a_hazy_mark_is_never_sure_and_says_why(rule_model, chest):
    phantom = chest(RIGHT, LEFT)
    hu = np.where(phantom.labels_zyx == 3, np.int16(-350), phantom.hu_zyx)  # the right one: below -300 HU throughout
    models = rule_model(threshold=0.02)
    calibrated(models / "dense", sharp(bias=3.0))

    def find(sureness):
        return load_lesions("dense", models, sureness=sureness).find(volume_of(phantom, hu), lungs_of(phantom))

    as_told, dropped = find(Sureness()), find(Sureness(drop=True))
    (hazy,), (dense,) = overlapped(as_told, phantom, 0), overlapped(as_told, phantom, 1)
    assert hazy.confidence > 0.9
    assert "100 % of its inside is hazy" in hazy.doubt
    assert dense.doubt is None
    assert overlapped(dropped, phantom, 0) == []
    assert len(overlapped(dropped, phantom, 1)) == 1


def test_a_candidate_outside_the_measured_limits_is_no_lesion(rule_model, chest):
    phantom = chest(RIGHT)
    models = rule_model()
    limits = {"log_mm3": (20.0, 30.0)}
    calibrated(models / "dense", replace(sharp(), limits=limits))

    found = load_lesions("dense", models).find(volume_of(phantom), lungs_of(phantom))

    assert listed(found) == []
    assert read_confidence(models / "dense").limits == limits


def test_marks_that_fill_the_lungs_are_doubted(rule_model, chest):
    phantom = chest()
    full = phantom.hu_zyx.copy()
    z, y, x = np.nonzero(phantom.labels_zyx == 1)
    full[z, y, x] = 20

    found = load_lesions("dense", rule_model()).find(volume_of(phantom, full), lungs_of(phantom))

    assert any(r.code is Code.SEG_UNSURE and "fill" in r.text for r in found.reasons)


def test_memory_that_does_not_suffice_halves_the_batch_and_changes_no_bit(rule_model, chest, monkeypatch):
    phantom = chest(RIGHT)
    model = load_lesions("dense", rule_model())
    whole = model.find(volume_of(phantom), lungs_of(phantom))
    forward, sizes = net.LesionNet._forward, []

    def small(self, x):
        sizes.append(len(x))
        if len(x) > 2:
            raise MemoryError
        return forward(self, x)

    monkeypatch.setattr(net.LesionNet, "_forward", small)
    again = model.find(volume_of(phantom), lungs_of(phantom))

    assert sizes[:3] == [8, 4, 2]
    assert (again.labels_zyx == whole.labels_zyx).all()


def test_not_even_one_slice_is_a_matter_of_memory(rule_model, chest, monkeypatch):
    def none(self, x):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(net.LesionNet, "_forward", none)
    with pytest.raises(MemoryError, match="smaller model"):
        load_lesions("dense", rule_model()).find(volume_of(chest(RIGHT)), lungs_of(chest(RIGHT)))


def test_little_free_memory_makes_smaller_batches(rule_model, monkeypatch):
    one = load_lesions("dense", rule_model()).finder.nets[0]
    monkeypatch.setattr(net, "available_bytes", lambda: 10)
    assert one._batch(256 * 256, 8) == 1
    monkeypatch.setattr(net, "available_bytes", lambda: 1 << 40)
    assert one._batch(256 * 256, 8) == 8


def test_an_ensemble_is_the_mean_of_its_members_and_has_a_digest_over_all(rule_model, chest):
    models = rule_model()
    rule_model("twin", models)
    join("both", [verify(name, models) for name in ("dense", "twin")], models)

    alone, both = load_lesions("dense", models), load_lesions("both", models)

    phantom = chest(RIGHT)
    assert (
        both.find(volume_of(phantom), lungs_of(phantom)).labels_zyx
        == alone.find(volume_of(phantom), lungs_of(phantom)).labels_zyx
    ).all()
    before = both.identity.digest
    told = json.loads((models / "twin" / "training.json").read_text())
    (models / "twin" / "training.json").write_text(json.dumps(told | {"seed": 5}))
    with pytest.raises(Misconfigured):
        load_lesions("both", models)
    assert before not in (alone.identity.digest, find("both", models).digest)


def test_an_ensemble_of_itself_or_of_lungs_is_refused(rule_model):
    models = rule_model()
    head = {
        "name": "odd",
        "version": "1",
        "title": "x",
        "licence": "CC BY 4.0",
        "kind": "ensemble",
        "algorithm": ENSEMBLE,
    }
    (models / "odd").mkdir()
    write_toml(models / "odd", head, {"members": "odd, dense"})
    with pytest.raises(Misconfigured):
        load_lesions("odd", models)


def test_a_model_for_another_program_or_task_is_refused(rule_model):
    models = rule_model()
    text = (models / "dense" / "model.toml").read_text()
    (models / "dense" / "model.toml").write_text(text.replace('algorithm = "unet/1"', 'algorithm = "unet/0"'))
    with pytest.raises(Misconfigured):
        load_lesions("dense", models)
    (models / "dense" / "model.toml").write_text(text.replace('["lesions"]', '["nodules"]'))
    with pytest.raises(Misconfigured):
        load_lesions("dense", models)


class Outlined:
    """A lung model that knows its phantom."""

    identity = LUNGS

    def __init__(self, phantom):
        self._phantom = phantom

    def segment(self, volume):
        return lungs_of(self._phantom)


def test_a_route_without_lungs_keeps_the_lesions_alone(rule_model, chest):
    phantom = chest(RIGHT)
    both = LungsThenLesions(Outlined(phantom), load_lesions("dense", rule_model()))

    found = both.segment(volume_of(phantom))
    alone = without_lungs(found)

    assert [one.name for one in identities_of(both)] == ["lungs-outlined", "dense"]
    assert {s.kind for s in alone.segments} == {SegmentKind.LESION}
    assert ((alone.labels_zyx > 0) == (found.labels_zyx > 2)).all()


def grid_of(phantom):
    return working_grid(phantom.hu_zyx.shape, phantom.grid.lps_from_zyx)
