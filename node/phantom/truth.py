"""What is true of a phantom, beside its files: `truth.nrrd` (labels) and `truth.json` (numbers)."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

from node.phantom.phantom import FIRST_NODULE, LEFT_LUNG, RIGHT_LUNG, Phantom


def truth_of(phantom: Phantom) -> dict[str, Any]:
    """Return the numbers that a measurement must find: volumes in ml, densities in HU, nodules in LPS mm.

    A lung's volume is given both with the nodules in it and without them.
    """
    voxel_ml = phantom.grid.voxel_ml
    nodules: list[dict[str, Any]] = [
        {
            "label": FIRST_NODULE + i,
            "centre_lps_mm": list(nodule.centre_lps_mm),
            "diameter_mm": nodule.diameter_mm,
            "kind": nodule.kind.value,
            "suv_g_ml": nodule.suv_g_ml,
            "side": "right" if nodule.centre_lps_mm[0] < 0 else "left",
            "volume_ml": int((phantom.labels_zyx == FIRST_NODULE + i).sum()) * voxel_ml,
            "mean_hu": _mean(phantom, FIRST_NODULE + i),
        }
        for i, nodule in enumerate(phantom.nodules)
    ]
    lungs = {}
    for side, label in (("right", RIGHT_LUNG), ("left", LEFT_LUNG)):
        without_ml = int((phantom.labels_zyx == label).sum()) * voxel_ml
        inside_ml = sum(n["volume_ml"] for n in nodules if n["side"] == side)
        lungs[side] = {
            "volume_ml_without_nodules": without_ml,
            "volume_ml_with_nodules": without_ml + inside_ml,
            "mean_hu": _mean(phantom, label),
        }
    return {
        "lps_from_zyx": phantom.grid.lps_from_zyx.tolist(),
        "shape_zyx": list(phantom.grid.shape_zyx),
        "labels": {"right-lung": RIGHT_LUNG, "left-lung": LEFT_LUNG},
        "lungs": lungs,
        "nodules": nodules,
    }


def write_truth(phantom: Phantom, out_dir: Path, truth: dict[str, Any] | None = None) -> None:
    """Write `truth.nrrd` and `truth.json` into a folder; the numbers are the phantom's own unless given."""
    out_dir.mkdir(parents=True, exist_ok=True)
    (out_dir / "truth.json").write_text(json.dumps(truth or truth_of(phantom), indent=1) + "\n")
    (out_dir / "truth.nrrd").write_bytes(_nrrd(phantom))


def _mean(phantom: Phantom, label: int) -> float | None:
    values = phantom.hu_zyx[phantom.labels_zyx == label]
    return float(values.mean()) if values.size else None


def _nrrd(phantom: Phantom) -> bytes:
    """Return the label map as NRRD 5 (axes x, y, z; space LPS), gzip encoded."""
    matrix = phantom.grid.lps_from_zyx
    directions = " ".join(_vector(matrix[:3, axis]) for axis in (2, 1, 0))
    z, y, x = phantom.grid.shape_zyx
    header = (
        "NRRD0005\ntype: uint8\ndimension: 3\nspace: left-posterior-superior\n"
        f"sizes: {x} {y} {z}\nspace directions: {directions}\nspace origin: {_vector(matrix[:3, 3])}\n"
        "kinds: domain domain domain\nencoding: gzip\n\n"
    )
    return header.encode() + gzip.compress(np.ascontiguousarray(phantom.labels_zyx).tobytes(), 1, mtime=0)


def _vector(values: Any) -> str:
    return "(" + ",".join(f"{float(value):.12g}" for value in values) + ")"
