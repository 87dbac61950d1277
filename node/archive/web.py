"""A DICOMweb client with our own patience: no retries, no proxies, no redirects; its failures translated once."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import requests
from dicomweb_client.api import DICOMwebClient

from node.archive.endpoint import WebEndpoint
from node.archive.web_session import retry_after_s, web_session
from node.errors import LungnodeError, Misconfigured, WorldUnavailable

Client = Any  # dicomweb-client's types are not followed

LOGIN_REFUSED = "ARCHIVE-LOGIN"
_BUSY = frozenset((408, 429, 502, 503, 504))
_LOGIN = frozenset((401, 403))
_NO_SUCH_SERVICE = frozenset((404, 406, 410))  # a search without a match is 200 or 204 (PS3.18 10.6.3)


@contextmanager
def web_client(endpoint: WebEndpoint) -> Iterator[Client]:
    """Open dicomweb-client on such a session.

    Its own retrying is off (0.61.2 waits minutes for a dead server and re-sends generators empty); UIDs with a leading
    zero in a component are tolerated, as everywhere in the node.
    """
    with web_session(endpoint) as session, translated():
        session.max_redirects = 0  # the client asks requests to follow them
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
        wait_s = None if response is None else retry_after_s(response.headers)
        asked_for = {} if wait_s is None else {"retry_after_s": wait_s}
        return WorldUnavailable("ARCHIVE-BUSY", f"the archive is busy, status {status}", **asked_for)
    if status == 413:
        return WorldUnavailable("ARCHIVE-BROAD", "the archive finds the request too broad, status 413")
    if status in _NO_SUCH_SERVICE:
        text = f"the archive answers with status {status}: check its address, which must be DICOMweb's root"
        return WorldUnavailable("ARCHIVE-ANSWER", text)
    return WorldUnavailable("ARCHIVE-ANSWER", f"the archive answers with status {status}")
