"""P0 and P1 from a set to a SEG in a real Orthanc: learnt from phantoms for seconds, exported, chosen by a route."""

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from node.deliver.receipt import Outgoing, State
from node.deliver.send import deliver
from node.engine.folder import Asked, analyse_folder
from node.learn import session
from node.learn.export import export
from node.learn.session import Wish
from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.thorax import make_thorax, thorax_grid
from node.settings import Compute, Destination, Rules, Settings
from tests.conftest import REPOSITORY
from tests.learn.conftest import COLUMNS, LABEL

SIZE = 96
PIXEL_MM = 4.0
EPOCHS = {"aru-net": 12, "fusionlungnet": 24}  # of six steps; some to spare


pytestmark = pytest.mark.usefixtures("one_thread")


def phantom_set(folder: Path) -> Path:
    """Write the slices of three phantoms as a set of three patients, one of them to validate on."""
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for case, (split, seed) in {"A": ("train", 1), "B": ("train", 2), "C": ("val", 3)}.items():
            phantom = make_thorax(thorax_grid(32, SIZE), seed=seed)
            for z in range(len(phantom.hu_zyx)):
                ids = np.isin(phantom.labels_zyx[z], (1, 2)).astype(np.uint8)
                hu = np.clip(phantom.hu_zyx[z], -1024, 3000).astype(np.int32)
                name = f"{case}_{z}"
                Image.fromarray((hu + 1024).astype(np.uint16)).save(folder / "images" / f"{name}.png")
                Image.fromarray(ids).save(folder / "masks" / f"{name}.png")
                writer.writerow(
                    {
                        "id": name, "case": case, "image": f"images/{name}.png", "mask": f"masks/{name}.png",
                        "source": "made", "domain": "hu", "hu_slope": "1", "hu_intercept": "-1024", "label": LABEL,
                        "width": SIZE, "height": SIZE, "pixel_mm": PIXEL_MM, "split": split,
                        "lung_px": int(ids.sum()), "tumour_px": 0, "label_origin": "rule", "licence": "CC BY 4.0",
                    }
                )  # fmt: skip
    return folder


@pytest.mark.orthanc
@pytest.mark.parametrize(("system", "definition"), [("aru-net", "without lesions"), ("fusionlungnet", "with lesions")])
def test_each_lung_system_can_be_chosen_for_a_route_and_gives_a_seg_in_orthanc(system, definition, tmp_path, orthanc):
    models = tmp_path / "models"
    shutil.copytree(REPOSITORY / "models" / "lungs-rule", models / "lungs-rule")
    wish = Wish(
        system, phantom_set(tmp_path / "set"), tmp_path / "run", width=4, size=SIZE, lr=1e-2, epochs=EPOCHS[system],
        precision="fp32", device="cpu",
    )  # fmt: skip
    session.run(wish, lambda _: None)
    export(tmp_path / "run", "tried", models)
    (tmp_path / "routes.toml").write_text('[[route]]\nname = "by network"\nlungs = "tried"\n')
    settings = Settings(models_dir=models, compute=Compute(threads=1), rules=Rules(routes=tmp_path / "routes.toml"))
    phantom = make_thorax(thorax_grid(32, SIZE), seed=9)
    write_series(phantom, tmp_path / "in", SeriesOptions(study_seed=system, series_seed=system))

    outcome = analyse_folder(tmp_path / "in", tmp_path / "out", settings, Asked(), lambda _: None)
    told = outcome.as_json(tmp_path / "out")

    assert told["outcome"] == "processed"
    assert told["models"]["lungs"]["name"] == "tried"
    assert {m["definition"] for m in told["measurements"]} == {definition}
    seg = next(o for o in outcome.objects if o.kind == "SEG")
    there = Destination.model_validate(
        {"name": "orthanc", "kind": "orthanc", "url": orthanc.http_url, "username": orthanc.username,
         "password": orthanc.password}
    )  # fmt: skip
    sent = Outgoing(
        seg.kind, seg.path, seg.sop_class_uid, seg.sop_instance_uid, seg.series_instance_uid, told["study_instance_uid"]
    )
    assert [r.state for r in deliver([sent], there, calling="NODE")] == [State.STORED]
    (found,) = orthanc.rest("POST", "/tools/lookup", seg.sop_instance_uid.encode())
    tags = orthanc.rest("GET", f"/instances/{found['ID']}/simplified-tags")
    assert [item["SegmentLabel"] for item in tags["SegmentSequence"]] == ["Right lung", "Left lung"]
