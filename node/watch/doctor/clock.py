"""Does this machine's clock agree with the archive's? Retries, quiet times and content times rest on it."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from node.errors import Misconfigured
from node.settings import Archive, Destination
from node.watch.doctor.archives import get
from node.watch.doctor.finding import Finding, ok, warn

TOLERANCE_S = 30.0  # their times have whole seconds, and the answer took a while
DICOMWEB_SUFFIX = "/dicom-web"


def check_clock(site: Archive | Destination, now: datetime) -> Finding | None:
    """Compare with the time of an archive or DICOMweb destination; None where it does not tell.

    Notes
    -----
    Any web server dates its answers (RFC 9110, 6.6.1), but Orthanc does not: it is asked for the time itself.
    """
    url = site.dicomweb_url if isinstance(site, Archive) else site.url
    if url is None:
        return None
    root = url.rstrip("/")
    try:
        dated = get(site, f"{root}/studies?limit=1").headers.get("Date")
        if dated is not None:
            return judge_clock(site.name, read_date(dated), now)
        told = get(site, f"{root.removesuffix(DICOMWEB_SUFFIX)}/tools/now")
    except (requests.RequestException, Misconfigured):
        return None  # that it does not answer is said elsewhere
    return judge_clock(site.name, read_orthanc(told.text), now)


def read_date(header: str) -> datetime | None:
    """Read a Date header."""
    try:
        theirs = parsedate_to_datetime(header)
    except ValueError:
        return None
    return theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)


def read_orthanc(text: str) -> datetime | None:
    """Read what Orthanc answers to /tools/now, in UTC."""
    try:
        return datetime.strptime(text.strip(), "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def judge_clock(name: str, theirs: datetime | None, now: datetime) -> Finding | None:
    """Judge the difference between their time and ours."""
    if theirs is None:
        return None
    ahead_s = (now - theirs).total_seconds()
    if abs(ahead_s) <= TOLERANCE_S:
        return ok("clock", f"agrees with {name}'s within {TOLERANCE_S:.0f} s")
    side = "ahead of" if ahead_s > 0 else "behind"
    return warn("clock", f"{abs(ahead_s):.0f} s {side} {name}'s", "run a time service on both machines (chrony)")
