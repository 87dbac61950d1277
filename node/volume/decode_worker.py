"""A helper process that decodes: `python -m node.volume.decode_worker FD`, where FD is a socket to its parent.

It ends when the parent closes the socket, or after a minute without work, so that an idle node holds no memory for
it. Messages are JSON, one per packet; the array travels as a file descriptor of shared memory.
"""

import json
import mmap
import os
import socket
import sys
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
        array: NDArray[np.uint16] | None = None
        while True:
            try:
                data, descriptors, _, _ = socket.recv_fds(parent, MAX_MESSAGE_BYTES, 1)
            except TimeoutError:
                return
            if not data:
                return
            message = json.loads(data)
            if message["do"] == "attach":
                array = _mapped(descriptors[0], message["shape"])
            elif message["do"] == "detach":
                array = None
            else:
                parent.send(json.dumps(_answer(message, array)).encode())


def as_json(task: FrameTask) -> dict[str, Any]:
    """Return a task as JSON can hold it."""
    return asdict(task)


def _mapped(descriptor: int, shape: list[int]) -> NDArray[np.uint16]:
    memory = mmap.mmap(descriptor, 0)
    os.close(descriptor)
    return np.frombuffer(memory, np.uint16).reshape(shape)


def _answer(message: dict[str, Any], array: NDArray[np.uint16] | None) -> dict[str, Any]:
    results: list[Any] = []
    for index, values in message["tasks"]:
        task = FrameTask(**values | {"padding": values["padding"] and tuple(values["padding"])})
        try:
            if array is None:
                results.append(digest(task))
            else:
                results.append(counts_as_json(hounsfield(task, array[index])))
        except InputRefused as error:
            return {"job": message["job"], "code": error.code, "text": error.message}
    return {"job": message["job"], "results": results}


if __name__ == "__main__":
    main()
