"""The Makefile does what it names."""

import re
from pathlib import Path

MAKEFILE = Path(__file__).resolve().parents[2] / "Makefile"
PROMISED = [
    "setup",
    "fmt",
    "lint",
    "types",
    "imports",
    "test",
    "test-all",
    "golden",
    "demo",
    "docs",
    "bench",
    "check",
    "bundle",
]


def test_every_target_that_is_named_is_there() -> None:
    text = MAKEFILE.read_text()
    (named,) = re.findall(r"^\.PHONY: (.*)$", text, re.MULTILINE)
    targets = set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))
    assert set(named.split()) == targets
    assert set(PROMISED) <= targets
