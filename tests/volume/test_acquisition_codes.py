"""How the scan was made: each code of standards 4.3 that the headers can show."""

from pathlib import Path

import pytest
from pydicom import Dataset, dcmread

from node.errors import Affects, Code, Refusal, Severity
from node.phantom.enhanced import write_enhanced
from node.phantom.phantom import Phantom
from node.phantom.simple import make_asymmetric
from node.volume.read import read_volume
from node.volume.volume import Volume

from .conftest import WriteSeries, codes_of, facts_of_folder, reason_of, small_grid

DENSITY_ONLY = (Affects.DENSITY,)
ALL_DENSITY = (Affects.DENSITY, Affects.MEAN_DENSITY)


@pytest.fixture
def thin() -> Phantom:
    """Slices thin enough that nothing is said about them."""
    return make_asymmetric(small_grid(64, size=24, spacing_zyx_mm=(1.5, 10.0, 10.0)))


def test_a_contrast_agent_withholds_every_density(thin: Phantom, write: WriteSeries) -> None:
    result = read_volume(write(thin, contrast="IOMERON 350"))

    assert isinstance(result, Volume)
    assert reason_of(result, Code.ACQ_CONTRAST).affects == ALL_DENSITY


def test_an_empty_contrast_agent_is_none(thin: Phantom, write: WriteSeries) -> None:
    assert Code.ACQ_CONTRAST not in codes_of(read_volume(write(thin, overrides={"ContrastBolusAgent": ""})))


def test_a_sharp_kernel_withholds_density_but_not_the_mean(thin: Phantom, write: WriteSeries) -> None:
    result = read_volume(write(thin, kernel="B70f"))

    reason = reason_of(result, Code.ACQ_KERNEL)
    assert reason.affects == DENSITY_ONLY
    assert "lesion" not in reason.text  # none may have been looked for


def test_a_sharp_kernel_is_seen_where_a_converter_of_single_images_keeps_it(thin: Phantom, tmp_path: Path) -> None:
    path = write_enhanced(thin, tmp_path / "one.dcm", legacy=True)
    dataset, kept = dcmread(path), Dataset()
    kept.ConvolutionKernel = "B70f"
    dataset.SharedFunctionalGroupsSequence[0].UnassignedSharedConvertedAttributesSequence = [kept]
    dataset.save_as(path)

    assert reason_of(read_volume(facts_of_folder(tmp_path)), Code.ACQ_KERNEL).affects == (Affects.DENSITY,)


@pytest.mark.parametrize("kernel", [None, "XYZ"], ids=["absent", "unheard-of"])
def test_an_unknown_kernel_only_warns(kernel: str | None, thin: Phantom, write: WriteSeries) -> None:
    result = read_volume(write(thin, kernel=kernel))

    assert reason_of(result, Code.ACQ_KERNUNK).severity is Severity.WARN


@pytest.mark.parametrize(("thickness_mm", "thick"), [(2.5, False), (2.6, True)])
def test_thick_slices_withhold_density(thickness_mm: float, thick: bool, thin: Phantom, write: WriteSeries) -> None:
    found = [r for r in read_volume(write(thin, thickness_mm=thickness_mm)).reasons if r.code is Code.ACQ_DTHICK]

    assert [r.affects for r in found] == ([DENSITY_ONLY] if thick else [])


@pytest.mark.parametrize(("step_mm", "thick"), [(1.5, False), (4.0, True)])
@pytest.mark.parametrize("unknown", [None, "0", "-8"])
def test_slices_of_unknown_thickness_are_as_thick_as_they_are_apart(step_mm, thick, unknown, write) -> None:
    phantom = make_asymmetric(small_grid(round(96 / step_mm), size=24, spacing_zyx_mm=(step_mm, 10.0, 10.0)))

    result = read_volume(write(phantom, overrides={"SliceThickness": unknown}))

    assert isinstance(result, Volume)
    assert (Code.ACQ_DTHICK in codes_of(result)) is thick


@pytest.mark.parametrize(
    ("description", "expiration"),
    [
        ("THORAX EXP 1.0 B40f", True),
        ("Lunge Exspiration", True),
        ("chest_expiratory", True),
        ("INSPIRATION", False),
        ("EXPERT REVIEW", False),
        ("EXPOSED", False),
    ],
)
def test_expiration_is_taken_from_words_only(description: str, expiration: bool, thin: Phantom, write) -> None:
    found = [r for r in read_volume(write(thin, series_description=description)).reasons if r.code is Code.ACQ_EXP]

    assert [r.affects for r in found] == ([ALL_DENSITY] if expiration else [])


def test_a_child_is_refused(thin: Phantom, write: WriteSeries) -> None:
    result = read_volume(write(thin, age="017Y", birth_date=""))

    assert isinstance(result, Refusal)
    assert result.leading.code is Code.ACQ_AGE


def test_the_age_limit_is_a_setting(thin: Phantom, write: WriteSeries) -> None:
    assert isinstance(read_volume(write(thin, age="017Y", birth_date=""), minimum_age_years=16.0), Volume)


def test_an_unknown_age_only_warns(thin: Phantom, write: WriteSeries) -> None:
    result = read_volume(write(thin, birth_date="", overrides={"PatientAge": None}))

    assert isinstance(result, Volume)
    assert reason_of(result, Code.ACQ_AGE).severity is Severity.WARN


@pytest.mark.parametrize(
    ("position", "affects"), [("HFS", None), ("FFS", None), ("HFP", DENSITY_ONLY), ("FFDL", DENSITY_ONLY), ("", ())]
)
def test_lying_otherwise_than_on_the_back_withholds_density(position, affects, thin: Phantom, write) -> None:
    found = [r for r in read_volume(write(thin, patient_position=position)).reasons if r.code is Code.ACQ_PRONE]

    assert [r.affects for r in found] == ([] if affects is None else [affects])
