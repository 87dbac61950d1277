"""When our TLS certificates expire: told thirty days before, in the log, by the doctor and on the status page.

The standard library reads a peer's certificate, not a file's; so the date is taken from the DER itself (RFC 5280, 4.1).
"""

import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from node.settings import Settings

EXPIRES = "TLS-EXPIRES"
WARN_WITHIN = timedelta(days=30)  # standards 6.4
_LOOK_EVERY_S = 86400.0
_PEM_END = "-----END CERTIFICATE-----"
_VERSION_TAG, _UTC_TIME_TAG = 0xA0, 0x17
_VALIDITY = 3  # after serial number, signature algorithm and issuer


@dataclass(frozen=True, slots=True)
class Expiring:
    """A certificate that is to be renewed. `setting` names it."""

    setting: str
    path: Path
    at: datetime
    has_expired: bool

    @property
    def text(self) -> str:
        """What a person is told."""
        verb = "expired" if self.has_expired else "expires"
        return (
            f"{EXPIRES}: the certificate of {self.setting} ({self.path}) {verb} on {self.at:%Y-%m-%d}; next: renew it"
        )


def expiring(settings: Settings, now: datetime) -> tuple[Expiring, ...]:
    """Return our own certificates that expire soon or have; one that cannot be read is told where it is used."""
    found = []
    for setting, path in _own(settings):
        try:
            at = expires_at(path)
        except (OSError, ValueError, IndexError):
            continue
        if at - now < WARN_WITHIN:
            found.append(Expiring(setting, path, at, at <= now))
    return tuple(found)


def certificates_loop(settings: Settings, stopping: threading.Event) -> None:
    """Write a line for each at the start and once a day."""
    while True:
        for one in expiring(settings, datetime.now(UTC)):
            structlog.get_logger().warning(
                "tls.certificate_expires",
                code=EXPIRES,
                setting=one.setting,
                at=one.at.isoformat(),
                next_step="renew it",
            )
        if stopping.wait(_LOOK_EVERY_S):
            return


def expires_at(path: Path) -> datetime:
    """Return notAfter of the first certificate of a PEM file.

    Raises
    ------
    OSError, ValueError, IndexError
        The file cannot be read or is no certificate.
    """
    first = path.read_text(encoding="ascii").partition(_PEM_END)[0]
    pem = first[first.index("-----BEGIN CERTIFICATE-----") :] + _PEM_END + "\n"
    ((_, certificate),) = _elements(ssl.PEM_cert_to_DER_cert(pem))
    fields = _elements(_elements(certificate)[0][1])
    validity = [content for tag, content in fields if tag != _VERSION_TAG][_VALIDITY]
    tag, not_after = _elements(validity)[1]
    form = "%y%m%d%H%M%SZ" if tag == _UTC_TIME_TAG else "%Y%m%d%H%M%SZ"
    return datetime.strptime(not_after.decode("ascii"), form).replace(tzinfo=UTC)


def _own(settings: Settings) -> Iterator[tuple[str, Path]]:
    if settings.receive.tls_certificate is not None:
        yield "receive.tls_certificate", settings.receive.tls_certificate
    sites = [(f"destination {one.name!r}", one.tls_certificate) for one in settings.destinations]
    sites += [(f"archive {one.name!r}", one.tls_certificate) for one in settings.archives]
    yield from ((setting, path) for setting, path in sites if path is not None)


def _elements(der: bytes) -> list[tuple[int, bytes]]:
    """Split what a constructed element holds into tags and contents (X.690, 8.1; definite lengths)."""
    found = []
    while der:
        tag, length, start = der[0], der[1], 2
        if length & 0x80:
            start += length & 0x7F
            length = int.from_bytes(der[2:start], "big")
        found.append((tag, der[start : start + length]))
        der = der[start + length :]
    return found
