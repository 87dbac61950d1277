"""Where the files are that are shipped beside the package: models, the plugin, Orthanc's configuration, the scripts."""

import sysconfig
from pathlib import Path

from node.errors import Misconfigured

BESIDE_THE_PACKAGE = Path(__file__).resolve().parents[1]  # a checkout
INSTALLED = Path(sysconfig.get_path("data")) / "share" / "lungnode"  # a wheel


def shipped(relative: str) -> Path:
    """Return a shipped file or folder, from the checkout or from the installed wheel.

    Raises
    ------
    Misconfigured
        ENV-SHIPPED where neither has it.
    """
    for root in (BESIDE_THE_PACKAGE, INSTALLED):
        if (root / relative).exists():
            return root / relative
    raise Misconfigured(
        "ENV-SHIPPED", f"{relative} is neither in {BESIDE_THE_PACKAGE} nor in {INSTALLED}; install again"
    )
