"""Nodules drawn anew: the whole nodule where only a part was marked, and what stays as it was found."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from node.errors import Misconfigured
from node.learn.export_lesions import join
from node.learn.lesion_finders import seen_of
from node.learn.lesion_trained import answering
from node.learn.scan_judge import find, grid_of, lungs_of, marks_of
from node.learn.scans import scans
from node.segment.ensemble import needs_of
from node.segment.lesions.candidates import tight
from node.segment.lesions.cube_net import CubeNet
from node.segment.lesions.mark import Mark
from node.segment.lesions.model import load_outliner
from node.segment.lesions.outliner import Outliner
from node.segment.lesions.shape import Shape
from node.segment.lesions.sureness import AS_THE_MODEL_SAYS
from node.segment.networks.logits import Logits
from node.segment.preprocess.lesion_recipes import recipe
from node.segment.registry import find as card_of
from node.segment.registry import load_lesions, load_lungs, verify
from node.segment.runtime import runtime
from tests.lesions.conftest import lungs_of as outlined_lungs
from tests.lesions.conftest import rule_cubes, volume_of
from tests.lesions.test_lesion_model import RIGHT
from tests.lesions.test_scan_commands import models, volumes  # noqa: F401  fixtures

CPU = runtime("cpu", "fp32")
MM = (2.5, 0.8, 0.8)


class DenseIsNodule(torch.nn.Module):
    """Says nodule above -300 HU."""

    def forward(self, x: torch.Tensor) -> Logits:
        return Logits(40.0 * (x[:, :1] - 0.5))


@pytest.fixture
def outliner() -> Outliner:
    return Outliner(CubeNet(DenseIsNodule(), recipe("unit"), CPU, flips=False))


def scan(*balls: tuple[tuple[float, float, float], float], shape=(48, 160, 160), mm=MM):
    """Return lung with dense balls (middle in mm, radius in mm), and each ball's mask."""
    z, y, x = np.meshgrid(*(np.arange(n) * s for n, s in zip(shape, mm, strict=True)), indexing="ij")
    masks = [
        (z - cz) ** 2 + (y - cy) ** 2 + (x - cx) ** 2 <= radius**2 for (cz, cy, cx), radius in balls
    ]  # fmt: skip
    hu = np.full(shape, -850, np.int16)
    for mask in masks:
        hu[mask] = 40
    return hu, masks


def marked(mask) -> Mark:
    return Mark(
        tight(mask, tuple(slice(0, n) for n in mask.shape)), Shape(*[0.5] * len(Shape.__dataclass_fields__)), 0.9
    )


def whole(mark, shape):
    mask = np.zeros(shape, bool)
    mask[mark.candidate.box] = mark.candidate.mask
    return mask


def dice(a, b):
    return 2.0 * (a & b).sum() / (a.sum() + b.sum())


