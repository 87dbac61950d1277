"""Lungs beside the R231 architecture, with a stand-in for the peer where its package is not installed."""

import sys

import pytest

from node.bench import segment
from node.errors import Misconfigured

STAND_IN = """
import torch
class UNet(torch.nn.Module):
    def __init__(self, **told):
        super().__init__()
        self.conv = torch.nn.Conv2d(1, told["n_classes"], 3, padding=1)
    def forward(self, x):
        return self.conv(x)
"""


@pytest.fixture
def peer(tmp_path, monkeypatch):
    """A package of the peer's name with a network of its shape."""
    (tmp_path / "lungmask").mkdir()
    (tmp_path / "lungmask" / "__init__.py").write_text("raise ImportError('must not be imported')")
    (tmp_path / "lungmask" / "resunet.py").write_text(STAND_IN)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("peer")
def test_each_lung_model_has_a_row_against_the_fastest_runtime_of_the_peer():
    (row,) = segment.bench_segment(("lungs-rule",), shape=(32, 128), rounds=1)

    told = row.as_json()
    assert (told["what"], told["unit"], told["target"]) == ("lungs, lungs-rule", "slices/s", ">= 3")
    assert told["peer_name"].startswith("R231 ")
    assert told["ours"] > 0
    assert told["ratio"] == pytest.approx(told["ours"] / told["peer"])


def test_without_the_peer_the_bench_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(segment.importlib.util, "find_spec", lambda _name: None)

    with pytest.raises(Misconfigured, match="pip install") as caught:
        segment._r231()
    assert caught.value.code == "SYS-PEER"
