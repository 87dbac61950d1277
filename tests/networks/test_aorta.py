"""The aorta is followed past a mass and with contrast; where there is none, nothing is called so."""

import numpy as np
import pytest

from node.segment.aorta import descending_aorta, discs

MM = (3.0, 2.0, 2.0)
LUNG, FAT, BLOOD, BONE = -850, -90, 40, 500


def chest(blood_hu=BLOOD, tube=True, seed=0):
    """Return a chest of 60 slices: two lungs, a spine with a hollow vertebra, a tube left of it that leans."""
    z, y, x = np.mgrid[:60, :160, :160].astype(float)
    hu = np.full((60, 160, 160), FAT, float)
    labels = np.zeros(hu.shape, np.uint8)
    for label, column in ((1, 45), (2, 115)):
        lung = ((y - 75) / 50) ** 2 + ((x - column) / 27) ** 2 < 1
        hu[lung], labels[lung] = LUNG, label
    vertebra = np.hypot(y - 112, x - 80) < 9
    hu[vertebra], labels[vertebra] = BONE, 0
    hu[np.hypot(y - 112, x - 80) < 6] = 120
    truth = np.zeros(hu.shape, bool)
    if tube:
        truth = np.hypot(y - (98 - z / 10), x - (90 + z / 15)) < 6
        hu[truth] = blood_hu
        labels[np.hypot(y - (98 - z / 10), x - (90 + z / 15)) < 6] = 0
    hu += np.random.default_rng(seed).normal(0, 20, hu.shape)
    return hu.astype(np.int16), labels, truth


def dice(a, b):
    return 2 * (a & b).sum() / (a.sum() + b.sum())


@pytest.mark.parametrize("blood_hu", [40, 180, 350])
def test_a_tube_left_of_the_spine_is_followed_with_and_without_contrast(blood_hu):
    hu, labels, truth = chest(blood_hu)

    found = descending_aorta(hu, labels, MM)

    assert truth[found].mean() > 0.6  # 2 mm round it are taken for its wall
    assert found[truth].mean() > 0.95
    assert found.any((1, 2)).sum() > 50


def test_it_goes_on_beside_a_mass_of_the_same_density_that_is_not_taken_with_it():
    hu, labels, truth = chest()
    mass = np.zeros(hu.shape, bool)
    mass[25:38, 75:105, 98:125] = True
    hu[mass & ~truth] = BLOOD
    labels[mass & ~truth] = 2

    found = descending_aorta(hu, labels, MM)

    assert found[truth].mean() > 0.85
    assert found[mass & ~truth].mean() < 0.15


def test_nothing_is_called_aorta_where_none_is_seen_or_there_is_no_spine_or_no_lung():
    hu, labels, _ = chest(tube=False)
    assert not descending_aorta(hu, labels, MM).any()
    hu, labels, _ = chest()
    assert discs(hu, np.zeros_like(labels), MM) == []
    hu[hu > 100] = FAT
    assert discs(hu, labels, MM) == []


def test_a_slab_too_thin_to_tell_has_none():
    hu, labels, _ = chest()
    assert not descending_aorta(hu[:15], labels[:15], MM).any()
