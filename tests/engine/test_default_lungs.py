"""The default lungs are one name everywhere, and a study without any setting gets them."""

from pathlib import Path

import numpy as np
import pytest

from node.engine.folder import Asked, analyse_folder
from node.phantom.dicom import write_series
from node.phantom.phantom import LEFT_LUNG, RIGHT_LUNG
from node.phantom.thorax import make_thorax, thorax_grid
from node.route.case import Known
from node.settings import Settings, load
from tests.conftest import REPOSITORY


def test_the_default_lungs_are_one_name_everywhere():
    shipped = load(REPOSITORY / "deploy" / "lungnode.toml", environ={})

    assert {Settings().compute.lungs, shipped.compute.lungs, Known().lungs} == {"lungs-joint"}


def test_a_study_without_any_setting_gets_the_default_lungs(tmp_path: Path) -> None:
    phantom = make_thorax(thorax_grid(64, 256))
    write_series(phantom, tmp_path / "ct")

    outcome = analyse_folder(tmp_path / "ct", tmp_path / "out", Settings(), Asked(), lambda _: None)
    told = outcome.as_json(tmp_path / "out")

    assert told["outcome"] == "processed"
    assert told["models"]["lungs"]["name"] == "lungs-joint"
    assert told["unsure"] == []
    volumes_ml = {m["side"]: m["value"] for m in told["measurements"] if m["name"] == "lung_volume"}
    voxel_ml = abs(np.linalg.det(phantom.grid.lps_from_zyx[:3, :3])) / 1000.0
    for side, label in (("right", RIGHT_LUNG), ("left", LEFT_LUNG)):
        assert volumes_ml[side] == pytest.approx((phantom.labels_zyx == label).sum() * voxel_ml, rel=0.01)
