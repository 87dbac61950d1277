"""P3's classifier trained: malignant or not from readers' impressions, or the subtype label of unknown origin.

    malignancy   nodule2d, median rating above 3 against below 3 (3 is left out), on the region that 2 of 4 readers drew
    subtype      subtype2d, on the whole picture (it has no masks), or on the region of a P3 run where that finds one

Neither is pathology and no figure says anything about patients: the heads ship off by default and never speak in a
report. `run.json` carries the warning beside the figures.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from node.errors import InputRefused
from node.learn import checkpoint
from node.learn.classify_score import ClassScore, score
from node.learn.index import Row, refuse_leakage, refuse_unfree
from node.learn.nodule_crop import read_crop
from node.learn.run_folder import BEST, write_told
from node.learn.subtype_picture import read_subtype
from node.segment.networks.subtype_classifier import SUBTYPES, SubtypeClassifier
from node.segment.preprocess.region import region
from node.segment.preprocess.window import window

MALIGNANCY = ("benign", "malignant")
WARNINGS = {
    "malignancy": "readers' impressions, not pathology; grey levels without Hounsfield units",
    "subtype": "labels of unknown origin, licence unknown, patients cross the splits, the format alone tells the class "
    "better than chance: a plumbing exercise that says nothing about recognising a subtype on CT",
}
FindMask = Callable[[NDArray[np.float32]], NDArray[np.bool_]]  # a grey picture 0 ... 1 to a mask of its shape

_UNDECIDED = 3.0
_AGREED = 2
_JUDGED_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Regions:
    """What is classified: (n, 2, side, side) pictures with masks, a class and a case for each."""

    pictures: Tensor
    labels: Tensor
    cases: tuple[str, ...]
    n_with_mask: int


@dataclass(frozen=True, slots=True)
class ClassifierJob:
    """One training."""

    head: str
    out: Path
    width: int = 16
    lr: float = 1e-3
    epochs: int = 60
    patience: int = 10
    batch: int = 32
    seed: int = 0
    threads: int = 0  # 0: torch's choice


def malignancy_regions(rows: Sequence[Row]) -> Regions:
    """Read crops whose median rating is not 3, where at least two readers drew something."""
    found, labels, cases = [], [], []
    for row in rows:
        if not row["malignancy_median"] or float(row["malignancy_median"]) == _UNDECIDED:
            continue
        crop = read_crop(row)
        mask = torch.from_numpy(crop.votes_yx >= _AGREED)[None]
        if mask.any():
            picture = window(torch.from_numpy(crop.hu_yx.astype(np.float32)))[None]
            found.append(region(picture, mask))
            labels.append(int(float(row["malignancy_median"]) > _UNDECIDED))
            cases.append(row.case)
    return _regions(found, labels, cases, len(found))


def subtype_regions(rows: Sequence[Row], find: FindMask | None = None) -> Regions:
    """Read pictures, whole or cut round what `find` marks; where it marks nothing the whole picture stays."""
    found, labels, cases, n_with_mask = [], [], [], 0
    for row in rows:
        piece = read_subtype(row)
        mask = np.zeros(piece.grey_yx.shape, bool) if find is None else find(piece.grey_yx)
        n_with_mask += bool(mask.any())
        found.append(region(torch.from_numpy(piece.grey_yx)[None], torch.from_numpy(mask)[None]))
        labels.append(piece.label)
        cases.append(row.case)
    return _regions(found, labels, cases, n_with_mask)


def train_classifier(
    job: ClassifierJob, rows: Sequence[Row], read: Callable[[Sequence[Row]], Regions], *, any_licence: bool = False
) -> dict[str, object]:
    """Train on the rows of train, keep the best epoch on val; write weights and `run.json`.

    Raises
    ------
    InputRefused
        SET-LEAK, SET-LICENCE as `index`; SET-EMPTY if a side has nothing to learn from.
    """
    if job.threads:
        torch.set_num_threads(job.threads)
    refuse_leakage(rows)
    if not any_licence:
        refuse_unfree(rows)
    seen, held = (read([row for row in rows if row.split == split]) for split in ("train", "val"))
    if not seen.cases or not held.cases:
        raise InputRefused("SET-EMPTY", f"{len(seen.cases)} regions to learn from, {len(held.cases)} to validate on")
    names = MALIGNANCY if job.head == "malignancy" else SUBTYPES
    torch.manual_seed(job.seed)
    model = SubtypeClassifier(2, job.width, len(names))
    best, epochs = _fit(job, model, seen, held, names)
    told: dict[str, object] = {
        "head": job.head,
        "classes": names,
        "warning": WARNINGS[job.head],
        "default": "off; never a finding in a report",
        "pretrained": "none",
        "width": job.width,
        "n_train": len(seen.cases),
        "n_val": len(held.cases),
        "n_val_with_mask": held.n_with_mask,
        "epochs": epochs,
        "val": best.told(),
        "licences": sorted({row["licence"] or "not stated" for row in rows}),
        "free": all(row.is_free for row in rows),
        "train_cases": sorted(set(seen.cases)),
    }
    write_told(job.out, told)
    return told


def classify(model: SubtypeClassifier, regions: Regions) -> NDArray[np.float64]:
    """Return the probability of each class, (n, classes)."""
    model.eval()
    with torch.inference_mode():
        parts = [model(part).softmax(1) for part in torch.split(regions.pictures, _JUDGED_AT_ONCE)]
    answer: NDArray[np.float64] = torch.cat(parts).double().numpy()
    return answer


def _fit(
    job: ClassifierJob, model: SubtypeClassifier, seen: Regions, held: Regions, names: Sequence[str]
) -> tuple[ClassScore, int]:
    """Train until the mean recall on val no longer improves; leave the best weights on disk."""
    job.out.mkdir(parents=True, exist_ok=True)
    optimiser = torch.optim.Adam(model.parameters(), lr=job.lr)
    counts = torch.bincount(seen.labels, minlength=len(names)).float()
    weight = counts.sum() / (len(names) * counts.clamp_min(1.0))  # rare classes count as much as frequent ones
    best, best_epoch = None, 0
    for epoch in range(job.epochs):
        model.train()
        rng = np.random.default_rng((job.seed, epoch))
        for index in np.array_split(rng.permutation(len(seen.cases)), max(len(seen.cases) // job.batch, 1)):
            x = _changed(seen.pictures[index], rng)
            loss = F.cross_entropy(model(x), seen.labels[index], weight)
            optimiser.zero_grad(set_to_none=True)
            torch.autograd.backward(loss)
            optimiser.step()
        now = score(classify(model, held), held.labels.numpy(), names)
        if best is None or now.mean_recall > best.mean_recall:
            best, best_epoch = now, epoch
            checkpoint.save(job.out / BEST, model, None, {"epoch": epoch})
        if epoch - best_epoch >= job.patience:
            break
    if best is None:
        raise InputRefused("SET-EMPTY", "no epoch was asked for")
    return best, epoch + 1


def _changed(pictures: Tensor, rng: np.random.Generator) -> Tensor:
    """Flip left and right and upside down, move by up to four pixels."""
    if rng.random() < 0.5:
        pictures = pictures.flip(-1)
    if rng.random() < 0.5:
        pictures = pictures.flip(-2)
    down, across = rng.integers(-4, 5, 2)
    return pictures.roll((int(down), int(across)), (-2, -1))


def _regions(found: list[Tensor], labels: list[int], cases: list[str], n_with_mask: int) -> Regions:
    pictures = torch.stack(found) if found else torch.zeros(0, 2, 1, 1)
    return Regions(pictures, torch.tensor(labels, dtype=torch.long), tuple(cases), n_with_mask)
