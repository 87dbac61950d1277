"""Where the facts of the first frame stand: at the top level, or in the functional groups of an enhanced object.

Per-frame groups win over shared ones (PS3.3 C.7.6.16). A converter of single images keeps what it has no macro for,
such as the kernel, among unassigned attributes (PS3.3 A.70). Only the first item is opened: an object of thousands of
frames costs no more than a small one.
"""

from node.facts.values import Values

_UNASSIGNED = ("UnassignedPerFrameConvertedAttributesSequence", "UnassignedSharedConvertedAttributesSequence")


class FirstFrame:
    """Looks a macro's attributes up in the first per-frame item, then in the shared one, then at the top level."""

    def __init__(self, top: Values) -> None:
        self._top = top
        groups = ("PerFrameFunctionalGroupsSequence", "SharedFunctionalGroupsSequence")
        self._groups = [top.within(item) for name in groups for item in top.header.items(name, 1)]

    def holding(self, macro: str, keyword: str) -> Values:
        """Return the values in which `keyword` of the sequence `macro` stands; else the top level."""
        for name in (macro, *_UNASSIGNED):
            for group in self._groups:
                for item in group.header.items(name, 1):
                    if item.raw(keyword) is not None:
                        return group.within(item)
        return self._top
