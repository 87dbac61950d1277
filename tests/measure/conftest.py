"""A chest whose lungs are known, and solids of known value."""

from tests.segment.conftest import as_volume, thorax

__all__ = ["as_volume", "thorax"]
