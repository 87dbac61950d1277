"""TLS as a client of DIMSE peers (PS3.15 B.12, RFC 9325): at least 1.2, forward secrecy, both sides authenticated."""

import ssl
from pathlib import Path

from node.errors import Misconfigured
from node.settings import Destination

CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"  # for TLS 1.2; those of 1.3 are all fit


def client_context(destination: Destination) -> ssl.SSLContext:
    """Build the context for one destination.

    Raises
    ------
    Misconfigured
        TLS-FILES where a certificate, key or authority cannot be read.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.verify_mode = ssl.CERT_REQUIRED
    context.check_hostname = True
    try:
        _load(context, destination.tls_ca, destination.tls_certificate, destination.tls_key)
    except (OSError, ssl.SSLError) as error:
        raise Misconfigured(
            "TLS-FILES", f"destination {destination.name!r}: cannot read its TLS files: {error.__class__.__name__}"
        ) from error
    return context


def _load(context: ssl.SSLContext, authority: Path | None, certificate: Path | None, key: Path | None) -> None:
    if authority is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    else:
        context.load_verify_locations(cafile=str(authority))
    if certificate is not None:
        context.load_cert_chain(str(certificate), str(key) if key else None)
