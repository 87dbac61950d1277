"""The presentation contexts that the node accepts, built once and shared: negotiation only reads them."""

from typing import Any

from pynetdicom.presentation import build_context

from node.receive.classes import STORAGE, STORAGE_COMMITMENT, VERIFICATION
from node.receive.syntaxes import EXPLICIT_LITTLE, IMPLICIT_LITTLE, accepted


def storage_contexts(*, lossy: bool) -> list[Any]:
    """Return verification and all storage classes."""
    syntaxes = list(accepted(lossy=lossy))
    contexts = [build_context(uid, syntaxes) for uid in STORAGE]
    return [build_context(VERIFICATION, [EXPLICIT_LITTLE, IMPLICIT_LITTLE]), *contexts]


def commitment_context() -> Any:
    """Return the storage commitment push model class; we are its SCP, whatever roles the peer proposes for itself."""
    context = build_context(STORAGE_COMMITMENT, [EXPLICIT_LITTLE, IMPLICIT_LITTLE])
    context.scu_role = True
    context.scp_role = True
    return context
