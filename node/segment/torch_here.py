"""Which torch this machine has and which GPUs that sees, asked in a process of its own.

Who asks need not load a network library, and a broken driver cannot end it.
"""

import json
import subprocess
import sys
from dataclasses import dataclass

ASK_TORCH = (
    "import json, torch; c = torch.cuda; "
    "print(json.dumps([torch.__version__, [c.get_device_name(i) for i in range(c.device_count())]]))"
)
_WITHIN_S = 120.0


@dataclass(frozen=True, slots=True)
class TorchHere:
    """What torch says; where it cannot be loaded, its last words are the trouble."""

    version: str = ""
    cards: tuple[str, ...] = ()
    trouble: str = ""


def torch_here() -> TorchHere:
    """Ask torch for its version and the GPUs' names."""
    asked = subprocess.run(
        [sys.executable, "-c", ASK_TORCH], capture_output=True, timeout=_WITHIN_S, check=False, text=True
    )
    if asked.returncode != 0:
        return TorchHere(trouble=asked.stderr.strip()[-200:])
    version, cards = json.loads(asked.stdout.strip().splitlines()[-1])
    return TorchHere(version, tuple(cards))
