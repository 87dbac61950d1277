"""The pause switch: a file beside the spool, so that every process on it sees the same."""

from datetime import UTC, datetime
from pathlib import Path

from node.engine.files import read_json, write_json

_FILE = "paused.json"


def pause(data_dir: Path, why: str) -> None:
    """Start no new work; what runs is finished, what arrives is kept."""
    write_json(data_dir / _FILE, {"why": why, "since": datetime.now(UTC).isoformat(timespec="seconds")})


def resume(data_dir: Path) -> None:
    """Go on."""
    (data_dir / _FILE).unlink(missing_ok=True)


def paused_because(data_dir: Path) -> str | None:
    """Return why the node is paused; None where it is not."""
    kept = read_json(data_dir / _FILE)
    return None if kept is None else f"{kept['why']} (since {kept['since']})"
