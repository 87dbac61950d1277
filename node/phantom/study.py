"""A whole synthetic study on disk: a CT, on request its PET, truth beside them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.nodules import choose_nodules
from node.phantom.thorax import make_thorax, thorax_grid
from node.phantom.truth import truth_of, write_truth


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """What the study holds."""

    n_slices: int = 64
    size: int = 512
    n_nodules: int = 0
    seed: int = 0
    emphysema_frac: float = 0.0
    contrast: bool = False
    noise_hu: float = 18.0


def write_study(out_dir: Path, plan: StudyPlan | None = None, options: SeriesOptions | None = None) -> dict[str, Any]:
    """Write `CT/*.dcm`, `truth.nrrd` and `truth.json` into a folder and return the truth.

    Two seeds give two patients with their own UIDs; the same seed gives the same files.
    """
    plan = plan or StudyPlan()
    options = options or default_options(plan)
    rng = np.random.default_rng(plan.seed)
    phantom = make_thorax(
        thorax_grid(plan.n_slices, plan.size),
        seed=plan.seed,
        nodules=choose_nodules(plan.n_nodules, rng),
        noise_hu=plan.noise_hu,
        emphysema_frac=plan.emphysema_frac,
        contrast=plan.contrast,
    )
    write_series(phantom, out_dir / "CT", options)
    write_truth(phantom, out_dir)
    return truth_of(phantom)


def default_options(plan: StudyPlan) -> SeriesOptions:
    """Return headers that belong to the plan: another seed is another patient."""
    return SeriesOptions(
        study_seed=f"study-{plan.seed}",
        patient_id=f"PHANTOM-{plan.seed}",
        accession_number=f"A{plan.seed}",
        contrast="IOPAMIDOL" if plan.contrast else "",
    )
