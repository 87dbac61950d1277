"""Are the models that the settings name installed and unchanged?"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from node.errors import Misconfigured
from node.segment.registry import installed, verify
from node.settings import Compute
from node.watch.doctor.finding import Finding, fail, ok


def check_models(models_dir: Path | None, compute: Compute) -> tuple[Finding, ...]:
    """Verify every installed model with those that it needs, and look for the ones that the settings name."""
    try:
        cards = installed(models_dir)
    except Misconfigured as error:
        return (fail("models", error.message, "install the package again, or set models_dir"),)
    faults = tuple(_faults(models_dir, [card.name for card in cards]))
    names = {card.name for card in cards}
    wanted = [name for name in (compute.lungs, compute.lesions) if name is not None]
    missing = [name for name in wanted if name not in names]
    findings = []
    if faults:
        findings.append(fail("models", "; ".join(faults), "install the package again"))
    if missing:
        there = ", ".join(sorted(names)) or "none"
        findings.append(
            fail("models", f"the settings name {', '.join(missing)}; installed: {there}", "set compute.lungs, .lesions")
        )
    return tuple(findings) or (ok("models", f"{', '.join(sorted(names))}: verified; in use: {', '.join(wanted)}"),)


def _faults(models_dir: Path | None, names: Sequence[str]) -> Iterator[str]:
    for name in names:
        try:
            verify(name, models_dir)
        except Misconfigured as error:
            yield error.message
