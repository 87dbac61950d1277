"""The tumour systems that can be trained: network, loss, preprocessing and schedule of each paper, and the reduced one.

The reduced protocol is the same for P2, P3, P4 and the baselines, so that a difference between two rows is one of
networks and losses: what two cores can train.

    input        256 x 256 in HU (larger slices reduced), lung and body window and one neighbour on either side as
                 channels; P4: 8 slices in a row, both windows and the gap between slices
    crops        192 x 192, half of them round a tumour; nodule cubes and regions side by side in one
    draws        half from slices of 8 bits, a tenth from single slices in HU, a fifth each from volumes and from cubes
                 (`SHARES`); the score that steers weighs the domains alike
    neighbours   every 2nd or 3rd slice in half of the draws, at most 6 mm apart (`LesionSet.strides`), feet up in half;
                 left out as often where there is a lesion as where there is none (`LesionSet.alone_odds`); not for P4
    width        16 at the first level, in every name
    batch        8 slices (P4: 2 runs of 8); an epoch is 480 slices, a case with n slices as often as the root of n
    optimiser    Adam, 1e-3 at first, down half a cosine to nearly zero; moving average 0.99
    cubes        the 3D U-Net of cubes: whole cubes of `nodule3d` alone, 4 a step, 60 epochs (`cube_draws`)
    end          16 epochs; the average's best epoch by validation Dice is kept
    augmentation `augment.Strength`, as for the lungs, and in three crops of ten a lesion of another crop
                 (`transplants.TransplantPlan`; not for P4)
    validation   every validation slice whole; half slice Dice, half Dice pooled per case, mean over cases
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from node.learn.bce_iou import bce_alone, bce_dice, bce_iou, bce_iou_of_step
from node.learn.catalogue import ENTRIES as LUNG_ENTRIES
from node.learn.catalogue import Schedule, named
from node.learn.ce_dice import ce_alone, ce_dice, run_dice_focal
from node.learn.cube_loss import cube_bce_dice
from node.learn.dice_focal import dice_alone, dice_focal, focal_alone
from node.learn.freeze import Frozen
from node.learn.sizes import Sizes
from node.segment.networks.logits import Logits
from node.segment.preprocess.lesion_recipes import N_WINDOWS

RunLoss = Callable[[Logits, Tensor, Tensor | None], Tensor]


def _of_slices(loss: Callable[[Logits, Tensor], Tensor]) -> RunLoss:
    """Let a loss of single slices judge runs: of them, the slices that are there.

    Further maps, which two of the baselines have, are supervised with weight 1, as when they learn lungs.
    """

    def of_runs(output: Logits, target: Tensor, valid: Tensor | None) -> Tensor:
        if valid is None:
            maps = (output.main, *output.auxiliary)
            return sum((loss(Logits(m), target) for m in maps), torch.zeros((), device=target.device))
        return loss(Logits(output.main[valid]), target[valid])

    return of_runs


LOSSES: Mapping[str, RunLoss] = {
    "dice-focal": _of_slices(dice_focal),
    "dice-focal-l0.3": _of_slices(lambda o, t: dice_focal(o, t, 0.3)),
    "dice-focal-l0.7": _of_slices(lambda o, t: dice_focal(o, t, 0.7)),
    "dice-focal-a0.25": _of_slices(lambda o, t: dice_focal(o, t, 0.5, 0.25)),
    "dice": _of_slices(dice_alone),
    "focal": _of_slices(focal_alone),
    "bce": _of_slices(bce_alone),
    "bce-iou": _of_slices(bce_iou),
    "bce-iou-of-step": _of_slices(bce_iou_of_step),
    "bce-dice": _of_slices(bce_dice),
    "ce": ce_alone,
    "ce-dice": ce_dice,
    "run-dice-focal": run_dice_focal,
    "cube-bce-dice": lambda output, target, _: cube_bce_dice(output, target),
}


SHARES: Mapping[str, float] = {"hu8": 0.5, "hu": 0.1, "volume": 0.2, "cube": 0.2}


@dataclass(frozen=True, slots=True)
class LesionPhase:
    """One part of a training: what is frozen, for how many epochs (None: until the end), under which loss."""

    name: str
    frozen: Frozen = Frozen.NOTHING
    epochs: int | None = None
    loss: str | None = None  # None: the plan's
    may_stop: bool = True  # whether the early stop counts


@dataclass(frozen=True, slots=True)
class LesionPlan:
    """All that decides a training, written beside its result.

    Attributes
    ----------
    sizes : of the network; `channels` follows from recipe and neighbours.
    size : slices that are larger are reduced to this.
    crop_px : side of what is learnt from.
    neighbours : slices on either side as channels; 0 for runs.
    run_length : slices in a run; 0 for networks of single slices.
    cube_depth : slices of a cube that is learnt from whole; 0 for networks of slices and runs.
    magnify : how many times as large the network is shown what is cut out; not for runs.
    three_planes : cubes are learnt from along all three axes, their voxels being as long as wide.
    hazy_copies : half of the solid nodules of cubes are learnt as ground glass, too.
    average : decay of the moving average, 0 for none.
    shares : of each domain in what is drawn and in the score that steers.
    has_transplants : whether lesions are transplanted between crops (ours; not for runs).
    """

    protocol: str
    sizes: Sizes
    loss: str
    recipe: str
    schedule: Schedule
    phases: tuple[LesionPhase, ...] = (LesionPhase("all"),)
    size: int = 256
    crop_px: int = 256
    lesion_frac: float = 0.5
    neighbours: int = 0
    run_length: int = 0
    cube_depth: int = 0
    magnify: int = 1
    three_planes: bool = False
    hazy_copies: bool = False
    average: float = 0.0
    shares: Mapping[str, float] = field(default_factory=lambda: dict(SHARES))
    has_transplants: bool = False

    @property
    def channels(self) -> int:
        """What the network is given for each slice: windows times slices, and the gap for runs."""
        own = N_WINDOWS[self.recipe] * (2 * self.neighbours + 1)
        return own + 1 if self.run_length else own


@dataclass(frozen=True, slots=True)
class LesionEntry:
    """One system; `kind` is its file in `segment.networks`, or "monai" for what only learns and is never shipped."""

    name: str
    paper: str
    title: str
    kind: str
    plan: LesionPlan


# P3 with backbones that have learnt something (`--init`): three phases
PRETRAINED_PHASES = (
    LesionPhase("1: first 50 leaves frozen", Frozen.FIRST_LEAVES, 50, "bce", may_stop=False),
    LesionPhase("2: stem and two stages frozen", Frozen.STEM_AND_TWO, 100),
    LesionPhase("3: everything", epochs=50),
)
REDUCED = Schedule(lr=1e-3, batch=8, epochs=16, patience=16, slices_per_epoch=480, decay="cosine")
_WIDTH = 16
_RUN = 8
_CUBE = 40

_BASELINES = tuple(  # those of the lung systems
    LesionEntry(
        one.name, one.paper, one.title, one.kind,
        LesionPlan(
            "paper", {name: size for name, size in one.full.items() if name != "channels"}, "bce-dice", "unit",
            Schedule(),
        ),
    )
    for one in LUNG_ENTRIES.values()
    if one.paper == "baseline"
)  # fmt: skip

ENTRIES: Mapping[str, LesionEntry] = {
    entry.name: entry
    for entry in (
        LesionEntry(
            "attention-unet-hybrid", "P2", "Attention U-Net, hybrid loss", "attention_unet_hybrid",
            LesionPlan(
                "paper", {"width": 64, "depth": 4, "gate": 1, "residual": True}, "dice-focal", "zscore", Schedule()
            ),
        ),
        LesionEntry(
            "dual-backbone-unet", "P3", "Dual-backbone U-Net", "dual_backbone_unet",
            LesionPlan(
                "paper", {"width": 64, "resnet": True, "efficientnet": True, "dilation": True, "se": True}, "bce-iou",
                "windows", Schedule(lr=1e-3, epochs=200), average=0.999,
            ),
        ),
        LesionEntry(
            "raemd-net", "P4", "RAEMD-Net", "raemd_net",
            LesionPlan(
                "paper",
                {
                    "width": 32, "multi_scale": True, "dense": True, "attention": True, "lstm": True,
                    "bidirectional": True,
                },
                "ce-dice", "unit", Schedule(lr=1e-3, batch=16, epochs=100, factor=0.1), run_length=_RUN,
            ),
        ),
        *_BASELINES,
        LesionEntry(
            "unet-3d", "baseline", "3D U-Net", "monai",
            LesionPlan("paper", {"width": 64}, "bce-dice", "unit", Schedule(batch=16), run_length=_RUN),
        ),
        LesionEntry(
            "cube-unet", "baseline", "3D U-Net of cubes", "cube_unet",
            LesionPlan(
                "paper", {"width": 32, "depth": 3}, "cube-bce-dice", "windows",
                Schedule(lr=1e-3, batch=4, epochs=60, patience=60, decay="cosine"), crop_px=48, cube_depth=_CUBE,
                average=0.99,
            ),
        ),
    )
}  # fmt: skip


def lesion_entry(name: str) -> LesionEntry:
    """Return the system of this name, or raise InputRefused MODEL-UNKNOWN."""
    return named(ENTRIES, name, "for lungs see `lungnode train --help`")


def reduced(entry: LesionEntry) -> LesionPlan:
    """Return the reduced protocol for one system: its own network, loss and run length, all else alike."""
    if entry.plan.cube_depth:
        return replace(entry.plan, protocol="reduced", sizes={**entry.plan.sizes, "width": _WIDTH})
    length = entry.plan.run_length
    schedule = replace(REDUCED, batch=2 * length if length else REDUCED.batch)
    return LesionPlan(
        "reduced", {**entry.plan.sizes, "width": _WIDTH}, entry.plan.loss, "windows", schedule, crop_px=192,
        neighbours=0 if length else 1, run_length=length, average=0.99, has_transplants=not length,
    )  # fmt: skip
