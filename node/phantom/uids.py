"""UIDs of phantoms: derived from their seeds, so that the same phantom is the same study every time."""

from uuid import UUID, uuid5

_NAMESPACE = UUID("7a5f0c1e-8a0b-4b7e-9d53-2c8f6b1d4e90")


def uid_of(kind: str, *seeds: str | int) -> str:
    """Return a UUID-derived UID (PS3.5 B.2)."""
    return f"2.25.{uuid5(_NAMESPACE, '/'.join((kind, *map(str, seeds)))).int}"
