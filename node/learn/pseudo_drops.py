"""Which rows the networks do not learn from, and why: what was seen when the outlines were looked at.

Each line: the case, the first and the last slice, the reason. The sets' own READMEs name the defects of the tumour
outlines. `EMPTIED` are slices of the abdomen whose gas the rule took for lung: they serve as slices without lung. `GAS`
names a pixel of each piece of stomach or bowel gas which the rule took for lung beside real lung: the piece goes,
and the slice is learnt from, because a network that never sees gas beside lung takes it for lung, too.
"""

_ALL = (0, 100000)

_DROPPED: tuple[tuple[str, int, int, str], ...] = (
    ("MSD-S18", 1, 1, "stomach gas beside lung"),
    ("MSD-S40", 10, 10, "bowel gas beside lung"),
    ("MSD-S47", 1, 1, "stomach gas beside lung"),
    ("MSD-S43", 188, 100000, "the tumour's outline leaves the lung towards the neck"),
    ("MSD-S25", 364, 100000, "the tumour's outline is a strip along the wall of a bulla"),
    ("MSD-S60", 48, 50, "the tumour's outline runs out into healthy lung"),
    ("MSD-S14", 183, 100000, "streaks beside contrast medium in the armpit were taken for lung"),
    ("LIDC-IDRI-0001", 112, 117, "streaks beside contrast medium in the armpit were taken for lung"),
    ("TCGA-51-4079", *_ALL, "air between arm and chest was taken for lung"),
)

_DROPPED_FOR_P1: tuple[tuple[str, int, int, str], ...] = (
    ("MSD-S50", *_ALL, "atelectasis or infiltrate beside the heart that nobody outlined"),
    ("LIDC-IDRI-0314", 86, 100000, "airless right upper lobe that nobody outlined"),
    ("TCGA-60-2716", *_ALL, "consolidation that nobody outlined"),
    ("TCGA-60-2721", *_ALL, "mass at the border that nobody outlined"),
    ("TCGA-60-2695", *_ALL, "mass at the border that nobody outlined"),
    ("TCGA-50-6592", *_ALL, "mass at the border that nobody outlined"),
    ("TCGA-92-8064", *_ALL, "opacity at the border that nobody outlined"),
    ("TCGA-34-5231", *_ALL, "consolidation that nobody outlined"),
)

EMPTIED = frozenset(
    {
        "T_MSD-S13_z001", "T_MSD-S16_z001", "T_MSD-S17_z001", "T_MSD-S21_z001", "T_MSD-S25_z001", "T_MSD-S37_z001",
        "T_MSD-S39_z010", "T_MSD-S41_z001", "T_MSD-S41_z010", "T_MSD-S48_z001", "T_MSD-S50_z001", "T_MSD-S53_z001",
        "T_MSD-S53_z010", "T_MSD-S14_z001", "T_MSD-S06_z001", "T_MSD-S08_z001", "T_MSD-S22_z001", "T_MSD-S24_z001",
        "T_MSD-S38_z001", "T_MSD-S45_z001", "T_MSD-S49_z010",
    }
)  # fmt: skip

# (row, column) at 256 x 256
GAS: dict[str, tuple[tuple[int, int], ...]] = {
    "T_MSD-S11_z001": ((47, 83),),
    "T_MSD-S23_z001": ((50, 155),),
    "T_MSD-S27_z001": ((114, 201), (150, 214)),
    "T_MSD-S30_z000": ((47, 139), (57, 184)),
    "T_MSD-S30_z001": ((47, 133),),
    "T_MSD-S30_z010": ((47, 143),),
    "T_MSD-S40_z001": ((118, 228),),
    "T_MSD-S43_z001": ((62, 149),),
    "T_MSD-S44_z001": ((57, 117), (62, 163)),
    "T_MSD-S44_z010": ((58, 117), (89, 133)),
    "T_MSD-S47_z010": ((85, 175),),
    "T_MSD-S54_z001": ((54, 143),),
    "T_MSD-S58_z001": ((90, 179),),
}


def why_dropped(case: str, z_index: int) -> str:
    """Return the reason why a row is not learnt from at all, or an empty text."""
    return _why(_DROPPED, case, z_index)


def why_dropped_for_p1(case: str, z_index: int) -> str:
    """Return the reason why P1 does not learn from a row, or an empty text."""
    return _why(_DROPPED_FOR_P1, case, z_index)


def _why(table: tuple[tuple[str, int, int, str], ...], case: str, z_index: int) -> str:
    found = (reason for name, first, last, reason in table if name == case and first <= z_index <= last)
    return next(found, "")
