"""Where and how exactly a network runs: device, autocast and memory layout."""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from node.errors import Misconfigured, WrongUsage

Precision = Literal["auto", "fp32", "bf16"]


@dataclass(frozen=True, slots=True)
class Runtime:
    """One device with one arithmetic."""

    device: torch.device
    dtype: torch.dtype

    @property
    def name(self) -> str:
        """As it is written into results: cpu/bfloat16/torch."""
        return f"{self.device.type}/{str(self.dtype).removeprefix('torch.')}/torch"

    def autocast(self) -> AbstractContextManager[object]:
        """Return the context in which the network is called."""
        if self.dtype is torch.float32:
            return nullcontext()
        return torch.autocast(self.device.type, self.dtype)


def runtime(device: str = "auto", precision: Precision = "auto") -> Runtime:
    """Choose: CUDA where there is one, bf16 where the device computes in it.

    Raises
    ------
    Misconfigured
        SYS-MODEL where CUDA is asked for and torch sees none: nothing runs elsewhere than it was told to.
    WrongUsage
        USAGE for another device.
    """
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    elif device.startswith("cuda") and not torch.cuda.is_available():
        raise Misconfigured(
            "SYS-MODEL", f"the device {device!r} is asked for, and torch {torch.__version__} sees no GPU"
        )
    elif device != "cpu" and not device.startswith("cuda"):
        raise WrongUsage("USAGE", f"the device {device!r} is none of auto, cpu and cuda")
    if precision == "auto":
        precision = "bf16" if _has_bf16(device) else "fp32"
    return Runtime(torch.device(device), torch.bfloat16 if precision == "bf16" else torch.float32)


def channels_last(model: nn.Module) -> nn.Module:
    """Lay the kernels of a network's convolutions out as its pictures are: channels last; return the same network."""
    for parameter in model.parameters():
        if parameter.dim() == 4:  # (out, in, rows, columns)
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return model


def _has_bf16(device: str) -> bool:
    if device.startswith("cuda"):
        return bool(torch.cuda.is_bf16_supported())
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported()) and "bf16" in _cpu_flags()


def _cpu_flags() -> str:
    """Return the CPU's flags; emulated bf16 is slower than single precision."""
    try:
        with open("/proc/cpuinfo", encoding="ascii", errors="replace") as file:  # noqa: PTH123 - a device, not a file of ours
            return next((line for line in file if line.startswith("flags")), "")
    except OSError:
        return ""
