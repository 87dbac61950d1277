"""Weights as a model's folder holds them, in half precision, made ready for a network."""

from pathlib import Path

from safetensors.torch import load_file
from torch import Tensor


def stored_weights(path: Path) -> dict[str, Tensor]:
    """Read a file of weights: floating point in single precision, counters as they are.

    Raises
    ------
    OSError, ValueError, RuntimeError
        Where the file cannot be read as such.
    """
    return {name: t.float() if t.is_floating_point() else t for name, t in load_file(path).items()}
