"""The thorax looks like one: right is larger, the heart lies left, nothing is symmetric, truth and picture agree."""

import numpy as np
import pytest
from scipy import ndimage

from node.phantom.grid import Grid
from node.phantom.nodules import choose_nodules
from node.phantom.phantom import FIRST_NODULE, LEFT_LUNG, RIGHT_LUNG, Nodule, NoduleKind, Phantom
from node.phantom.thorax import EMPHYSEMA_HU, make_thorax, thorax_grid


def volume_ml(phantom: Phantom, label: int) -> float:
    return int((phantom.labels_zyx == label).sum()) * phantom.grid.voxel_ml


def hu_at(phantom: Phantom, lps_mm: tuple[float, float, float]) -> int:
    z, y, x = np.rint(np.linalg.inv(phantom.grid.lps_from_zyx) @ np.r_[lps_mm, 1.0])[:3].astype(int)
    return int(phantom.hu_zyx[z, y, x])


@pytest.fixture(scope="module")
def thorax() -> Phantom:
    return make_thorax(thorax_grid(64, 192), noise_hu=0.0, blur_mm=0.0)


def test_both_lungs_have_the_size_of_an_adults(thorax: Phantom) -> None:
    right, left = volume_ml(thorax, RIGHT_LUNG), volume_ml(thorax, LEFT_LUNG)

    assert 2000 < left < right < 3500


def test_the_right_lung_lies_on_the_right(thorax: Phantom) -> None:
    x_of = {label: np.argwhere(thorax.labels_zyx == label)[:, 2].mean() for label in (RIGHT_LUNG, LEFT_LUNG)}

    assert thorax.grid.lps_from_zyx[0, 2] > 0
    assert x_of[RIGHT_LUNG] < x_of[LEFT_LUNG]


def test_organs_lie_where_they_do_in_a_patient(thorax: Phantom) -> None:
    assert 30 < hu_at(thorax, (50.0, -40.0, -80.0)) < 60  # heart, left
    assert hu_at(thorax, (-50.0, -60.0, -80.0)) < -700  # lung at the mirrored place
    assert 50 < hu_at(thorax, (-70.0, 0.0, -150.0)) < 70  # liver, right
    assert hu_at(thorax, (0.0, 10.0, 80.0)) < -950  # trachea
    assert hu_at(thorax, (0.0, 66.0, 3.0)) > 150  # a vertebra
    assert -120 < hu_at(thorax, (0.0, -115.0, 0.0)) < -70  # fat under the skin
    assert hu_at(thorax, (0.0, 126.0, 0.0)) == -620  # table


def test_no_mirror_image_is_the_same(thorax: Phantom) -> None:
    lungs = thorax.labels_zyx > 0
    flips = [lungs[::-1], lungs[:, ::-1], lungs[:, :, ::-1], lungs[:, ::-1, ::-1]]

    assert all((lungs != flipped).mean() > 0.01 for flipped in flips)


def test_the_airways_are_one_connected_tree_of_air_outside_the_lungs(thorax: Phantom) -> None:
    air = (thorax.hu_zyx < -900) & (thorax.labels_zyx == 0)
    components, n = ndimage.label(air)
    z, y, x = np.rint(np.linalg.inv(thorax.grid.lps_from_zyx) @ (0.0, 10.0, 80.0, 1.0))[:3].astype(int)
    windpipe = components == components[z, y, x]
    ends = np.argwhere(windpipe)[:, 2]
    l_mm = thorax.grid.lps_from_zyx[0, 3] + ends * thorax.grid.lps_from_zyx[0, 2]

    assert n >= 2
    assert l_mm.min() < -20
    assert l_mm.max() > 30


def test_vessels_stand_in_the_lungs_as_dense_voxels(thorax: Phantom) -> None:
    dense = [(thorax.hu_zyx[thorax.labels_zyx == label] > -300).mean() for label in (RIGHT_LUNG, LEFT_LUNG)]

    assert all(0.005 < share < 0.08 for share in dense)


def test_the_same_seed_gives_the_same_scan_and_another_seed_another() -> None:
    grid = thorax_grid(16, 64)
    one, again, other = make_thorax(grid, seed=1), make_thorax(grid, seed=1), make_thorax(grid, seed=2)

    np.testing.assert_array_equal(one.hu_zyx, again.hu_zyx)
    assert (one.hu_zyx != other.hu_zyx).any()


