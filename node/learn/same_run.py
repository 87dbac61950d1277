"""Whether a run folder holds the very training that is asked for: only that one is gone on with.

Compared is all that `run.json` says of what decided it. What may differ: where the data lie, the machine, and the
number of epochs of a schedule whose rate does not depend on it.
"""

import json
from pathlib import Path
from typing import Any

from node.errors import InputRefused

CHECKPOINT = "checkpoint.safetensors"
_MAY_DIFFER = {"data", "runtime", "init", "label_origins"}  # rows and what was begun with have digests

Told = dict[str, Any]


def refuse_other_run(folder: Path, asked: Told) -> None:
    """Compare a training with the one whose checkpoint lies in the folder; fine where there is none.

    Parameters
    ----------
    asked : what `run.json` would say before the first epoch.

    Raises
    ------
    InputRefused
        RUN-OTHER, naming what differs: weights of one fold under the name of another would pass as held out.
    """
    if not (folder / CHECKPOINT).is_file():
        return
    kept = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    same_form = json.loads(json.dumps(asked))
    differing = [key for key, value in same_form.items() if _deciding(key, kept.get(key)) != _deciding(key, value)]
    if differing:
        raise InputRefused("RUN-OTHER", f"{folder} holds a run of other {', '.join(differing)}; give another --out")


def _deciding(key: str, value: Any) -> Any:
    """Return of an entry what must be the same."""
    if key in _MAY_DIFFER:
        return None
    if key == "plan" and isinstance(value, dict):
        return {name: _deciding(name, part) for name, part in value.items()}
    if key == "schedule" and isinstance(value, dict) and value["decay"] == "plateau":
        return {name: part for name, part in value.items() if name != "epochs"}
    return value
