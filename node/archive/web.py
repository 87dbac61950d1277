"""A DICOMweb client with our own patience: no retries, no proxies, no redirects; its failures translated once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from dicomweb_client.api import DICOMwebClient

from node.archive.endpoint import WebEndpoint
from node.errors import LungnodeError, Misconfigured, WorldUnavailable

Client = Any  # dicomweb-client's types are not followed

LOGIN_REFUSED = "ARCHIVE-LOGIN"
_BUSY = frozenset((408, 429, 502, 503, 504))
_LOGIN = frozenset((401, 403))
_NO_SUCH_SERVICE = frozenset((404, 406, 410))  # a search without a match is 200 or 204 (PS3.18 10.6.3)


@contextmanager
def web_session(endpoint: WebEndpoint) -> Iterator[requests.Session]:
    """Open a session with the endpoint's login and certificates, and nothing from the environment."""
    with requests.Session() as session:
        session.trust_env = False
        session.max_redirects = 0
        if endpoint.token is not None:
            session.headers["Authorization"] = f"Bearer {endpoint.token.get_secret_value()}"
        elif endpoint.username is not None and endpoint.password is not None:
            session.auth = (endpoint.username, endpoint.password.get_secret_value())
        if endpoint.tls_ca is not None:
            session.verify = str(endpoint.tls_ca)
        if endpoint.tls_certificate is not None and endpoint.tls_key is not None:
            session.cert = (str(endpoint.tls_certificate), str(endpoint.tls_key))
        yield session


@contextmanager
def web_client(endpoint: WebEndpoint) -> Iterator[Client]:
    """Open dicomweb-client on such a session.

    Its own retrying is off (0.61.2 waits minutes for a dead server and re-sends generators empty); UIDs with a leading
    zero in a component are tolerated, as everywhere in the node.
    """
    with web_session(endpoint) as session, translated():
        client = DICOMwebClient(
            url=endpoint.url.rstrip("/"), session=session, timeout=endpoint.timeouts_s, permissive_uid=True
        )
        client.set_http_retry_params(retry=False)
        yield client


@contextmanager
def translated() -> Iterator[None]:
    """Turn what requests and dicomweb-client raise into our errors.

    Raises
    ------
    WorldUnavailable
        ARCHIVE-DOWN no connection or no answer in time; ARCHIVE-BUSY (with `retry_after_s` where it says so);
        ARCHIVE-BROAD the search was too broad; ARCHIVE-ANSWER anything else that is no valid answer.
    Misconfigured
        ARCHIVE-LOGIN credentials are missing, wrong or not allowed.
    """
    try:
        yield
    except requests.HTTPError as error:
        raise status_error(error.response) from error
    except (requests.ConnectionError, requests.Timeout) as error:
        raise WorldUnavailable("ARCHIVE-DOWN", f"the archive does not answer: {type(error).__name__}") from error
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise WorldUnavailable(
            "ARCHIVE-ANSWER", f"the archive's answer is not valid: {type(error).__name__}"
        ) from error


def status_error(response: requests.Response | None) -> LungnodeError:
    """Return the error for an HTTP status that is no success."""
    status = 0 if response is None else response.status_code
    if status in _LOGIN:
        return Misconfigured(LOGIN_REFUSED, f"the archive refuses the login with status {status}: check the settings")
    if status in _BUSY:
        return WorldUnavailable("ARCHIVE-BUSY", f"the archive is busy, status {status}", **_retry_after(response))
    if status == 413:
        return WorldUnavailable("ARCHIVE-BROAD", "the archive finds the request too broad, status 413")
    if status in _NO_SUCH_SERVICE:
        text = f"the archive answers with status {status}: check its address, which must be DICOMweb's root"
        return WorldUnavailable("ARCHIVE-ANSWER", text)
    return WorldUnavailable("ARCHIVE-ANSWER", f"the archive answers with status {status}")


def _retry_after(response: requests.Response | None) -> dict[str, float]:
    """Read Retry-After in seconds; its form as a date is left to our own backoff."""
    value = "" if response is None else response.headers.get("Retry-After", "")
    return {"retry_after_s": float(value)} if value.isascii() and value.isdigit() else {}