def test_noise_has_the_deviation_that_was_asked_for() -> None:
    grid = thorax_grid(16, 64)
    noise = make_thorax(grid, noise_hu=20.0).hu_zyx.astype(float) - make_thorax(grid, noise_hu=0.0).hu_zyx
    in_liver = make_thorax(grid, noise_hu=0.0, blur_mm=0.0).hu_zyx == 58

    assert noise[in_liver].std() == pytest.approx(20.0, rel=0.1)


@pytest.mark.parametrize("frac", [0.1, 0.3])
def test_emphysema_takes_the_share_that_was_asked_for(frac: float) -> None:
    phantom = make_thorax(thorax_grid(48, 96), noise_hu=0.0, blur_mm=0.0, emphysema_frac=frac)
    shares = [(phantom.hu_zyx[phantom.labels_zyx == label] == EMPHYSEMA_HU).mean() for label in (1, 2)]

    assert shares == pytest.approx([frac, frac], abs=0.03)


def test_contrast_brightens_blood_only() -> None:
    grid = thorax_grid(48, 96)
    plain, bright = make_thorax(grid, noise_hu=0.0), make_thorax(grid, noise_hu=0.0, contrast=True)

    assert hu_at(bright, (25.0, 49.0, -60.0)) - hu_at(plain, (25.0, 49.0, -60.0)) > 150
    assert hu_at(bright, (-70.0, 0.0, -150.0)) == hu_at(plain, (-70.0, 0.0, -150.0))


@pytest.mark.parametrize(
    ("kind", "low_hu", "high_hu"),
    [
        (NoduleKind.SOLID, 39, 41),
        (NoduleKind.PART_SOLID, -560, -480),
        (NoduleKind.GROUND_GLASS, -601, -599),
    ],
)
def test_a_nodule_has_its_volume_and_density(kind: NoduleKind, low_hu: float, high_hu: float) -> None:
    nodule = Nodule((-92.0, -28.0, 20.0), 16.0, kind)
    phantom = make_thorax(thorax_grid(160, 256), nodules=[nodule], noise_hu=0.0, blur_mm=0.0)
    inside = phantom.labels_zyx == FIRST_NODULE

    assert phantom.nodules == (nodule,)
    assert inside.sum() * phantom.grid.voxel_ml * 1000 == pytest.approx(4 / 3 * np.pi * 8**3, rel=0.05)
    assert low_hu <= phantom.hu_zyx[inside].mean() <= high_hu


def test_of_a_juxtapleural_nodule_only_the_part_in_the_lung_shows() -> None:
    nodule = Nodule((-136.0, 0.0, -30.0), 20.0, NoduleKind.JUXTAPLEURAL)
    phantom = make_thorax(thorax_grid(160, 192), nodules=[nodule], noise_hu=0.0)
    shown_mm3 = (phantom.labels_zyx == FIRST_NODULE).sum() * phantom.grid.voxel_ml * 1000

    assert 0.3 < shown_mm3 / (4 / 3 * np.pi * 10**3) < 0.95


def test_a_nodule_outside_the_lungs_is_left_out() -> None:
    assert make_thorax(thorax_grid(16, 64), nodules=[Nodule((0.0, -110.0, 0.0), 8.0)]).nodules == ()


def test_chosen_nodules_all_lie_in_lung() -> None:
    chosen = choose_nodules(6, np.random.default_rng(5))

    assert make_thorax(thorax_grid(80, 128), nodules=chosen).nodules == chosen


def test_the_same_patient_on_an_oblique_grid_has_the_same_lungs() -> None:
    axial = thorax_grid(64, 96)
    turned: Grid = thorax_grid(64, 96, orientation=(-1, 0, 0, 0, -1, 0))
    one, other = make_thorax(axial, noise_hu=0.0), make_thorax(turned, noise_hu=0.0)

    assert volume_ml(other, RIGHT_LUNG) == pytest.approx(volume_ml(one, RIGHT_LUNG), rel=0.01)
    assert hu_at(other, (50.0, -40.0, -80.0)) == pytest.approx(hu_at(one, (50.0, -40.0, -80.0)), abs=3)
