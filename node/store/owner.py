"""Whose a file is that root makes in another user's folder: the folder's owner's, or that user could not read it."""

import os
from contextlib import suppress
from pathlib import Path


def give_to_owner(made: Path, folder: Path) -> None:
    """Give what somebody else made in a folder to the folder's owner, as far as may be, with the folder's rights."""
    its = folder.stat()
    if its.st_uid == os.geteuid():
        return
    with suppress(OSError):
        made.chmod(its.st_mode & (0o777 if made.is_dir() else 0o666))
    for owner in (-1, its.st_uid):  # the group may be given by its members, the owner by root alone
        with suppress(OSError):
            os.chown(made, owner, its.st_gid)
