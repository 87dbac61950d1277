"""Why a port cannot be listened on: taken or without its address for now, or not to be used at all."""

import errno

from node.errors import LungnodeError, Misconfigured, NotYetThere

_FOR_NOW = (errno.EADDRINUSE, errno.EADDRNOTAVAIL)  # a predecessor that is ending; an interface that comes up late


def no_port(error: OSError, text: str) -> LungnodeError:
    """Return what to raise: after a power cut an address may come later than the node, so that is worth another try."""
    if error.errno in _FOR_NOW:
        return NotYetThere("CFG-PORT", text)
    return Misconfigured("CFG-PORT", text)
