"""Each system chosen for a route: lesions in SEG, SR and result.json, and the SEG in a real Orthanc."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from node.deliver.receipt import Outgoing, State
from node.deliver.send import deliver
from node.engine.folder import Asked, analyse_folder
from node.learn.ce_dice import ce_dice
from node.learn.dice_focal import dice_focal
from node.learn.model_toml import write_toml
from node.phantom.phantom import Nodule
from node.phantom.study import StudyPlan, write_study
from node.phantom.thorax import make_thorax, thorax_grid
from node.segment.networks import table
from node.segment.preprocess.lesion_recipes import recipe
from node.settings import Compute, Destination, Rules, Settings
from tests.conftest import REPOSITORY
from tests.lesions.conftest import calibrated, sharp

PLAN = StudyPlan(n_slices=64, size=160, n_nodules=6, noise_hu=8.0)
STEPS = {"attention_unet_hybrid": 28, "dual_backbone_unet": 65, "raemd_net": 80}
SIZES = {
    "attention_unet_hybrid": {"width": 4, "depth": 2, "gate": 1, "residual": True},
    "dual_backbone_unet": {"width": 8, "resnet": True, "efficientnet": False, "dilation": True, "se": True},
    "raemd_net": {"width": 4},
}


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    """A thorax with six nodules as DICOM."""
    folder = tmp_path_factory.mktemp("study")
    write_study(folder, PLAN)
    return folder / "CT"


def learnt(kind: str, run_length: int) -> torch.nn.Module:
    """Return a network that has learnt a phantom's nodules for some seconds: runs of eight slices of 64 x 64."""
    torch.manual_seed(0)
    nodules = [Nodule((-90.0, -28.0, 20.0), 20.0), Nodule((88.0, 30.0, -40.0), 26.0), Nodule((-70.0, 40.0, 12.0), 16.0)]
    phantom = make_thorax(thorax_grid(64, 160), seed=3, nodules=nodules, noise_hu=8.0)
    centres = [np.argwhere(phantom.labels_zyx == 3 + n).mean(axis=0).astype(int) for n in range(len(nodules))]
    centres += [np.array([30, 80, 80]), np.array([34, 100, 100])]
    runs, masks = [], []
    for z, y, x in centres:
        cut = (
            slice(z - 5, z + 5),
            slice(max(y - 32, 0), max(y - 32, 0) + 64),
            slice(max(x - 32, 0), max(x - 32, 0) + 64),
        )
        runs.append(phantom.hu_zyx[cut])
        masks.append(phantom.labels_zyx[cut][1:-1] >= 3)
    hu = recipe("unit")(torch.from_numpy(np.stack(runs).astype(np.float32)))  # (5, 10, 64, 64)
    target = torch.from_numpy(np.stack(masks).astype(np.float32))[:, :, None]  # (5, 8, 1, 64, 64)
    if run_length:
        x = torch.stack((hu[:, 1:-1], torch.full_like(hu[:, 1:-1], 0.5)), 2)
    else:
        x = torch.stack((hu[:, :-2], hu[:, 1:-1], hu[:, 2:]), 2).flatten(0, 1)
        target = target.flatten(0, 1)
    network = table.build(kind, {"channels": int(x.shape[-3]), **SIZES[kind]})
    torch.nn.init.constant_(network.head.bias, -2.0)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(STEPS[kind]):
        loss = ce_dice(network(x), target, None) if run_length else dice_focal(network(x), target)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return network


def installed(folder: Path, kind: str) -> None:
    """Write a network that was learnt here as an installed, calibrated model."""
    run_length = 8 if kind == "raemd_net" else 0
    network = learnt(kind, run_length)
    where = folder / "tried"
    where.mkdir(parents=True)
    weights = {name: t.half() if t.is_floating_point() else t for name, t in network.state_dict().items()}
    save_file({name: t.contiguous() for name, t in weights.items()}, where / "weights.safetensors")
    plan = {
        "recipe": "unit", "size": 256, "neighbours": 0 if run_length else 1, "run_length": run_length,
        "sizes": SIZES[kind],
    }  # fmt: skip
    channels = 2 if run_length else 3
    told = {"plan": plan, "channels": channels, "moments_hu": [0.0, 1.0], "train_cases": []}
    (where / "training.json").write_text(json.dumps(told))
    head = {
        "name": "tried", "version": "1", "title": "Tried", "licence": "CC BY 4.0", "kind": kind,
        "algorithm": table.algorithm(kind),
    }  # fmt: skip
    write_toml(where, head, {"step_mm": 0.0, "threshold": 0.5})
    calibrated(where, sharp(log_mm3=2.0, bias=-13.0))
    shutil.copytree(REPOSITORY / "models" / "lungs-rule", folder / "lungs-rule")


