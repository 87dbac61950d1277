"""The scan that the tests of this room share."""

import pytest

from tests.review.readers_seg import Scan, make_scan


@pytest.fixture(scope="session")
def scan(tmp_path_factory: pytest.TempPathFactory) -> Scan:
    """A small CT with our result of it."""
    return make_scan(tmp_path_factory.mktemp("review"))
