"""Ports that nobody listens on, for programs that cannot be told to take port 0."""

import socket
import time


def free_port() -> int:
    """Return a free port on loopback; somebody may take it before the caller does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def listens(port: int, host: str = "127.0.0.1", timeout_s: float = 1.0) -> bool:
    """Tell whether somebody accepts connections there."""
    try:
        with socket.create_connection((host, port), timeout=timeout_s):
            return True
    except OSError:
        return False


def wait_until_free(port: int, limit_s: float = 20.0) -> bool:
    """Wait until a stopped server has let go of its port; tell whether it did."""
    end = time.monotonic() + limit_s
    while listens(port):
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
