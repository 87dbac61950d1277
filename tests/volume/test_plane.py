"""Laws of the geometry: they hold for any orientation, spacing and order."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from node.facts.fitting import is_orthonormal
from node.facts.series import SeriesFacts
from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.grid import grid_at
from node.phantom.simple import make_asymmetric
from node.volume.plane import angle_deg, normal_of, project, stack_matrix
from node.volume.read import read_volume
from node.volume.volume import Volume

from .conftest import facts_of_folder, small_grid

spacings = st.floats(0.3, 12.0)
coordinates = st.floats(-500.0, 500.0)
quaternions = st.tuples(*[st.floats(-1.0, 1.0)] * 4).filter(lambda q: sum(v * v for v in q) > 0.01)


def rotation(q: tuple[float, float, float, float]) -> np.ndarray:
    w, x, y, z = np.asarray(q) / np.linalg.norm(q)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )


@given(quaternions, st.tuples(spacings, spacings, spacings), st.tuples(coordinates, coordinates, coordinates))
def test_index_to_patient_and_back_is_the_index(q, spacing_zyx_mm, centre) -> None:
    turned = rotation(q)
    orientation = np.r_[turned[:, 0], turned[:, 1]]
    grid = grid_at(centre, (9, 7, 5), spacing_zyx_mm, orientation)
    positions = np.array([(grid.lps_from_zyx @ (i, 0, 0, 1))[:3] for i in range(9)])

    matrix = stack_matrix(positions, orientation, spacing_zyx_mm[1:])
    index = np.array([3.0, 2.0, 4.0, 1.0])

    np.testing.assert_allclose(matrix, grid.lps_from_zyx, atol=1e-8)
    np.testing.assert_allclose(np.linalg.solve(matrix, matrix @ index), index, atol=1e-6)


@given(quaternions)
def test_row_column_and_normal_are_right_handed(q) -> None:
    turned = rotation(q)
    orientation = np.r_[turned[:, 0], turned[:, 1]]

    assert is_orthonormal(orientation)
    np.testing.assert_allclose(normal_of(orientation), turned[:, 2], atol=1e-9)


@given(quaternions, st.lists(coordinates, min_size=2, max_size=20, unique=True))
def test_sorting_by_projection_does_not_depend_on_the_position_in_the_plane(q, along) -> None:
    turned = rotation(q)
    rng = np.random.default_rng(0)
    in_plane = rng.normal(size=(len(along), 2)) * 100
    positions = np.array(along)[:, None] * turned[:, 2] + in_plane @ turned[:, :2].T

    np.testing.assert_allclose(project(positions, turned[:, 2]), along, atol=1e-6)


@given(st.floats(0.0, 90.0))
def test_an_angle_between_lines_is_measured_whichever_way_they_point(degrees: float) -> None:
    other = np.array([np.sin(np.radians(degrees)), 0.0, np.cos(np.radians(degrees))])
    axis = np.array([0.0, 0.0, 1.0])

    assert angle_deg(axis, other) == pytest.approx(degrees, abs=1e-6)
    assert angle_deg(axis, -other) == pytest.approx(degrees, abs=1e-6)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[SeriesFacts, np.ndarray]:
    folder: Path = tmp_path_factory.mktemp("shuffled")
    phantom = make_asymmetric(small_grid(size=16, spacing_zyx_mm=(5.0, 15.0, 15.0)))
    write_series(phantom, folder, SeriesOptions())
    return facts_of_folder(folder), phantom.hu_zyx


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.permutations(range(20)))
def test_shuffled_files_give_the_same_volume(order: list[int], written: tuple[SeriesFacts, np.ndarray]) -> None:
    series, hu_zyx = written

    volume = read_volume(SeriesFacts(tuple(series.files[i] for i in order)), threads=1)

    assert isinstance(volume, Volume)
    np.testing.assert_array_equal(volume.hu_zyx, hu_zyx)
