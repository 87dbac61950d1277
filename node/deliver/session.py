"""An HTTP session for one destination: credentials, certificates, no retries of its own, no redirects followed.

Retrying is the engine's, per destination: a library that waits by itself would hide a dead archive for minutes.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import requests

from node.settings import Destination

CONNECT_WITHIN_S = 10.0


@contextmanager
def http_session(destination: Destination) -> Iterator[requests.Session]:
    """Open a session with the destination's login (password or bearer token) and certificates."""
    with requests.Session() as session:
        session.trust_env = False  # no proxy and no .netrc: what is sent where stands in the settings
        if destination.token is not None:
            session.headers["Authorization"] = f"Bearer {destination.token.get_secret_value()}"
        elif destination.username is not None and destination.password is not None:
            session.auth = (destination.username, destination.password.get_secret_value())
        if destination.tls_ca is not None:
            session.verify = str(destination.tls_ca)
        if destination.tls_certificate is not None and destination.tls_key is not None:
            session.cert = (str(destination.tls_certificate), str(destination.tls_key))
        yield session


def timeouts_s(destination: Destination) -> tuple[float, float]:
    """Return how long connecting and waiting for the answer may take."""
    return (min(CONNECT_WITHIN_S, destination.timeout_s), destination.timeout_s)
