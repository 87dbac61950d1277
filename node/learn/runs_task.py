"""What a training learnt to find, read from its folder."""

import json
from pathlib import Path

from node.errors import InputRefused
from node.segment.contract import Task


def task_of(run: Path) -> Task:
    """Return a run's task.

    Raises
    ------
    InputRefused
        EXPORT-UNREAD if the folder is no run.
    """
    path = run / "run.json"
    if not path.is_file():
        raise InputRefused("EXPORT-UNREAD", f"{run} holds no finished epoch")
    return Task(json.loads(path.read_text(encoding="utf-8")).get("task", Task.LUNGS.value))
