"""Report pages and key slices of phantoms whose lesions are known: for the eye (docs/review/phantom-lesions) and tests.

`python -m tests.report.lesion_pages FOLDER` writes three studies, measures the phantom's own outlines (no lesion model
is needed) and keeps the pictures of each in FOLDER/NAME/objects: `ct`, `many` with more lesions than are measured, and
`pet-ct`.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from node.engine import line
from node.engine.analysis import Analysis, write_analysis
from node.phantom.dicom import SeriesOptions, write_series
from node.phantom.nodules import choose_nodules
from node.phantom.pet import make_pet, pet_grid
from node.phantom.pet_dicom import PetOptions, write_pet
from node.phantom.phantom import FIRST_NODULE, Nodule, Phantom
from node.phantom.thorax import make_thorax, thorax_grid
from node.report.encoded import EncodedObject
from node.segment.contract import ModelIdentity, Segmentation, Task
from node.settings import Rung, Settings
from node.volume.volume import Volume
from tests.engine.test_pet_line import OUTLINES, PET, case_of
from tests.measure.lesions.conftest import segmentation_of

SIX = choose_nodules(6, np.random.default_rng(0))
# Two balls of 24 mm, one lesion: 40 mm long from the back of the right side to the front, 24 mm across.
MASS = (Nodule((-84.0, 20.0, -20.0), 24.0, suv_g_ml=12.0), Nodule((-71.2, 10.4, -20.0), 24.0, suv_g_ml=12.0))
TINY = Nodule((62.0, 0.0, 10.0), 6.0)
# Hot in the PET only: at the mediastinum, two of them near each other as seen from the front.
APART = (
    Nodule((8.0, -20.0, 40.0), 16.0, suv_g_ml=7.0),
    Nodule((20.0, 20.0, 30.0), 14.0, suv_g_ml=6.5),
    Nodule((-70.0, -40.0, 60.0), 12.0, suv_g_ml=6.0),
)
UNCERTAIN = "nodule-8"  # the tiny one
_SHARE = frozenset({Rung.SEG, Rung.SR, Rung.KEY_SLICES, Rung.SUMMARY, Rung.PDF})


@dataclass(frozen=True)
class Made:
    """One study with its results. `phantom` has the mass under one label, the first."""

    phantom: Phantom
    analysis: Analysis
    volume: Volume
    objects: tuple[EncodedObject, ...]


@dataclass(frozen=True)
class Outlined:
    """Stands in for a lesion model: gives the phantom's outlines."""

    phantom: Phantom
    identity: ModelIdentity = OUTLINES

    def segment(self, volume: Volume) -> Segmentation:
        assert np.allclose(volume.lps_from_zyx, self.phantom.grid.lps_from_zyx)
        n_lesions = int(self.phantom.labels_zyx.max()) - FIRST_NODULE + 1
        found = segmentation_of(self.phantom.labels_zyx, n_lesions)
        segments = [
            replace(s, confidence=0.31, doubt="the model's confidence is 0.31") if s.name == UNCERTAIN else s
            for s in found.segments
        ]
        lesions = replace(self.identity, name="lesions-outlined", task=Task.LESIONS)
        return replace(found, segments=tuple(segments), models=(self.identity, lesions))


def scattered(n: int) -> list[Nodule]:
    """Return nodules of 6 to 12 mm, evenly over both lungs."""
    places = [(side * x, y, z) for z in (-80.0, -40.0, 0.0, 40.0) for x, y in ((62, -25), (95, 10), (75, 40))
              for side in (-1, 1)]  # fmt: skip
    return [Nodule(place, 6.0 + k % 7) for k, place in enumerate(places[:n])]


def one_mass(phantom: Phantom) -> Phantom:
    """Put the first two nodules under one label, so that labels have no gap."""
    labels_zyx = phantom.labels_zyx.copy()
    labels_zyx[labels_zyx > FIRST_NODULE] -= 1
    return replace(phantom, labels_zyx=labels_zyx)


def make(folder: Path, nodules: Sequence[Nodule], *, pet: bool = False, n_slices: int = 107, size: int = 400) -> Made:
    """Write a study and its results."""
    study, out = folder / "study", folder
    phantom = make_thorax(thorax_grid(n_slices, size), nodules=nodules, noise_hu=8.0)
    write_series(phantom, study / "ct", SeriesOptions())
    if pet:
        write_pet(make_pet(pet_grid(), nodules=[*nodules, *APART]), study / "pet", PetOptions(series=PET))
    if nodules[:2] == MASS:
        phantom = one_mass(phantom)
    case, volume = case_of(study)
    model = Outlined(phantom)
    analysis = line.analyse_volume(volume, model, line.pet_of(case) if pet else None)
    assert isinstance(analysis, Analysis)
    write_analysis(analysis, volume, out)
    objects = line.encode_case(
        case, line.identify(case, model, Settings()), Settings(), out, now=datetime.now(UTC), volume=volume,
        shares=(_SHARE,),
    )  # fmt: skip
    return Made(phantom, analysis, volume, objects)


def main(folder: Path) -> None:
    make(folder / "ct", (*MASS, *SIX, TINY))
    make(folder / "many", scattered(23))
    make(folder / "pet-ct", (*MASS, *SIX, TINY), pet=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
