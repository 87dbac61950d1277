"""What can be trained: each system with its network, loss, preprocessing and the paper's schedule.

Networks are imported when they are built; this file imports torch alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar

from torch import nn

from node.errors import InputRefused
from node.learn.losses import Loss, p0_loss, p1_loss
from node.learn.sizes import Sizes
from node.segment.contract import LungDefinition, Task
from node.segment.networks import table

Decay = Literal["plateau", "cosine"]
E = TypeVar("E")

_BASELINE_SIZE = 256  # the papers give none for their baselines


@dataclass(frozen=True, slots=True)
class Schedule:
    """How a paper trains. What it does not state is the common decision: early stop after 15, plateau after 5.

    With `decay` "cosine" the rate follows half a cosine from `lr` to nearly zero over `epochs`, the first of which
    warms up, whatever the plateau says; the last epoch is then the schedule's own end.
    """

    lr: float = 1e-4
    batch: int = 8
    epochs: int = 200
    patience: int = 15
    plateau: int = 5
    factor: float = 0.5
    slices_per_epoch: int | None = None  # None: every row once
    optimiser: str = "adam"
    decay: Decay = "plateau"


@dataclass(frozen=True, slots=True)
class Phase:
    """One part of a training: which parameters move (by prefix; empty: all), on which rows, until when."""

    name: str
    free: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    patience: int | None = None  # None: the schedule's


@dataclass(frozen=True, slots=True)
class Entry:
    """One system that can be trained.

    Attributes
    ----------
    name : of the command line and of the model's folder.
    paper : P0 ... P4, or "baseline".
    kind : the network's file in `segment.networks`, or "monai" for what only learns and is never shipped.
    full : the paper's sizes; any of them may be overridden.
    loss : of `losses`.
    recipe : of `preprocess.recipes`.
    body_only : whether what lies outside the body is set to air first (P1's artefact removal).
    """

    name: str
    paper: str
    title: str
    kind: str
    full: Sizes
    size: int
    loss: Loss
    recipe: str
    body_only: bool
    task: Task
    definition: LungDefinition
    schedule: Schedule
    phases: tuple[Phase, ...] = (Phase("all"),)

    def build(self, sizes: Sizes) -> nn.Module:
        """Build its network with random weights."""
        return build(self.kind, self.name, self.size, sizes)


def build(kind: str, name: str, size: int, sizes: Sizes) -> nn.Module:
    """Build a network with random weights; of kind "monai" it is MONAI's of this name, for pictures of `size`."""
    if kind != "monai":
        return table.build(kind, dict(sizes))
    from node.learn import monai_networks  # noqa: PLC0415  training needs no MONAI

    return monai_networks.build(name, size, sizes)


def _baseline(name: str, title: str, kind: str, further: Sizes | None = None) -> Entry:
    """Return a baseline: P0's loss, window and definition, so that a comparison compares networks."""
    sizes = {"channels": 1, "width": 64, **(further or {})}
    return Entry(
        name, "baseline", title, kind, sizes, _BASELINE_SIZE, p0_loss, "window", False, Task.LUNGS,
        LungDefinition.WITHOUT_LESIONS, Schedule(),
    )  # fmt: skip


# P0's two phases of training, the second on the clinical domain with decoder and gates freed first
_P0_PHASES = (
    Phase("public slices", where=("domain!=hu",)),
    Phase("a: decoder and gates", free=("fusions.", "head."), where=("domain=hu",), patience=5),
    Phase("b: and block 2", free=("fusions.", "head.", "blocks.1."), where=("domain=hu",), patience=5),
    Phase("c: everything", where=("domain=hu",), patience=5),
)

ENTRIES: Mapping[str, Entry] = {
    entry.name: entry
    for entry in (
        Entry(
            "aru-net", "P0", "ARU-Net", "aru_net", {"channels": 1, "width": 64, "depth": 2}, 256, p0_loss, "window",
            False, Task.LUNGS, LungDefinition.WITHOUT_LESIONS, Schedule(), _P0_PHASES,
        ),
        Entry(
            "fusionlungnet", "P1", "FusionLungNet", "fusionlungnet", {"channels": 1, "width": 64}, 320, p1_loss, "p1",
            True, Task.LUNGS, LungDefinition.WITH_LESIONS, Schedule(batch=32),
        ),
        _baseline("unet", "U-Net", "unet", {"depth": 4}),
        _baseline("segnet", "SegNet", "segnet"),
        _baseline("pspnet", "PSPNet", "pspnet"),
        _baseline("deeplabv3plus", "DeepLabV3+", "deeplabv3plus"),
        _baseline("resnet34-unet", "ResNet-34 U-Net", "resnet34_unet"),
        _baseline("bcdu-net", "BCDU-Net", "bcdu_net"),
        _baseline("attention-unet", "Attention U-Net", "monai"),
        _baseline("unet++", "UNet++", "monai"),
        _baseline("unetr", "UNETR", "monai"),
        _baseline("swin-unetr", "SwinUNETR", "monai"),
        _baseline("dynunet", "DynUNet (nnU-Net-like)", "monai"),
    )
}  # fmt: skip


def entry(name: str) -> Entry:
    """Return the system of this name, or raise InputRefused MODEL-UNKNOWN."""
    return named(ENTRIES, name, "for tumours see `lungnode train-lesions --help`")


def named(entries: Mapping[str, E], name: str, advice: str) -> E:
    """Return the entry of this name.

    Raises
    ------
    InputRefused
        MODEL-UNKNOWN, with the names that there are, and where others are.
    """
    if name not in entries:
        raise InputRefused("MODEL-UNKNOWN", f"{name!r} is none of {', '.join(sorted(entries))}; {advice}")
    return entries[name]
