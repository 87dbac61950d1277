"""A small synthetic CT on disk, and its facts."""

from collections.abc import Callable
from pathlib import Path

import pytest

from node.errors import Code, Reason, Refusal
from node.facts.folder import read_folder
from node.facts.series import SeriesFacts
from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.grid import AXIAL, Grid, grid_at
from node.phantom.phantom import Phantom
from node.phantom.simple import make_asymmetric
from node.volume.volume import Volume

WriteSeries = Callable[..., SeriesFacts]


def small_grid(n_slices: int = 20, size: int = 48, spacing_zyx_mm=(5.0, 5.0, 5.0), orientation=AXIAL) -> Grid:
    """A grid that holds the asymmetric phantom when it is tall enough."""
    return grid_at((0.0, 0.0, 0.0), (n_slices, size, size), spacing_zyx_mm, orientation)


@pytest.fixture
def small() -> Phantom:
    """The asymmetric phantom on 20 axial slices of 5 mm."""
    return make_asymmetric(small_grid())


@pytest.fixture
def write(tmp_path: Path) -> WriteSeries:
    """Write a phantom as a series and read its headers back."""

    def written(phantom: Phantom, options: SeriesOptions | None = None, **changes: object) -> SeriesFacts:
        folder = tmp_path / f"series-{len(list(tmp_path.iterdir()))}"
        write_series(phantom, folder, options or SeriesOptions(**changes))
        return facts_of_folder(folder)

    return written


def facts_of_folder(folder: Path) -> SeriesFacts:
    """The only series in a folder."""
    found = read_folder(folder)
    assert not found.unread
    (series,) = found.series
    return series


def codes_of(result: Volume | Refusal) -> list[Code]:
    """All codes, in their order."""
    return [reason.code for reason in result.reasons]


def reason_of(result: Volume | Refusal, code: Code) -> Reason:
    """The one reason with this code."""
    (reason,) = [r for r in result.reasons if r.code is code]
    return reason
