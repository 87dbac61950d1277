"""Which setting of ours to look at first, where what a destination answered may be our own fault.

The most frequent cause of each, not all of them: the second look is `lungnode doctor`.
"""

from collections.abc import Sequence

from node.deliver.receipt import UNAUTHORISED

NO_DESTINATION = "no such destination in the settings"
UNCONFIRMED = "not confirmed"  # called stored, and never found or committed

_AE_TITLES = "ae_title of destination {0!r}, and receive.ae_title, as which we call"
_MOVED_OR_WRONG = (301, 302, 307, 308, 400, 404, 405)  # of HTTP
# status as receipts keep it, or code of a failure -> what to look at, with the destination's name to be filled in
_SETTINGS = {
    NO_DESTINATION: "[[destinations]]: none is named {0!r}",
    UNCONFIRMED: "confirm of destination {0!r}",
    "not-found": "confirm of destination {0!r}",
    "rejected": _AE_TITLES,
    "host-name": "host of destination {0!r}",
    "connect": "url, or host, port and tls, of destination {0!r}",
    "context-refused": "objects of destination {0!r}",
    "aborted": "timeout_s of destination {0!r}",
    "no-answer": "timeout_s of destination {0!r}",
    "errno": "path of destination {0!r}",
    "commitment": "commitment of destination {0!r}",
    "0x0122": "objects of destination {0!r}",  # SOP class not supported
    "0x0124": _AE_TITLES,  # not authorised
    "ARCHIVE-DOWN": "url, or host and port, of destination {0!r}",
    "ARCHIVE-ANSWER": "url of destination {0!r}, which must be the root of what its kind says",
    "ARCHIVE-LOGIN": "username, password or token of destination {0!r}",
    "ARCHIVE-REFUSED": _AE_TITLES,
    "TLS-FILES": "tls_ca, tls_certificate and tls_key of destination {0!r}",
    **dict.fromkeys((f"HTTP {code}" for code in UNAUTHORISED), "username, password or token of destination {0!r}"),
    **dict.fromkeys((f"HTTP {code}" for code in _MOVED_OR_WRONG), "url of destination {0!r}"),
}


def look_first(errors: Sequence[str], destination: str, *, otherwise: str) -> str:
    """Name the last error and what a person looks at first.

    Parameters
    ----------
    errors : statuses as they came ("rejected", "HTTP 404", "HTTP 202 reason 0x0122", "errno 20" ...) or the code of a
        failure; the first that a setting is known to cause is named, else the first.
    destination : its name
    otherwise : where to look when no setting is known to cause any of them
    """
    known = ((error, setting) for error in errors if (setting := _setting(error)) is not None)
    error, setting = next(known, (errors[0], otherwise))
    return f"last error {error}: see {setting.format(destination)}"


def _setting(error: str) -> str | None:
    """Look up the error as a whole, then what it says of one object, then its kind."""
    words = error.split(" ")
    return _SETTINGS.get(error) or _SETTINGS.get(words[-1]) or _SETTINGS.get(words[0])
