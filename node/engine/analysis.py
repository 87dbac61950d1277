"""One case, analysed: the value between the durable steps *analyse* and *encode*, and its form on disk.

On disk it is `analysis.json` (segments, quantities, reasons; no patient data), `masks/labels.nrrd` and, of a measured
PET, `masks/pet.nrrd`.
"""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import TypeAdapter

from node.engine.masks import read_grid, read_labels, write_labels
from node.engine.pet_case import PetCase, PetMask
from node.engine.prior_line import PriorLine
from node.errors import Reason
from node.measure.lesions.values import LesionMeasurements
from node.measure.quantity import Quantity
from node.segment.contract import LungDefinition, ModelIdentity, Segment, Segmentation
from node.store.durable import write_whole
from node.volume.volume import Volume

_MASK = Path("masks") / "labels.nrrd"
_PET_MASK = Path("masks") / "pet.nrrd"
_FILE = "analysis.json"


@dataclass(frozen=True, slots=True)
class Analysis:
    """What was found and measured on one volume, and on its PET where it has one.

    `reasons` are those of all steps on the CT, in their order; those of the PET are in `pet`.
    """

    segmentation: Segmentation
    quantities: tuple[Quantity, ...]
    reasons: tuple[Reason, ...]
    timings_s: dict[str, float]
    lesions: tuple[LesionMeasurements, ...] = ()
    pet: PetCase | None = None
    prior: PriorLine | None = None
    pet_mask: PetMask | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class _Stored:
    segments: tuple[Segment, ...]
    definition: LungDefinition
    models: tuple[ModelIdentity, ...]
    segmentation_reasons: tuple[Reason, ...]
    unsure: tuple[str, ...]
    quantities: tuple[Quantity, ...]
    reasons: tuple[Reason, ...]
    timings_s: dict[str, float]
    lesions: tuple[LesionMeasurements, ...] = ()
    pet: PetCase | None = None
    prior: PriorLine | None = None


_adapter = TypeAdapter(_Stored)


def write_analysis(analysis: Analysis, volume: Volume, folder: Path) -> None:
    """Write the label maps first and the JSON last: where `analysis.json` stands, all of it stands."""
    write_labels(analysis.segmentation.labels_zyx, volume.lps_from_zyx, folder / _MASK)
    if analysis.pet_mask is not None:
        write_labels(analysis.pet_mask.labels_zyx, analysis.pet_mask.lps_from_zyx, folder / _PET_MASK)
    rewrite_analysis(analysis, folder)


def rewrite_analysis(analysis: Analysis, folder: Path) -> None:
    """Write all but the label map, which stays as it is."""
    found = analysis.segmentation
    stored = _Stored(
        segments=found.segments,
        definition=found.definition,
        models=found.models,
        segmentation_reasons=found.reasons,
        unsure=found.unsure,
        quantities=analysis.quantities,
        reasons=analysis.reasons,
        timings_s=analysis.timings_s,
        lesions=analysis.lesions,
        pet=analysis.pet,
        prior=analysis.prior,
    )
    write_whole(folder / _FILE, _adapter.dump_json(stored))


def read_analysis(folder: Path) -> Analysis | None:
    """Read a finished analysis; None where there is none yet."""
    file = folder / _FILE
    if not file.exists():
        return None
    stored = _adapter.validate_json(file.read_bytes())
    segmentation = Segmentation(
        labels_zyx=read_labels(folder / _MASK),
        segments=stored.segments,
        definition=stored.definition,
        models=stored.models,
        reasons=stored.segmentation_reasons,
        unsure=stored.unsure,
    )
    return Analysis(
        segmentation,
        stored.quantities,
        stored.reasons,
        stored.timings_s,
        lesions=stored.lesions,
        pet=stored.pet,
        prior=stored.prior,
        pet_mask=_pet_mask(folder) if stored.pet is not None and stored.pet.found is not None else None,
    )


def _pet_mask(folder: Path) -> PetMask:
    return PetMask(read_labels(folder / _PET_MASK), read_grid(folder / _PET_MASK)[1])