@pytest.mark.parametrize("mm", [(2.5, 0.8, 0.8), (1.0, 0.6, 0.6), (3.0, 1.9, 1.9)])
def test_half_a_nodule_is_drawn_whole_and_keeps_its_confidence(outliner, mm):
    at = tuple(n * s / 2.0 for n, s in zip((48, 160, 160), mm, strict=True))
    hu, (ball,) = scan((at, 9.0), mm=mm)
    half = ball.copy()
    half[:, :, : 160 // 2] = False

    (new,) = outliner.outlined([marked(half)], hu, mm, None)

    assert dice(half, ball) < 0.75
    assert dice(whole(new, hu.shape), ball) > 0.9
    assert new.confidence == 0.9


def test_a_mark_with_a_rim_of_lung_loses_it(outliner):
    hu, (ball, loose) = scan(((60.0, 64.0, 64.0), 8.0), ((60.0, 64.0, 64.0), 12.0))
    hu[loose & ~ball] = -850

    (new,) = outliner.outlined([marked(loose)], hu, MM, None)

    assert dice(whole(new, hu.shape), ball) > 0.9


def test_what_is_no_nodule_for_it_stays_as_it_was_found(outliner):
    mass, (large,) = scan(((60.0, 64.0, 64.0), 27.0))
    rod = np.full(mass.shape, -850, np.int16)
    rod[:, 76:84, 76:84] = 40  # a vessel through all slices
    part = np.zeros(rod.shape, bool)
    part[20:24, 76:84, 76:84] = True
    empty = np.full(mass.shape, -850, np.int16)
    speck, (little, much) = scan(((60.0, 64.0, 64.0), 4.0), ((60.0, 64.0, 64.0), 12.0))
    speck[much & ~little] = -850

    for hu, mask in ((mass, large), (rod, part), (empty, part), (speck, much)):
        old = marked(mask)
        assert outliner.outlined([old], hu, MM, None) == (old,)


@pytest.mark.parametrize("radius_mm", [4.0, 14.0, 20.0, 24.0])
def test_a_cube_is_never_larger_than_memory_is_meant_for(radius_mm):
    sides = []

    class Seen(DenseIsNodule):
        def forward(self, x: torch.Tensor) -> Logits:
            sides.append(tuple(x.shape[2:]))
            return super().forward(x)

    mm = (0.6, 0.5, 0.5)
    hu, (ball,) = scan(((30.0, 40.0, 40.0), radius_mm), shape=(100, 160, 160), mm=mm)
    most = ball.copy()
    most[:, :, :50] = False

    (new,) = Outliner(CubeNet(Seen(), recipe("unit"), CPU, flips=False)).outlined([marked(most)], hu, mm, None)

    (side,) = sides
    assert 32 <= side[0] == side[1] == side[2] <= 96
    assert dice(whole(new, hu.shape), ball) > 0.9


def test_a_mass_loses_what_leans_on_it_and_is_never_asked_about(outliner):
    hu, (mass,) = scan(((60.0, 64.0, 64.0), 27.0))
    leaning = mass.copy()
    leaning[23:26, 78:82, 80:150] = True

    (new,) = outliner.outlined([marked(leaning)], hu, MM, None)

    assert dice(whole(new, hu.shape), mass) > 0.99
    assert not whole(new, hu.shape)[:, :, 130:].any()


def test_a_nodule_at_the_end_of_the_scan_stays_as_it_was_found(outliner):
    hu, (cut,) = scan(((0.0, 64.0, 64.0), 8.0))
    old = marked(cut)
    assert outliner.outlined([old], hu, MM, None) == (old,)


def test_a_mark_that_is_hardly_a_lesion_stays_as_it_was_found(outliner):
    hu, (ball,) = scan(((60.0, 64.0, 64.0), 9.0))
    half = ball.copy()
    half[:, :, 80:] = False
    unlikely, unknown = (replace(marked(half), confidence=p) for p in (0.59, None))

    assert outliner.outlined([unlikely], hu, MM, None) == (unlikely,)
    (new,) = outliner.outlined([unknown], hu, MM, None)
    assert dice(whole(new, hu.shape), ball) > 0.9


def test_a_nodule_in_thick_slices_stays_as_it_was_found(outliner):
    thick = (6.0, 0.8, 0.8)
    hu, (ball,) = scan(((60.0, 64.0, 64.0), 9.0), mm=thick)
    half = ball.copy()
    half[:, :, 80:] = False
    old = marked(half)
    assert outliner.outlined([old], hu, thick, None) == (old,)


def test_two_marks_never_share_a_voxel(outliner):
    hu, (one, other) = scan(((60.0, 60.0, 64.0), 8.0), ((60.0, 72.0, 64.0), 8.0))
    first, second = marked(one & ~other), marked(other & ~one)

    drawn = outliner.outlined([first, second], hu, MM, None)

    masks = [whole(mark, hu.shape) for mark in drawn]
    assert not (masks[0] & masks[1]).any()
    assert {id(mark) for mark in drawn} == {id(first), id(second)}  # either would reach into the other


def test_the_aorta_is_never_nodule_and_the_most_voluminous_comes_first(outliner):
    hu, (small, large) = scan(((60.0, 40.0, 64.0), 6.0), ((60.0, 90.0, 64.0), 9.0))
    speck = np.zeros(hu.shape, bool)
    speck[22:27, 105:120, 78:90] = True
    aorta = np.zeros(hu.shape, bool)
    aorta[:, :, :78] = True

    drawn = outliner.outlined([marked(small), marked(speck)], hu, MM, aorta)

    masks = [whole(mark, hu.shape) for mark in drawn]
    assert dice(masks[0], large & ~aorta) > 0.9
    assert not (masks[0] & aorta).any()
    assert not (masks[1] & aorta).any()


class LeftOfIt(torch.nn.Module):
    """Says of each voxel what lies one voxel to its right in the picture."""

    def forward(self, x: torch.Tensor) -> Logits:
        return Logits(40.0 * (torch.cat((x[:, :1, ..., 1:], x[:, :1, ..., -1:]), -1) - 0.5))


@pytest.mark.parametrize("flips", [False, True])
def test_a_cube_is_answered_whole_and_with_its_mirror_image_put_back(flips):
    hu = np.random.default_rng(0).integers(-1000, 300, (8, 9, 10)).astype(np.int16)
    unit = np.clip((hu.astype(np.float32) + 1000.0) / 1400.0, 0.0, 1.0)
    said = 1.0 / (1.0 + np.exp(-40.0 * (unit - 0.5)))
    right, left = (np.roll(said, step, -1) for step in (-1, 1))
    inner = np.s_[..., 1:-1]

    p = CubeNet(LeftOfIt(), recipe("unit"), CPU, flips=flips).of_cube(hu)

    assert p.shape == hu.shape
    expected = (right + left) / 2 if flips else right
    assert np.abs(p[inner] - expected[inner]).max() < 1e-4


@pytest.fixture
def drawing(rule_model):
    """Two networks that find from -250 HU, one that draws from -500 HU, and both together."""
    folder = rule_model()
    rule_model("twin", folder)
    rule_cubes("outlines", folder, -500.0)
    join("plain", [verify(name, folder) for name in ("dense", "twin")], folder)
    join("drawn", [verify(name, folder) for name in ("dense", "twin")], folder, outlines=verify("outlines", folder))
    return folder


def test_a_model_whose_card_names_outlines_draws_by_them(drawing, chest):
    phantom = chest(RIGHT)
    truth = phantom.labels_zyx == 3
    hazy = truth.copy()
    hazy[:, :, int(np.argwhere(truth)[:, 2].mean()) :] = False
    hu = np.where(hazy, np.int16(-380), phantom.hu_zyx)

    def found(name):
        model = load_lesions(name, drawing)
        one = model.find(volume_of(phantom, hu), outlined_lungs(phantom))
        label = np.bincount(one.labels_zyx[truth], minlength=4)[3:].argmax() + 3
        return model.identity.digest, dice(one.labels_zyx == label, truth)

    (plain_digest, plain), (drawn_digest, drawn) = found("plain"), found("drawn")

    assert plain < 0.87
    assert drawn > 0.95
    assert plain_digest != drawn_digest
    assert needs_of(card_of("drawn", drawing)) == ("dense", "twin", "outlines")


def test_outlines_by_what_draws_none_or_is_missing_are_refused(drawing):
    for name in ("dense", "drawn", "absent"):
        text = (drawing / "drawn" / "model.toml").read_text()
        (drawing / "drawn" / "model.toml").write_text(text.replace('outlines = "outlines"', f'outlines = "{name}"'))
        with pytest.raises(Misconfigured) as refused:
            load_lesions("drawn", drawing)
        assert refused.value.code == "SYS-MODEL"
        (drawing / "drawn" / "model.toml").write_text(text)
    with pytest.raises(Misconfigured):
        load_lesions("outlines", drawing)


def test_a_network_of_slices_draws_no_outlines(drawing):
    text = (drawing / "dense" / "model.toml").read_text()
    (drawing / "dense" / "model.toml").write_text(text.replace('["lesions"]', '["nodules"]'))

    with pytest.raises(Misconfigured, match="whole cubes") as refused:
        load_outliner(verify("dense", drawing), CPU)
    assert refused.value.code == "SYS-MODEL"


def test_who_the_outlines_were_learnt_from_is_judged_by_marks_as_they_were_found(drawing, volumes):  # noqa: F811
    (one,) = scans(volumes, frozenset({"val"}))
    seen = seen_of("drawn", drawing, CPU)
    found = find(one, lungs_of(one, load_lungs("lungs-rule")), seen.finder)
    told = json.loads((drawing / "outlines" / "training.json").read_text())
    assert seen.finder.outliner.train_cases == frozenset(told["train_cases"])
    assert one.case not in seen.train_cases

    def drawn(cases, **more):
        seen.finder.outliner.train_cases = frozenset(cases)
        return marks_of(one, found, seen.finder, AS_THE_MODEL_SAYS, **more)

    as_found = drawn({one.case})
    seen.finder.outliner._threshold = 0.01  # more than what was found
    assert {mark.candidate.n_voxels for mark in as_found} == {mark.candidate.n_voxels for mark in found.marks}
    new, remembered = drawn(set()), drawn({one.case}, seen=True)
    assert sum(mark.candidate.n_voxels for mark in new) > sum(mark.candidate.n_voxels for mark in as_found)
    assert [mark.candidate.n_voxels for mark in remembered] == [mark.candidate.n_voxels for mark in new]


def test_a_network_for_outlines_is_judged_on_cubes_but_not_on_scans(drawing):
    (one,) = answering("outlines", drawing, CPU)
    assert one.name == "outlines"
    with pytest.raises(Misconfigured) as refused:
        seen_of("outlines", drawing, CPU)
    assert "judge-lesions" in str(refused.value)


@pytest.mark.data
def test_what_is_shipped_draws_nodules_and_a_cavity_that_it_never_saw_as_readers_do(data_dir):
    (one,) = scans(data_dir / "vol3d", frozenset({"val"}), frozenset({"LIDC-IDRI-1011"}))
    shipped = load_outliner(verify("nodules-cubes"), CPU)
    assert not one.is_of(shipped.train_cases)
    grid = grid_of(one)
    hu = np.ascontiguousarray(grid.turned(one.volume.hu_zyx))
    lesions = [grid.turned(known.mask_zyx) for known in one.known if known.counts]
    loose = [marked(ndimage.binary_dilation(mask)) for mask in lesions]

    drawn = shipped.outlined(loose, hu, grid.full_spacing_mm, None)

    assert len(lesions) == 3
    for mask in lesions:
        before, after = (max(dice(whole(one, hu.shape), mask) for one in marks) for marks in (loose, drawn))
        assert before < 0.83
        assert after > 0.835
    assert max(dice(whole(mark, hu.shape), lesions[1]) for mark in drawn) > 0.9
    again = shipped.outlined(loose, hu, grid.full_spacing_mm, None)
    assert all((a.candidate.mask == b.candidate.mask).all() for a, b in zip(drawn, again, strict=True))
