"""A calibration put into an installed model: `confidence.json`, its digest in `model.toml`, and the card."""

from dataclasses import replace
from pathlib import Path

from node.learn.calibrate import Calibrated
from node.learn.lesion_card import with_calibration
from node.learn.model_toml import write_toml
from node.segment.lesions.confidence import write_confidence
from node.segment.model_card import read_card


def keep_calibration(fitted: Calibrated, folder: Path) -> None:
    """Write a calibration into a model's folder.

    Raises
    ------
    Misconfigured
        SYS-MODEL where the folder holds no model.
    """
    card = read_card(folder)
    write_confidence(replace(fitted.confidence, told=fitted.told), folder)
    head = {name: str(getattr(card, name)) for name in ("name", "version", "title", "paper", "licence", "kind")}
    write_toml(folder, head | {"algorithm": card.algorithm}, card.options)
    (folder / "CARD.md").write_text(with_calibration(card.text(), fitted.told), encoding="utf-8")
