"""The one HTTP session to archives and destinations: login, certificates, nothing from the environment.

No retries and no proxies: what is sent where stands in the settings, and trying again is the caller's. Redirects are
not followed either, which every caller asks of its requests (`allow_redirects=False`).
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import requests

from node.archive.endpoint import WebEndpoint
from node.archive.whole_answer import WholeAnswer
from node.errors import Misconfigured


@contextmanager
def web_session(endpoint: WebEndpoint, *, until_s: float | None = None) -> Iterator[requests.Session]:
    """Open a session with the endpoint's login (bearer token or password) and certificates.

    Each answer must be there as a whole within the endpoint's `timeout_s`, however it trickles.

    Parameters
    ----------
    until_s : when a streamed answer must be there, by `time.monotonic()`; None: it may take as long as pieces come.

    Raises
    ------
    Misconfigured
        TLS-FILES where a certificate, key or authority cannot be read; requests would raise a plain OSError later.
    """
    for path in (endpoint.tls_ca, endpoint.tls_certificate, endpoint.tls_key):
        if path is not None and not os.access(path, os.R_OK):
            raise Misconfigured("TLS-FILES", f"{endpoint.url}: {path} is not there or cannot be read")
    with requests.Session() as session:
        session.trust_env = False
        whole_answer = WholeAnswer(endpoint.timeout_s, until_s)
        session.mount("https://", whole_answer)
        session.mount("http://", whole_answer)
        if endpoint.token is not None:
            session.headers["Authorization"] = f"Bearer {endpoint.token.get_secret_value()}"
        elif endpoint.username is not None and endpoint.password is not None:
            session.auth = (endpoint.username, endpoint.password.get_secret_value())
        if endpoint.tls_ca is not None:
            session.verify = str(endpoint.tls_ca)
        if endpoint.tls_certificate is not None and endpoint.tls_key is not None:
            session.cert = (str(endpoint.tls_certificate), str(endpoint.tls_key))
        yield session


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Read Retry-After in seconds; None without it, and for its form as a date: rare, and only a hint."""
    text = headers.get("Retry-After", "")
    return float(text) if text.isascii() and text.isdigit() else None  # "²".isdigit() is true, float("²") raises
