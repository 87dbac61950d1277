"""Does this machine's clock agree with the archive's? Retries, quiet times and content times rest on it."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import requests

from node.settings import Archive, Destination
from node.watch.doctor.archives import get
from node.watch.doctor.finding import Finding, ok, warn

TOLERANCE_S = 30.0  # the Date header has whole seconds, and the answer took a while


def check_clock(archive: Archive, now: datetime) -> Finding | None:
    """Compare with the Date header of an archive's answer; None where there is none to compare with."""
    if archive.dicomweb_url is None:
        return None
    try:
        answer = get(archive, f"{archive.dicomweb_url.rstrip('/')}/studies?limit=1")
    except requests.RequestException:
        return None  # that it does not answer is said elsewhere
    return judge_clock(archive.name, answer.headers.get("Date"), now)


def judge_clock(name: str, date_header: str | None, now: datetime) -> Finding | None:
    """Judge the difference between a Date header (RFC 9110, 6.6.1) and our time."""
    if date_header is None:
        return None
    try:
        theirs = parsedate_to_datetime(date_header)
    except ValueError:
        return None
    ahead_s = (now - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))).total_seconds()
    if abs(ahead_s) <= TOLERANCE_S:
        return ok("clock", f"agrees with {name}'s within {TOLERANCE_S:.0f} s")
    side = "ahead of" if ahead_s > 0 else "behind"
    return warn("clock", f"{abs(ahead_s):.0f} s {side} {name}'s", "run a time service on both machines (chrony)")


def as_archive(destination: Destination) -> Archive:
    """Look at a DICOMweb destination as something that can be asked for the time."""
    return Archive(
        name=destination.name,
        dicomweb_url=destination.url,
        username=destination.username,
        password=destination.password,
        token=destination.token,
    )
