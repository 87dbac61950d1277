"""Which lesion is which, per series, for as long as the node lives: so a follow-up years later keeps number and UID.

`tracks/<hash of study and series>.json` holds places, names, keys and UIDs, no patient data; retention leaves it.
"""

from hashlib import sha256
from pathlib import Path

from pydantic import TypeAdapter

from node.engine.files import read_json, write_json
from node.measure.lesions.identity import Track

_FOLDER = "tracks"
_tracks = TypeAdapter(tuple[Track, ...])


def write_tracks(data_dir: Path, study_uid: str, series_uid: str, tracks: tuple[Track, ...]) -> None:
    """Keep the identities of a series' lesions, in the place of what was kept before."""
    write_json(_file(data_dir, study_uid, series_uid), _tracks.dump_python(tracks, mode="json"))


def read_tracks(data_dir: Path, study_uid: str, series_uid: str) -> tuple[Track, ...]:
    """Read them; empty where the series was never analysed."""
    kept = read_json(_file(data_dir, study_uid, series_uid))
    return () if kept is None else _tracks.validate_python(kept)


def _file(data_dir: Path, study_uid: str, series_uid: str) -> Path:
    name = sha256(f"{study_uid}\n{series_uid}".encode()).hexdigest()[:32]
    return data_dir / _FOLDER / f"{name}.json"
