"""The kinds of values that settings have, each with the bounds outside which it can never have been meant."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints

# spaces around an AE title mean nothing (PS3.5 table 6.2-1): a caller's are taken off, too
AETitle = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=16, pattern=r"^[ -\[\]-~]+$")
]
Port = Annotated[int, Field(ge=0, le=65535)]  # of ours; 0: any that is free
PeerPort = Annotated[int, Field(ge=1, le=65535)]


# 2^31 ms, some 25 days, is the most that a socket waits
ForAnswer = Annotated[float, Field(gt=0, le=86_400)]  # seconds, at most a day
Period = Annotated[float, Field(ge=0, le=31_622_400)]  # seconds, at most a year
Wait = Annotated[float, Field(gt=0, le=31_622_400)]  # the same, and not 0
Gib = Annotated[float, Field(ge=0, le=1_048_576)]  # free space, at most a pebibyte


def _web(address: str) -> str:
    """Refuse an address that no request can go to."""
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address begins with http:// or https:// and a host")
    return address


def _root_of_uids(root: str) -> str:
    """Refuse what no UID can begin with (PS3.5 section 9.1), or what leaves no room for 96 bits behind it."""
    if not re.fullmatch(r"[0-2](\.(0|[1-9][0-9]*))+", root):
        raise ValueError("a root of UIDs is numbers without leading zeros and dots between them, like 1.2.826.0.1")
    if len(root) > _LONGEST_UID_ROOT:
        raise ValueError(f"a root of UIDs has at most {_LONGEST_UID_ROOT} characters: a UID has 64 in all")
    return root


UidRoot = Annotated[str, AfterValidator(_root_of_uids)]
WebAddress = Annotated[str, AfterValidator(_web)]
_LONGEST_UID_ROOT = 64 - len(f".{2**96 - 1}")  # what `report.uids` puts behind it
