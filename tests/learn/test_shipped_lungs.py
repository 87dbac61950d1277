"""The shipped lung networks on the experts' outlines that serve for choosing: no worse than what their cards say.

Both floors stand in `docs/evaluation.md`: lungs by rules reach 0.977 on LUNG1-007 without its tumour, and 0.925 on
LUNG1-002 with its tumour, of which they know nothing.
"""

import csv
from pathlib import Path

import pytest

from node.learn.evaluate import Question, evaluate
from node.segment.registry import installed, models_folder, verify

NETWORKS = {"aru-net-w16": ("LUNG1-007", 0.977), "fusionlungnet-w16": ("LUNG1-002", 0.925)}


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_a_shipped_network_finds_the_lungs_that_an_expert_drew(data_dir: Path, tmp_path: Path, name: str) -> None:
    case, floor = NETWORKS[name]

    where = ("lung_label=1", f"case={case}")
    evaluate(Question((name,), data_dir / "vol3d", tmp_path, split=None, where=where), lambda *_: None)

    with (tmp_path / "cases.csv").open() as file:
        (judged,) = csv.DictReader(file)
    assert float(judged["dice"]) > floor
    assert float(judged["tumour_inside" if "fusion" in name else "tumour_kept_out"]) > 0.9


@pytest.mark.parametrize("name", sorted(NETWORKS))
def test_a_shipped_network_is_whole_and_says_what_it_learnt_from(name: str) -> None:
    assert verify(name).verified
    card = (models_folder() / name / "CARD.md").read_text(encoding="utf-8")
    assert "CC BY-SA" in card
    assert "LUNG1" not in card.split("## What it learnt from")[1].split("## What it reached")[0]
    assert {card.name for card in installed()} >= {"lungs-rule", name}
