"""The reduced protocol: what two cores can train, the same for every network and baseline.

Written once, so that a difference between two rows of a table is one of networks:

    input        256 x 256, one channel, HU rows under free licences, by patient
    width        16 at the first level (P0 with 5 stages, P1's encoder stem, U-Net with 4 poolings), in every name
    batch        8 slices; an epoch is 480 slices, a case with n slices drawn as often as the root of n
    optimiser    Adam, 1e-3 at first (`--search` tries 3e-4, 1e-3 and 3e-3 for two epochs each), down half a cosine to
                 nearly zero, so that a training has an end that two cores reach
    tumours      a pixel of an outlined tumour counts ten times in the loss and in the Dice that steers: tumours are two
                 per cent of a lung, and without that both definitions end in the same mask
    end          24 epochs; the weights of the epoch with the best weighted validation Dice are kept
    augmentation `augment.Strength` as it stands, in three slices of ten drawn dense lung that stays lung
                 (`dense_lung.DensePlan`), in four of ten a drawn mass (`masses.MassPlan`)
    validation   at most 12 slices of each case, a case weighing as the root of its slices
    precision    bf16 and channels-last on the CPU where it has bf16, losses and batch statistics in single precision
"""

from dataclasses import dataclass

from node.learn.catalogue import Entry, Phase, Schedule
from node.learn.sizes import Sizes

SIZE = 256
PER_CASE = 12
WIDTH = 16
SCHEDULE = Schedule(lr=1e-3, batch=8, epochs=24, patience=24, slices_per_epoch=480, decay="cosine")
LEARNING_RATES = (3e-4, 1e-3, 3e-3)
SEARCH_EPOCHS = 2
LESION_WEIGHT = 10.0
_DEPTHS = {"aru-net": 5}  # two stages see 30 pixels, too few to tell lung from bowel


@dataclass(frozen=True, slots=True)
class Plan:
    """All that decides a training, written beside its result."""

    sizes: Sizes
    size: int
    per_case: int
    schedule: Schedule
    phases: tuple[Phase, ...]
    name: str  # of the protocol
    lesion_weight: float = 1.0  # of a tumour's pixel in the loss
    lesion_reach_px: int = 0  # what is no farther from a tumour weighs as much
    is_drawn_into: bool = False  # whether dense lung and masses are drawn into slices (ours)


def paper(entry: Entry) -> Plan:
    """Return the paper's own sizes and schedule: for a GPU."""
    return Plan(dict(entry.full), entry.size, 100000, entry.schedule, entry.phases, "paper")


def reduced(entry: Entry, width: int = WIDTH) -> Plan:
    """Return the reduced protocol for one system."""
    sizes = dict(entry.full)
    if "width" in sizes:
        sizes["width"] = width
    if entry.name in _DEPTHS:
        sizes["depth"] = _DEPTHS[entry.name]
    return Plan(sizes, SIZE, PER_CASE, SCHEDULE, (Phase("all"),), "reduced", LESION_WEIGHT, is_drawn_into=True)
