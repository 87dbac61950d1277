"""Random damage to real bytes: every outcome is a value, never an exception."""

from pathlib import Path

import numpy as np
import pytest

from node.errors import Refusal
from node.facts.folder import read_folder
from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.enhanced import write_enhanced
from node.phantom.phantom import Phantom
from node.volume.digest import instance_digests
from node.volume.read import read_volume
from node.volume.volume import Volume

SYNTAXES = {
    "native": "1.2.840.10008.1.2.1",
    "implicit": "1.2.840.10008.1.2",
    "deflated": "1.2.840.10008.1.2.1.99",
    "rle": "1.2.840.10008.1.2.5",
    "jpeg-ls": "1.2.840.10008.1.2.4.80",
    "jpeg-2000": "1.2.840.10008.1.2.4.90",
}
N_ROUNDS = 12


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Overwrite, cut or repeat a piece; headers, being short, are hit as often as pixels."""
    out = bytearray(data)
    span = len(out) if rng.random() < 0.5 else min(len(out), 2500)
    at, length = int(rng.integers(132, max(133, span))), int(rng.integers(1, 12))
    match int(rng.integers(3)):
        case 0:
            out[at : at + length] = rng.bytes(length)
        case 1:
            del out[at : at + length]
        case _:
            out[at:at] = out[at : at + length]
    return bytes(out)


@pytest.mark.parametrize("enhanced", [False, True], ids=["single", "enhanced"])
@pytest.mark.parametrize("name", SYNTAXES)
def test_damage_ends_in_a_volume_or_a_refusal(name: str, enhanced: bool, small: Phantom, tmp_path: Path) -> None:
    options = SeriesOptions(transfer_syntax=SYNTAXES[name])
    if enhanced:
        paths: tuple[Path, ...] = (write_enhanced(small, tmp_path / "e.dcm", options),)
    else:
        paths = write_series(small, tmp_path, options)
    whole = {path: path.read_bytes() for path in paths}
    rng = np.random.default_rng(7)
    for _ in range(N_ROUNDS):
        victim = paths[int(rng.integers(len(paths)))]
        victim.write_bytes(damaged(whole[victim], rng))
        for series in read_folder(tmp_path).series:
            assert isinstance(read_volume(series, threads=1), Volume | Refusal)
            assert len(instance_digests(series, threads=1)) == series.n_instances
        victim.write_bytes(whole[victim])
