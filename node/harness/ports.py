"""Ports that nobody listens on, for programs that cannot be told to take port 0."""

import secrets
import socket
import time

FIRST, LAST = 20000, 32000


def free_port() -> int:
    """Return a free port on loopback; somebody may take it before the caller does.

    It lies below the range that systems give to outgoing connections (32768 and up on Linux), which come and go.
    """
    while True:
        with socket.socket() as probe:
            port = FIRST + secrets.randbelow(LAST - FIRST)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


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
