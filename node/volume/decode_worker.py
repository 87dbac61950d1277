"""A helper process that decodes: `python -m node.volume.decode_worker FD`, where FD is a socket to its parent.

It ends when the parent closes the socket, or after a minute without work, so that an idle node holds no memory for
it. Messages are JSON, one per packet; decoded frames pass through a few slots of shared memory, whose file descriptor
the parent sends.
"""

import json
import mmap
import os
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.errors import InputRefused
from node.volume.frame_jobs import counts_as_json, digest, hounsfield
from node.volume.stored import FrameTask

IDLE_S = 60.0
MAX_MESSAGE_BYTES = 1 << 17


def main() -> None:
    """Answer jobs until the parent is gone."""
    with socket.socket(fileno=int(sys.argv[1])) as parent:
        parent.settimeout(IDLE_S)
        parent.send(json.dumps({"ready": True}).encode())
        slots: NDArray[np.uint16] | None = None
        while True:
            try:
                data, descriptors, _, _ = socket.recv_fds(parent, MAX_MESSAGE_BYTES, 1)
            except OSError:  # nothing to do for a minute; reset: the parent ended with an answer of ours unread
                return
            if not data:
                return
            message = json.loads(data)
            if message["do"] == "attach":
                slots = mapped(descriptors[0], message["shape"])
                os.close(descriptors[0])
            else:
                answer = json.dumps(_answer(message, slots)).encode()
                with suppress(OSError):  # the parent is gone: the next receive says so
                    parent.send(answer)


def mapped(descriptor: int, shape: Sequence[int]) -> NDArray[np.uint16]:
    """Return shared memory as frames; its pages are made at once, for one by one they cost more than decoding."""
    memory = mmap.mmap(descriptor, 0, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
    return np.frombuffer(memory, np.uint16).reshape(shape)


def as_json(task: FrameTask) -> dict[str, Any]:
    """Return a task as JSON can hold it."""
    return asdict(task)


def _answer(message: dict[str, Any], slots: NDArray[np.uint16] | None) -> dict[str, Any]:
    results: list[Any] = []
    for slot, values in message["tasks"]:
        task = FrameTask(**values | {"padding": values["padding"] and tuple(values["padding"])})
        try:
            if slot is None or slots is None:
                results.append(digest(task))
            else:
                results.append(counts_as_json(hounsfield(task, slots[slot])))
        except InputRefused as error:
            return {"job": message["job"], "code": error.code, "text": error.message}
    return {"job": message["job"], "results": results}


if __name__ == "__main__":
    main()
