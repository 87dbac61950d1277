"""Dense tissue stays lung where the network is sure of its core, and goes as a whole where it is not."""

import numpy as np

from node.segment.contract import LungDefinition
from node.segment.lung_mask import MaskPlan, lung_mask
from node.segment.postprocess.sure_dense import without_unsure_dense

SURE, HALF = 250, 150


def scan():
    """A lung with a mass that the network is sure of at its core, and half-believed tissue beside the lung."""
    hu = np.full((3, 40, 40), 40, np.int16)
    hu[:, 5:35, 5:25] = -800
    p = np.where(hu < -250, SURE, 0).astype(np.uint8)
    mass = np.zeros_like(hu, bool)
    mass[:, 10:22, 5:15] = True
    hu[mass] = 30
    p[mass] = HALF
    p[:, 12:20, 7:13] = SURE
    leak = np.zeros_like(mass)
    leak[:, 10:20, 25:32] = True
    p[leak] = HALF
    return hu, p, mass, leak


def test_a_mass_with_a_sure_core_stays_whole_and_a_leak_goes():
    hu, p, mass, leak = scan()
    mask = p >= 128

    answer = without_unsure_dense(mask, p, hu, 0.94)

    assert answer[mass].all()
    assert not answer[leak].any()
    assert np.array_equal(answer, mask & ~leak)
    assert mask[leak].all()  # the mask that came in is another


def test_air_needs_no_certainty():
    hu, p, _, leak = scan()
    hu[leak] = -700

    assert without_unsure_dense(p >= 128, p, hu, 0.94)[leak].all()


def test_slices_speak_for_themselves():
    hu, p, mass, _ = scan()
    p[1][mass[1]] = HALF

    answer = without_unsure_dense(p >= 128, p, hu, 0.94)

    assert answer[0][mass[0]].all()
    assert not answer[1][mass[1]].any()


def test_how_sure_a_core_has_to_be_is_said():
    hu, p, _, leak = scan()

    assert without_unsure_dense(p >= 128, p, hu, HALF / 255.0)[leak].all()


def test_it_is_an_option_of_the_mask():
    hu, p, _, leak = scan()

    class Runner:
        def probabilities(self, hu_zyx, matched):
            return p

    plain, sure = (
        lung_mask(hu, (3.0, 2.0, 2.0), Runner(), MaskPlan(LungDefinition.WITH_LESIONS, gated=False, sure_dense=option))
        for option in (0.0, 0.94)
    )

    assert plain[leak].all()
    assert not sure[leak].any()
