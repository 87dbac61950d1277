"""Is this machine fit: disk marks, devices."""

import os
import shutil
import tempfile
from pathlib import Path

from node.segment.torch_here import torch_here
from node.settings import Compute, Disk
from node.watch.doctor.finding import Finding, fail, ok, warn

GIB = 1024**3


def check_disk(data_dir: Path, disk: Disk) -> Finding:
    """Compare the free space under the spool with the two marks, and try to write there."""
    existing = next((folder for folder in (data_dir, *data_dir.absolute().parents) if folder.is_dir()), Path("/"))
    free_gib = shutil.disk_usage(existing).free / GIB
    text = f"{free_gib:.1f} GiB free at {data_dir} (marks {disk.soft_free_gib:g} and {disk.hard_free_gib:g} GiB)"
    if not _writable(existing):
        return fail(
            "disk",
            f"{existing} cannot be written by user {os.getuid()}",
            f"create {data_dir} and give it to the user that the node runs as",
        )
    if free_gib < disk.hard_free_gib:
        return fail("disk", text, "below the hard mark every study is refused: free space, or move data_dir")
    if free_gib < disk.soft_free_gib:
        return warn("disk", text, "below the soft mark no new work starts: free space, or lower disk.retention_days")
    return ok("disk", text)


def check_device(compute: Compute) -> Finding:
    """Say which device will be used, so that an unused GPU is noticed."""
    torch = torch_here()
    if torch.trouble:
        return fail("device", f"torch cannot be loaded: {torch.trouble}", "run `make setup` again")
    cards = torch.cards
    cpu = f"{compute.threads or os.cpu_count()} threads of the CPU (torch {torch.version})"
    if cards and compute.device != "cpu":
        return ok("device", f"{', '.join(cards)} (torch {torch.version})")
    if compute.device == "cuda":
        return fail("device", f"compute.device is cuda, and torch {torch.version} sees no GPU", _for_gpu())
    if cards:
        return warn("device", f"{cpu}, though there is {', '.join(cards)}", 'set compute.device = "auto" to use it')
    if shutil.which("nvidia-smi"):
        return warn("device", f"{cpu}; there is an NVIDIA driver, but torch sees no GPU", _for_gpu())
    return ok("device", cpu)


def _for_gpu() -> str:
    return "install torch's CUDA build (TORCH_INDEX in the Makefile) and see `nvidia-smi`"


def _writable(folder: Path) -> bool:
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False
