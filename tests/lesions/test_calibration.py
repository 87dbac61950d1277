"""A confidence that means what it says, fitted without draws and judged by patients that it has not seen."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from node.errors import InputRefused
from node.learn.calibrate import Labelled, auc, calibrate, ece, reliability, within
from node.learn.candidate_set import Described
from node.learn.lesion_card import with_calibration
from node.learn.reliability_picture import draw_reliability
from node.learn.uncertainty import tells_right_from_wrong
from node.segment.lesions.candidates import Candidate
from node.segment.lesions.confidence import read_confidence, write_confidence
from node.segment.lesions.shape import NAMES, shape_of


def made(n: int = 600, seed: int = 0) -> list[Labelled]:
    """Return candidates whose first feature decides, with chance, whether they are lesions."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, len(NAMES)))
    y = rng.random(n) < 1.0 / (1.0 + np.exp(-2.0 * x[:, 0]))
    return [Labelled(x[i], bool(y[i]), f"P{i % 12}", f"S{i % 12}", part(i)) for i in range(n)]


def part(i: int) -> str:
    """Return the split of a made candidate's patient: nine of twelve are learnt from."""
    return "val" if i % 12 >= 9 else "train"


def test_the_confidence_of_candidates_is_calibrated_and_the_same_every_time():
    fitted, again = calibrate(made()), calibrate(made())

    assert fitted.reliability.ece <= 0.06
    assert fitted.reliability.interval[0] <= fitted.reliability.ece + 0.02
    assert fitted.told["auc"] > 0.75
    assert (fitted.held_out == again.held_out).all()
    assert sum(fitted.reliability.n) == 600
    assert max(fitted.reliability.n) - min(fitted.reliability.n) <= 1


def test_nodule_cubes_of_which_most_are_lesions_promise_nothing_for_whole_scans():
    rng = np.random.default_rng(2)
    of_cube = np.arange(600) % 4 > 0
    x = rng.normal(size=(600, len(NAMES)))
    odds = np.exp(2.0 * x[:, 0] + np.where(of_cube, 2.0, -2.0))
    is_lesion = rng.random(600) < odds / (1.0 + odds)
    found = [
        Labelled(x[i], bool(is_lesion[i]), f"P{i % 12}", f"S{i % 24}", part(i), bool(of_cube[i])) for i in range(600)
    ]

    fitted, blind = calibrate(found), calibrate([replace(one, of_cube=False) for one in found])

    told = fitted.told["whole_scans"]
    assert (told["n"], told["n_true"]) == (150, int(is_lesion[~of_cube].sum()))
    assert told["predicted"] == pytest.approx(told["observed"], abs=0.04)
    assert fitted.told["cube_bias"] > 2.5
    assert fitted.reliability.ece < 0.06
    kept = np.array([sigmoid(fitted.confidence, row) for row in x[~of_cube]])
    assert kept.mean() == pytest.approx(is_lesion[~of_cube].mean(), abs=0.04)  # what a user is told
    assert np.mean([sigmoid(blind.confidence, row) for row in x[~of_cube]]) > kept.mean() + 0.2


@pytest.mark.parametrize(("of_cube", "words"), [(True, "**No whole scan was among them**"), (False, "it promised")])
def test_the_card_says_what_was_promised_on_whole_scans(of_cube, words):
    told = calibrate([replace(one, of_cube=of_cube) for one in made()]).told

    assert words in with_calibration("## Confidence", told)
    assert told["cube_bias"] == pytest.approx(0.0)


def sigmoid(confidence, features):
    z = (features - confidence.mean) / confidence.sd @ confidence.weights + confidence.bias
    return 1.0 / (1.0 + np.exp(-z))


def test_too_few_candidates_are_refused():
    for few in (
        made(15),
        [one for one in made() if one.is_lesion],
        [one for one in made() if one.case in {"P0", "P1"}],
        [one for one in made() if one.split == "val"],  # nothing to measure limits on
    ):
        with pytest.raises(InputRefused) as caught:
            calibrate(few)
        assert caught.value.code == "CALIBRATE-FEW"


def test_the_error_of_a_wrong_confidence_is_seen():
    y = np.repeat([0.0, 1.0], 100)
    assert ece(np.full(200, 0.5), y) == pytest.approx(0.0, abs=1e-9) or ece(np.full(200, 0.5), y) <= 0.5
    assert ece(np.full(200, 0.95), np.tile([0.0, 1.0], 100)) == pytest.approx(0.45)
    assert reliability(np.full(200, 0.95), np.tile([0.0, 1.0], 100), ["a", "b"] * 100).ece == pytest.approx(0.45)


def test_what_was_fitted_is_read_back_from_the_models_folder(tmp_path):
    fitted = calibrate(made()).confidence
    write_confidence(fitted, tmp_path)

    back = read_confidence(tmp_path)

    assert back.limits == fitted.limits
    assert (back.weights == fitted.weights).all()
    assert back.drop_below == fitted.drop_below <= back.unsure_below
    assert read_confidence(tmp_path / "none") is None


def test_limits_keep_every_lesion_that_they_were_measured_on():
    found = made()
    fitted = calibrate(found).confidence
    for one in found:
        if one.is_lesion and one.split == "train":
            values = dict(zip(NAMES, one.features, strict=True))
            assert all(low <= values[name] <= high for name, (low, high) in fitted.limits.items())


