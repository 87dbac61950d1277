"""Copies in the default transfer syntax, for peers that take nothing else.

Every application entity takes Implicit VR Little Endian, and who proposes objects that are not compressed proposes it,
too (PS3.5 10.1). Some old archives take nothing else. It is the same instance in another transfer syntax; the kept
bytes stay as they are.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from node.deliver.receipt import Outgoing


@contextmanager
def copies_in_default_syntax(objects: Sequence[Outgoing]) -> Iterator[Mapping[str, Outgoing]]:
    """Yield a copy of each object, by SOP Instance UID; the copies last as long as the block."""
    if not objects:
        yield {}
        return
    from node.report.implicit import implicit  # noqa: PLC0415 - only where a peer takes nothing else

    with tempfile.TemporaryDirectory(prefix=".implicit-", dir=objects[0].path.parent) as folder:
        copies = [replace(o, path=implicit(o.path, Path(folder) / o.path.name)) for o in objects]
        yield {o.sop_instance_uid: o for o in copies}
