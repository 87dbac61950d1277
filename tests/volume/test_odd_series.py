"""Files that nobody wants to meet end in a refusal with a code, never in an exception."""

from pathlib import Path

import pytest

from node.errors import Affects, Code, Refusal
from node.facts.folder import read_folder
from node.volume.digest import instance_digests
from node.volume.read import read_volume

pytestmark = pytest.mark.data

# folder -> codes of which at least one refuses each CT series in it
TABLE = {
    "ge-tilted-head": {Code.GEO_TILT, Code.GEO_GAP},
    "ct-labelled-seg": {Code.HU_RANGE, Code.HU_DERIVED, Code.GEO_FEW, Code.HU_NORESC, Code.ID_NOPID},
    "localizer": {Code.HU_DERIVED, Code.HU_SC},
    "secondary-capture": {Code.HU_SC},
    "non-chest": {Code.GEO_FEW, Code.HU_SC},
    "enhanced": {Code.GEO_FEW, Code.HU_SC},
    "pet-part": {Code.HU_SC},
    "pet-single": {Code.HU_SC},
    "seg-sr": {Code.HU_SC},
    "charset": {Code.HU_SC, Code.GEO_FEW, Code.PIX_TRUNC},
    "transfer-syntax": {Code.GEO_FEW},
    "malformed": {Code.HU_SC, Code.GEO_FEW, Code.PIX_TRUNC},
}


@pytest.mark.parametrize("folder", TABLE)
def test_every_series_of_an_odd_folder_is_refused_with_its_code(folder: str, data_dir: Path) -> None:
    results = [(s, read_volume(s)) for s in read_folder(data_dir / "odd" / folder).series]

    assert results
    for series, result in results:
        assert isinstance(result, Refusal), series.files[0].path.name
        refusing = {r.code for r in result.reasons if Affects.SERIES in r.affects}
        assert refusing & TABLE[folder], (series.files[0].path.name, result)


@pytest.mark.parametrize("folder", TABLE)
def test_every_instance_of_an_odd_folder_has_a_digest(folder: str, data_dir: Path) -> None:
    for series in read_folder(data_dir / "odd" / folder).series:
        digests = instance_digests(series)

        assert [uid for uid, _ in digests] == sorted(f.facts.sop_instance_uid for f in series.files)
        assert all(len(digest) == 64 for _, digest in digests)


def test_the_head_with_uneven_slices_says_everything_that_is_wrong_with_it(data_dir: Path) -> None:
    (series,) = read_folder(data_dir / "odd" / "ge-tilted-head").series

    result = read_volume(series)

    assert {Code.GEO_TILT, Code.GEO_GAP, Code.GEO_NONAX} <= {r.code for r in result.reasons}


def test_the_abdomen_that_says_breast_is_a_valid_volume(data_dir: Path) -> None:
    """Nothing is wrong with its geometry or values: that it holds no lungs is found by the mask."""
    (series,) = read_folder(data_dir / "odd" / "abdomen-pelvis-ct").series

    assert not isinstance(read_volume(series), Refusal)