def test_limits_come_from_training_patients_alone_and_count_the_lesions_that_they_lose_elsewhere():
    found = made()
    odd = next(one for one in found if one.is_lesion and one.split == "val")
    far = replace(odd, features=np.full(len(NAMES), 100.0))

    plain, with_far = calibrate(found), calibrate([*found, far])

    assert with_far.confidence.limits == plain.confidence.limits
    assert with_far.told["n_val_true_lost"] == plain.told["n_val_true_lost"] + 1
    assert with_far.told["n_val_true"] + with_far.told["n_train_true"] == with_far.told["n_true"]
    assert with_far.told["n"] == 601  # but the confidence is fitted on all
    as_train = calibrate([*found, replace(far, case="P0", split="train")])
    assert as_train.confidence.limits != plain.confidence.limits


def test_a_patient_of_training_and_validation_is_refused():
    found = made()

    with pytest.raises(InputRefused) as caught:
        calibrate([*found, replace(found[0], split="val")])

    assert (caught.value.code, "P0" in str(caught.value)) == ("SET-LEAK", True)


@pytest.mark.parametrize(("n", "enough"), [(199, False), (200, True)])
def test_the_card_says_whether_there_were_enough_candidates(n, enough):
    told = calibrate(made(n)).told

    card = with_calibration("# m\n\n## Confidence\n\nold\n\n## Limits\n\nx\n", told)

    assert told["enough"] is enough
    assert f"of {n} candidates" in card
    assert ("the 200 that are asked for were **not** reached" in card) is not enough
    assert f"{told['n_train_true']} lesions of training patients alone" in card
    assert ("old" in card, "## Limits" in card) == (False, True)


@pytest.mark.parametrize(
    ("ece", "high", "words"),
    [
        (0.03, 0.05, "reached with its interval"),
        (0.05, 0.06, "its interval goes beyond"),
        (0.051, 0.07, "**not reached**"),
    ],
)
def test_the_card_says_whether_the_error_is_small_enough(ece, high, words):
    told = calibrate(made()).told | {"ece": ece, "ece_interval": [0.01, high]}

    assert words in with_calibration("## Confidence", told)


def test_uncertainty_that_tells_right_from_wrong_has_an_auc_of_one_and_noise_a_half():
    rng = np.random.default_rng(1)
    found = [
        Described(
            Labelled(np.zeros(len(NAMES)), i % 2 == 0, f"P{i % 8}", f"S{i % 8}", "train"),
            0.1 if i % 2 == 0 else 0.6,
            float(rng.random()),
        )
        for i in range(400)
    ]
    told = tells_right_from_wrong(found)
    assert told["entropy"]["auc"] == 1.0
    assert told["distance of mirror images"]["auc"] == pytest.approx(0.5, abs=0.1)
    low, high = told["distance of mirror images"]["interval"]
    assert low < 0.5 < high
    assert auc(np.zeros(3), np.ones(3)) is None


def test_the_reliability_diagram_is_a_picture(tmp_path):
    draw_reliability(calibrate(made()).reliability, "made", tmp_path / "docs" / "made.png")
    assert (tmp_path / "docs" / "made.png").stat().st_size > 1000


def candidate(mask):
    (box,) = ndimage.find_objects(mask.astype(np.uint8))
    return Candidate(box, mask[box].copy())


def test_shapes_tell_a_ball_from_a_vessel_and_a_fissure():
    at = np.indices((40, 40, 40)) - 20.0
    parts = {
        "ball": (at**2).sum(axis=0) <= 6.0**2,
        "vessel": (at[1] ** 2 + at[2] ** 2 <= 2.5**2) & (np.abs(at[0]) <= 15),
        "fissure": (np.abs(at[0]) <= 1.0) & (np.abs(at[1]) <= 14) & (np.abs(at[2]) <= 14),
    }
    found = {}
    for name, mask in parts.items():
        hu = np.where(mask, 40, -850).astype(np.int16)
        p = np.where(mask, 230, 0).astype(np.uint8)
        found[name] = shape_of(candidate(mask), p, hu, np.ones(mask.shape, bool), (1.0, 1.0, 1.0))

    assert found["ball"].elongation == pytest.approx(1.0, abs=0.1)
    assert found["vessel"].elongation > 3.0
    assert found["fissure"].flatness > 5.0
    assert found["ball"].blobness > 0.6 > found["vessel"].blobness
    assert found["vessel"].ridgeness > found["fissure"].ridgeness
    assert found["ball"].outside_frac == 0.0
    assert found["ball"].inner_mm == pytest.approx(6.0, abs=1.0)


def test_a_lesion_larger_and_rounder_than_all_that_were_measured_is_within_the_limits_and_a_vessel_is_not():
    limits = calibrate(made()).confidence.limits
    lesions = np.array([one.features for one in made() if one.is_lesion])
    mass, vessel = lesions.mean(0), lesions.mean(0)
    mass[NAMES.index("inner_mm")] = 10.0 * lesions[:, NAMES.index("inner_mm")].max()
    vessel[NAMES.index("elongation")] = 10.0 * lesions[:, NAMES.index("elongation")].max()

    assert within(np.array([mass, vessel]), limits).tolist() == [True, False]
