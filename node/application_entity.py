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
