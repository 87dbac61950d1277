"""The HTTP session and the time limits of one destination: those of `archive`, whose login a destination shares.

Retrying is the engine's, per destination: a library that waits by itself would hide a dead archive for minutes.
"""

from contextlib import AbstractContextManager

import requests

from node.archive.endpoint import web_endpoint
from node.archive.web_session import web_session
from node.settings import Destination


def http_session(destination: Destination) -> AbstractContextManager[requests.Session]:
    """Open a session with the destination's login and certificates."""
    return web_session(web_endpoint(destination, str(destination.url)))


def timeouts_s(destination: Destination) -> tuple[float, float]:
    """Return how long connecting and waiting for the answer may take."""
    return web_endpoint(destination, str(destination.url)).timeouts_s
