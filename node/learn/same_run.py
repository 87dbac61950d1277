"""Whether a run folder holds the very training that is asked for: only that one is gone on with.

Compared is all that `run.json` says of what decided it. What may differ: where the data lie, the machine, and the
number of epochs of a schedule whose rate does not depend on it.
"""

import json
from pathlib import Path
from typing import Any

from node.errors import InputRefused
from node.learn.run_folder import CHECKPOINT, Told, told_of

_MAY_DIFFER = {"data", "runtime", "init", "label_origins"}  # rows and what was begun with have digests


def refuse_other_run(folder: Path, asked: Told, defaults: Told | None = None) -> None:
    """Compare a training with the one whose checkpoint lies in the folder; fine where there is none.

    Parameters
    ----------
    asked : what `run.json` would say before the first epoch.
    defaults : of its plan: what an earlier program did where its plan says nothing.

    Raises
    ------
    InputRefused
        RUN-OTHER, naming what differs: weights of one fold under the name of another would pass as held out.
    """
    if not (folder / CHECKPOINT).is_file():
        return
    kept = _decisions(told_of(folder))
    same_form = _decisions(json.loads(json.dumps(asked)))
    before = {f"plan.{name}": value for name, value in json.loads(json.dumps(defaults or {})).items()}
    differing = [key for key, value in same_form.items() if kept.get(key, before.get(key)) != value]
    if differing:
        raise InputRefused("RUN-OTHER", f"{folder} holds a run of other {', '.join(differing)}; give another --out")


def _decisions(told: Told) -> Told:
    """Return of a `run.json` what must be the same, a plan's parts each by itself."""
    plan = told.get("plan")
    parts = {f"plan.{name}": part for name, part in plan.items()} if isinstance(plan, dict) else {"plan": plan}
    flat = {key: value for key, value in told.items() if key != "plan"} | parts
    return {key: _deciding(key.removeprefix("plan."), value) for key, value in flat.items()}


def _deciding(key: str, value: Any) -> Any:
    """Return of an entry what must be the same."""
    if key in _MAY_DIFFER:
        return None
    if key == "schedule" and isinstance(value, dict) and value["decay"] == "plateau":
        return {name: part for name, part in value.items() if name != "epochs"}
    return value