def settings_of(models: Path, routes: str, folder: Path) -> Settings:
    """Return settings whose route names the lesion model."""
    (folder / "routes.toml").write_text(routes)
    return Settings(
        models_dir=models, compute=Compute(threads=1, lungs="lungs-rule"), rules=Rules(routes=folder / "routes.toml")
    )


@pytest.mark.orthanc
@pytest.mark.parametrize("kind", list(SIZES))
def test_each_system_can_be_chosen_for_a_route_and_gives_a_seg_in_orthanc(kind, study, tmp_path, orthanc):
    installed(tmp_path / "models", kind)
    settings = settings_of(tmp_path / "models", '[[route]]\nname = "lesions"\nlesions = "tried"\n', tmp_path)

    outcome = analyse_folder(study, tmp_path / "out", settings, Asked(), lambda _: None)
    told = outcome.as_json(tmp_path / "out")

    assert told["outcome"] == "processed"
    assert told["models"]["lesions"]["name"] == "tried"
    assert told["findings"]
    assert all(0.0 < one["confidence"] <= 1.0 for one in told["findings"])
    assert {True, False} >= {one["uncertain"] for one in told["findings"]}
    seg = next(o for o in outcome.objects if o.kind == "SEG")
    there = Destination.model_validate(
        {"name": "orthanc", "kind": "orthanc", "url": orthanc.http_url, "username": orthanc.username,
         "password": orthanc.password}
    )  # fmt: skip
    study_uid = told["study_instance_uid"]
    sent = Outgoing(seg.kind, seg.path, seg.sop_class_uid, seg.sop_instance_uid, seg.series_instance_uid, study_uid)
    assert [r.state for r in deliver([sent], there, calling="NODE")] == [State.STORED]
    (found,) = orthanc.rest("POST", "/tools/lookup", seg.sop_instance_uid.encode())
    tags = orthanc.rest("GET", f"/instances/{found['ID']}/simplified-tags")
    labels = [item["SegmentLabel"] for item in tags["SegmentSequence"]]
    assert labels[:2] == ["Right lung", "Left lung"]
    assert labels[2:].count("nodule-1") == 1


def test_a_route_for_lesions_alone_writes_no_lungs_and_nothing_found_where_there_is_none(rule_model, study, tmp_path):
    models = rule_model()
    shutil.copytree(REPOSITORY / "models" / "lungs-rule", models / "lungs-rule")
    routes = '[[route]]\nname = "nodules"\nlungs = "none"\nlesions = "dense"\n'
    settings = settings_of(models, routes, tmp_path)

    told = analyse_folder(study, tmp_path / "out", settings, Asked(), lambda _: None).as_json(tmp_path / "out")
    assert told["outcome"] == "processed"
    assert told["findings"]
    assert told["measurements"] == []
    assert any("calibrated" in text for text in told["unsure"])
    assert all(one["uncertain"] for one in told["findings"])
    assert all("SEG-UNSURE" in one["codes"] for one in told["findings"])

    calibrated(models / "dense", sharp(bias=-9.0))
    dropping = settings.model_copy(update={"rules": settings.rules.model_copy(update={"uncertain_lesions": "drop"})})
    none = analyse_folder(study, tmp_path / "none", dropping, Asked(), lambda _: None).as_json(tmp_path / "none")
    assert none["outcome"] == "nothing-found"
    assert none["findings"] == []


def test_the_identity_of_a_case_changes_with_the_lesion_model(rule_model, study, tmp_path):
    models = rule_model()
    rule_model("other", models, threshold=0.6)
    shutil.copytree(REPOSITORY / "models" / "lungs-rule", models / "lungs-rule")
    settings = settings_of(models, '[[route]]\nname = "x"\nlesions = "dense"\n', tmp_path)

    def uid(lesions: str, out: str) -> str:
        outcome = analyse_folder(study, tmp_path / out, settings, Asked(lesions=lesions), lambda _: None)
        return next(o.sop_instance_uid for o in outcome.objects if o.kind == "SEG")

    assert uid("dense", "a") == uid("dense", "b")
    assert uid("dense", "c") != uid("other", "d")
