"""The pause switch: a file beside the spool, so that every process on it sees the same."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from node.engine.clock import local_time
from node.engine.files import read_json, write_json
from node.errors import LungnodeError

_FILE = "paused.json"


@dataclass(frozen=True, slots=True)
class Pause:
    """Why the node is paused, and since when: None where the switch cannot be read."""

    why: str
    since: datetime | None

    @property
    def text(self) -> str:
        """Both in words."""
        return self.why if self.since is None else f"{self.why} (since {local_time(self.since.timestamp())})"


def pause(data_dir: Path, why: str) -> None:
    """Start no new work; what runs is finished, what arrives is kept."""
    write_json(data_dir / _FILE, {"why": why, "since": datetime.now(UTC).isoformat(timespec="seconds")})


def resume(data_dir: Path) -> None:
    """Go on."""
    (data_dir / _FILE).unlink(missing_ok=True)


def current_pause(data_dir: Path) -> Pause | None:
    """Return the pause that holds; None where none does. A switch that cannot be read holds: somebody meant a pause."""
    path = data_dir / _FILE
    try:
        kept = read_json(path)
        return None if kept is None else Pause(str(kept["why"]), datetime.fromisoformat(kept["since"]).astimezone(UTC))
    except (OSError, ValueError, KeyError, TypeError, LungnodeError) as error:
        why = f"{path} cannot be read ({type(error).__name__}): correct its rights, or `lungnode jobs resume`"
        return Pause(why, None)


def paused_because(data_dir: Path) -> str | None:
    """Return why the node is paused; None where it is not."""
    found = current_pause(data_dir)
    return None if found is None else found.text
