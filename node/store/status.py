"""What the file system says of a name that another process may be removing."""

import os
from pathlib import Path


def status_of(path: Path) -> os.stat_result | None:
    """Return a file's or folder's status; None where it is gone, as what retention removes between two looks."""
    try:
        return path.stat()
    except FileNotFoundError:
        return None
