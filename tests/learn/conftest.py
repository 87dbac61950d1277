"""A small labelled set on disk: squares of lung in discs of body, with an index like the shared sets'."""

import csv
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from node.facts.series import SeriesFacts
from node.learn import lesion_session, protocol, session
from node.learn.catalogue import Entry
from node.learn.lesion_session import LesionWish
from node.learn.protocol import Plan
from node.learn.session import Wish
from node.volume.volume import Volume
from tests.conftest import REPOSITORY

COLUMNS = [
    "id", "case", "image", "mask", "source", "domain", "hu_slope", "hu_intercept", "label", "width", "height",
    "pixel_mm", "split", "lung_px", "tumour_px", "label_origin", "licence", "drop", "drop_p1",
]  # fmt: skip
LABEL = "ids: 1 = lung, 2 = primary tumour, 3 = other tumour or nodes, 4 = in P1's lung only"


def thorax(rng: np.random.Generator, size: int = 64) -> tuple[np.ndarray, np.ndarray]:
    """Return HU and ids of one slice: a body of 40 HU, a lung of -800 HU with a tumour in it, air outside."""
    y, x = np.mgrid[:size, :size]
    hu = np.full((size, size), -1000.0, np.float32)
    hu[np.hypot(y - size / 2, x - size / 2) < size * 0.45] = 40.0
    ids = np.zeros((size, size), np.uint8)
    top, left = rng.integers(size // 4, size // 3, 2)
    ids[top : top + size // 3, left : left + size // 3] = 1
    hu[ids == 1] = -800.0
    ids[top + 4 : top + 10, left + 4 : left + 10] = 2
    hu[ids == 2] = 30.0
    return hu + rng.normal(0, 15, hu.shape).astype(np.float32), ids


def write_set(folder: Path, cases: dict[str, str], per_case: int = 4, licence: str = "CC BY 3.0", **other: str) -> Path:
    """Write a set in which each case stands in the split that `cases` says."""
    rng = np.random.default_rng(1)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    with (folder / "index.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for case, split in cases.items():
            for i in range(per_case):
                hu, ids = thorax(rng)
                name = f"{case}_{i}"
                Image.fromarray((np.rint(np.clip(hu, -1024, 3000)) + 1024).astype(np.uint16)).save(
                    folder / "images" / f"{name}.png"
                )
                Image.fromarray(ids).save(folder / "masks" / f"{name}.png")
                row = {
                    "id": name, "case": case, "image": f"images/{name}.png", "mask": f"masks/{name}.png",
                    "source": "made", "domain": "hu", "hu_slope": "1", "hu_intercept": "-1024", "label": LABEL,
                    "width": "64", "height": "64", "pixel_mm": "2.0", "split": split,
                    "lung_px": str(int((ids == 1).sum())), "tumour_px": str(int((ids == 2).sum())),
                    "label_origin": "rule", "licence": licence,
                }  # fmt: skip
                writer.writerow(row | other)
    return folder


def with_four_libraries(script: str) -> "subprocess.CompletedProcess[str]":
    """Run a script of a training with torch, numpy, pillow and safetensors alone."""
    barred = {
        "scipy", "SimpleITK", "pydicom", "highdicom", "monai", "matplotlib", "skimage", "nibabel", "pydantic", "typer",
        "structlog", "rich", "dbos",
    }  # fmt: skip
    bar = (
        "import sys\n"
        "class Barred:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name.split('.')[0] in {barred}:\n"
        "            raise ImportError('barred: ' + name)\n"
        "sys.meta_path.insert(0, Barred())\n"
    )
    environment = os.environ | {"PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", bar + script]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def volume(hu_zyx: np.ndarray) -> Volume:
    """A volume that runs towards the head, 5 x 4 x 4 mm."""
    lps_from_zyx = np.array([[0, 0, 4.0, 0], [0, 4.0, 0, 0], [5.0, 0, 0, 0], [0, 0, 0, 1]])
    return Volume(hu_zyx.astype(np.int16), lps_from_zyx, (), 5.0, 0.0, (), SeriesFacts(()))


def two_lungs(n: int = 20) -> np.ndarray:
    """A body with two square lungs in it, slice after slice."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:64, :64]
    hu = np.full((n, 64, 64), -1000.0)
    hu[:, np.hypot(y - 32, x - 32) < 29] = 40.0
    hu[:, 18:40, 10:27] = -800.0
    hu[:, 18:40, 37:54] = -800.0
    return hu + rng.normal(0, 15, hu.shape)


def dense_ball(middle=(12, 16, 16), radius=5.0, shape=(24, 32, 32)) -> tuple[np.ndarray, np.ndarray]:
    """Return a dense ball in lung, HU, and its mask."""
    z, y, x = np.meshgrid(*(np.arange(n) for n in shape), indexing="ij")
    mask = (z - middle[0]) ** 2 + (y - middle[1]) ** 2 + (x - middle[2]) ** 2 <= radius**2
    return np.where(mask, 40, -850).astype(np.int16), mask.astype(np.uint8)


def write_cubes(folder: Path) -> Path:
    """Write five patients to learn from and two held out, each with a cube of a dense ball."""
    folder.mkdir(parents=True)
    lines = ["id,case,image,mask,domain,label,width,height,depth,tile,spacing_mm,hu_slope,hu_intercept,split,licence"]
    for n in range(7):
        hu, mask = dense_ball((12, 13 + n, 18 - n), 4.0 + 0.5 * n)
        Image.fromarray(((hu + 1024) // 5.19).astype(np.uint8).reshape(-1, 32)).save(folder / f"{n}.png")
        Image.fromarray((255 * mask).reshape(-1, 32)).save(folder / f"{n}m.png")
        part = "val" if n > 4 else "train"
        lines.append(f"C{n},P{n},{n}.png,{n}m.png,hu,255 = nodule,32,32,24,,0.7,5.19,-1024,{part},CC BY 3.0")
    (folder / "index.csv").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def small_set(tmp_path: Path) -> Path:
    """Three patients to learn from, one to validate on, two to judge on."""
    split = {"A": "train", "B": "train", "C": "train", "D": "val", "E": "test", "F": "test"}
    return write_set(tmp_path / "set", split)


def hasty(chosen: Entry) -> Plan:
    """The reduced protocol with a tenth of its steps: these sets are learnt in seconds."""
    plan = protocol.reduced(chosen)
    return replace(plan, schedule=replace(plan.schedule, slices_per_epoch=48))


@pytest.fixture(autouse=True)
def _hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "reduced", hasty)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small U-Net that has learnt the squares: a run folder."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    root = tmp_path_factory.mktemp("trained")
    split = {"A": "train", "B": "train", "C": "train", "D": "val"}
    small = write_set(root / "set", split)
    sizes = {"width": 4, "size": 64, "switches": ("depth=3",)}
    wish = Wish("unet", small, root / "run", lr=1e-2, epochs=20, precision="fp32", device="cpu", **sizes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session, "reduced", hasty)
        session.run(wish, lambda _: None)
    torch.set_num_threads(threads)
    return root / "run"


@pytest.fixture
def run_folder(small_set: Path, tmp_path: Path) -> Path:
    """A P2 that has hardly learnt anything."""
    out = tmp_path / "run"
    wish = LesionWish(
        "attention-unet-hybrid", (small_set,), out, width=4, crop=32, epochs=1, slices_per_epoch=16, precision="fp32",
        device="cpu", recipe="zscore", switches=("depth=2",),
    )  # fmt: skip
    lesion_session.run(wish, lambda _: None)
    return out


@pytest.fixture
def one_thread():
    """Compute on one thread: tiny networks gain nothing by more, and sums stay in one order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
