"""Deflated copies of segmentations, for destinations whose settings say that they take them.

A segmentation is mostly zeros: deflated it is a small part of its size on the wire. It is the same instance in another
transfer syntax; the kept bytes stay as they are.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from pydicom.uid import SegmentationStorage

from node.deliver.receipt import Outgoing
from node.settings import Destination

_LABEL_MAP = "1.2.840.10008.5.1.4.1.1.66.7"  # Supplement 243; pydicom has no name for it
_CLASSES = (SegmentationStorage, _LABEL_MAP)


@contextmanager
def smaller_copies(objects: Sequence[Outgoing], destination: Destination) -> Iterator[Mapping[str, Outgoing]]:
    """Yield the objects that may go in a smaller copy, by SOP Instance UID; the copies last as long as the block."""
    large = [o for o in objects if destination.deflated_seg and o.sop_class_uid in _CLASSES]
    if not large:
        yield {}
        return
    from node.report.deflate import deflate  # noqa: PLC0415 - only where a destination asks for it

    with tempfile.TemporaryDirectory(prefix=".deflated-", dir=large[0].path.parent) as folder:
        copies = [replace(o, path=deflate(o.path, Path(folder) / o.path.name)) for o in large]
        yield {o.sop_instance_uid: o for o in copies}
