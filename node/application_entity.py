"""Every application entity of the node, calling or called: it says who we are as the conformance statement does."""

from typing import Any

from pynetdicom import AE

from node.store.part10 import IMPLEMENTATION_CLASS_UID, IMPLEMENTATION_VERSION_NAME


def application_entity(title: str) -> Any:
    """Return a pynetdicom entity under a title, with our implementation's class and version (PS3.7 D.3.3.2)."""
    entity = AE(ae_title=title)
    entity.implementation_class_uid = IMPLEMENTATION_CLASS_UID
    entity.implementation_version_name = IMPLEMENTATION_VERSION_NAME
    return entity


def keep_answers(association: Any) -> None:
    """Keep pynetdicom 3.0.4's own reactor from taking an answer away.

    The reactor sets `_is_paused` and waits at its checkpoint; a sender that clears the checkpoint between these two
    lines sends while the reactor goes on to look for messages once more. Where the answer is as quick as our
    receiver's, the reactor finds it, takes it for a stray one, and the sender waits in vain (seen once in about a
    thousand instances on a busy machine); of a search's many answers one is missing then, and a count is too low. A
    requestor of C-STORE, C-FIND or C-MOVE has no use for what the reactor finds.
    """
    wait_for = association.dimse.get_msg
    association.dimse.get_msg = lambda block=False: wait_for(block=True) if block else (None, None)
