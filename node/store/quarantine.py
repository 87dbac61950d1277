"""What arrived again under a known SOP Instance UID with other pixels or geometry (ID-DUPDIFF)."""

from node.store.layout import Layout


def quarantined(layout: Layout) -> frozenset[str]:
    """Return the SOP Instance UIDs under which something else arrived too."""
    return frozenset(path.stem.partition("~")[0] for path in layout.quarantine.glob("*/*/*~*.dcm"))
