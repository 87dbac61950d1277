"""The TLS port (standards 6.4; PS3.15 B.12): 1.2 or newer, forward secrecy and AEAD, certificates on both sides."""

import ssl
from pathlib import Path

from node.errors import Misconfigured

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"


def server_context(certificate: Path | None, key: Path | None, authorities: Path | None) -> ssl.SSLContext:
    """Build the listener's context.

    Raises
    ------
    Misconfigured
        CFG-TLS: a file is not named, cannot be read, or is not what it should be.
    """
    if certificate is None or key is None or authorities is None:
        raise Misconfigured("CFG-TLS", "receive.tls_port needs tls_certificate, tls_key and tls_ca")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.set_ciphers(_CIPHERS)
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(authorities)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(
            "CFG-TLS", f"cannot use the TLS files {certificate}, {key}, {authorities}: {error}"
        ) from error
    return context


class Certificates:
    """A listener's context that follows its files: a changed certificate is used for the next connection."""

    def __init__(self, certificate: Path, key: Path, authorities: Path) -> None:
        self._paths = (certificate, key, authorities)
        self._seen = self._stamp()
        self._context = server_context(*self._paths)

    def context(self) -> ssl.SSLContext:
        """Return the context for one connection; the former one while new files cannot be used."""
        stamp = self._stamp()
        if stamp != self._seen:
            try:
                self._context = server_context(*self._paths)
                self._seen = stamp
            except Misconfigured:
                return self._context
        return self._context

    def _stamp(self) -> tuple[int, ...]:
        """Return the files' change times; 0 for one that is missing while it is being replaced."""
        return tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in self._paths)
