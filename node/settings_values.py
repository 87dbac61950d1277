"""The kinds of values that settings have, each with the bounds outside which it can never have been meant."""

import re
import unicodedata
from typing import Annotated
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

# locks of the loops that one worker of all runs, beside those that workers are named by
INTAKE_SLOT, RETENTION_SLOT, CORRECTIONS_SLOT, STUDIES_SLOT = "intake", "retention", "corrections", "studies"

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
Gib = Annotated[float, Field(ge=0, le=1_073_741_824)]  # free space, at most an exbibyte


def _web(address: str) -> str:
    """Refuse an address that no request can go to."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as error:
        raise ValueError("this is no address: a host is followed by nothing, or by a colon and 1 to 65535") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise ValueError("an address begins with http:// or https:// and a host")
    if re.search(r"[\s?#]", address):
        raise ValueError("an address has no space, no ? and no #: what is asked for is put behind it")
    return address


def _one_value(text: str, vr: str, most: int) -> str:
    """Refuse what an attribute of one value cannot hold (PS3.5 table 6.2-1)."""
    text = text.strip()
    if not 1 <= len(text) <= most:
        raise ValueError(f"it stands in every object as {vr}: write 1 to {most} characters")
    if "\\" in text or any(unicodedata.category(character) == "Cc" for character in text):
        raise ValueError(f"it stands in every object as {vr}: write no backslash and no control character")
    return text


def _long_string(text: str) -> str:
    return _one_value(text, "LO", 64)


def _short_string(text: str) -> str:
    return _one_value(text, "SH", 16)


def _uuid(text: str) -> str:
    try:
        UUID(text)
    except ValueError as error:
        raise ValueError("write a UUID of your own, such as `uuidgen` prints, or leave it out") from error
    return text


def _slot(name: str) -> str:
    """Refuse what is no file's name, or is the name of a lock of the node's own."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", name):
        raise ValueError("write 1 to 64 letters, digits, dots, dashes or underscores, such as worker-0")
    if name in (INTAKE_SLOT, RETENTION_SLOT, CORRECTIONS_SLOT, STUDIES_SLOT):
        raise ValueError("the node itself has a lock of this name: write another, such as worker-0")
    return name


def _root_of_uids(root: str) -> str:
    """Refuse what no UID can begin with (PS3.5 section 9.1), or what leaves no room for 96 bits behind it."""
    if not re.fullmatch(r"[0-2](\.(0|[1-9][0-9]*))+", root):
        raise ValueError("a root of UIDs is numbers without leading zeros and dots between them, like 1.2.826.0.1")
    if len(root) > _LONGEST_UID_ROOT:
        raise ValueError(f"a root of UIDs has at most {_LONGEST_UID_ROOT} characters: a UID has 64 in all")
    return root


LongString = Annotated[str, AfterValidator(_long_string)]
ShortString = Annotated[str, AfterValidator(_short_string)]
Slot = Annotated[str, AfterValidator(_slot)]
UuidText = Annotated[str, AfterValidator(_uuid)]
UidRoot = Annotated[str, AfterValidator(_root_of_uids)]
WebAddress = Annotated[str, AfterValidator(_web)]
_LONGEST_UID_ROOT = 64 - len(f".{2**96 - 1}")  # what `report.uids` puts behind it
