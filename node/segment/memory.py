"""How much memory can be had, and what to do when there is no more."""

import os
from pathlib import Path

# torch's allocators of CPU and CUDA, and cuBLAS; the CPU's raises a plain RuntimeError
_NO_MEMORY = ("can't allocate memory", "out of memory", "ALLOC_FAILED")


def available_bytes() -> int:
    """Return how much memory can be had without swapping."""
    for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def is_out_of_memory(error: BaseException) -> bool:
    """Say whether memory ran out, in Python, numpy or torch; told by words, so that torch need not be loaded."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)


def halved(n: int, error: Exception) -> int:
    """Return half of a batch that did not fit into memory.

    Raises
    ------
    MemoryError
        Where not even one slice fits.
    Exception
        The error itself where it is about something else.
    """
    if not is_out_of_memory(error):
        raise error
    if n == 1:
        raise MemoryError("one slice does not fit into memory; use a smaller model") from error
    return n // 2
