"""A whole synthetic study on disk: a CT, on request its PET, truth beside them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.nodules import choose_nodules
from node.phantom.pet import make_pet, pet_grid
from node.phantom.pet_dicom import PetOptions, suvbw_factor, write_pet
from node.phantom.phantom import Nodule
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
    pet: bool = False


def write_study(out_dir: Path, plan: StudyPlan | None = None, options: SeriesOptions | None = None) -> dict[str, Any]:
    """Write `CT/*.dcm`, `truth.nrrd` and `truth.json` into a folder, `PET/*.dcm` too if planned; return the truth.

    Two seeds give two patients; the same plan gives the same files. Whatever changes a voxel changes the UIDs, for two
    contents under one UID are a fault that the node tells (ID-DUPDIFF).
    """
    plan = plan or StudyPlan()
    options = options or default_options(plan)
    nodules = choose_nodules(plan.n_nodules, np.random.default_rng(plan.seed))
    phantom = make_thorax(
        thorax_grid(plan.n_slices, plan.size),
        seed=plan.seed,
        nodules=nodules,
        noise_hu=plan.noise_hu,
        emphysema_frac=plan.emphysema_frac,
        contrast=plan.contrast,
    )
    write_series(phantom, out_dir / "CT", options)
    truth = truth_of(phantom)
    if plan.pet:
        truth["pet"] = _write_pet(out_dir / "PET", nodules, plan, options)
    write_truth(phantom, out_dir, truth)
    return truth


def _write_pet(
    out_dir: Path, nodules: Sequence[Nodule], plan: StudyPlan, options: SeriesOptions
) -> dict[str, float | list[float]]:
    """Write the PET of the same study and patient; return what is true of it."""
    phantom = make_pet(pet_grid(), seed=plan.seed, nodules=nodules)
    series = replace(
        options,
        series_seed="pet",
        series_number=options.series_number + 1,
        series_description="PET AC",
        kernel=None,
        contrast="",
        thickness_mm=None,
        overrides={},
        slices={},
    )
    pet = PetOptions(series=series)
    write_pet(phantom, out_dir, pet)
    hot = [nodule.suv_g_ml for nodule in phantom.nodules if nodule.suv_g_ml is not None]
    return {"suvbw_factor": suvbw_factor(pet), "nodule_suv_g_ml_before_blur": hot}


def default_options(plan: StudyPlan) -> SeriesOptions:
    """Return headers that belong to the plan: another seed is another patient, another picture another study.

    A PET beside it leaves the CT as it is, and so its UIDs.
    """
    return SeriesOptions(
        study_seed=f"study-{replace(plan, pet=False)}",
        patient_id=f"PHANTOM-{plan.seed}",
        accession_number=f"A{plan.seed}",
        contrast="IOPAMIDOL" if plan.contrast else "",
    )
