"""Where an archive is reached, as far as this room needs to know it."""

from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from node.settings import Archive, Destination

CONNECT_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class WebEndpoint:
    """A DICOMweb root. Passwords and tokens mask themselves when printed."""

    url: str
    timeout_s: float
    username: str | None = None
    password: SecretStr | None = None
    token: SecretStr | None = None
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None

    @property
    def timeouts_s(self) -> tuple[float, float]:
        """Return how long connecting and waiting for each piece of the answer may take; see `WholeAnswer` for all."""
        return (min(CONNECT_WITHIN_S, self.timeout_s), self.timeout_s)


@dataclass(frozen=True, slots=True)
class MoveTo:
    """Where we listen while an archive moves instances to us: the title that it knows us by, address and port."""

    ae_title: str
    host: str
    port: int


@dataclass(frozen=True, slots=True)
class DimseEndpoint:
    """An application entity that answers C-FIND, and the title under which we call it."""

    ae_title: str
    host: str
    port: int
    calling: str
    timeout_s: float
    move_to: "MoveTo | None" = None


Endpoint = WebEndpoint | DimseEndpoint


def web_endpoint(site: Archive | Destination, url: str) -> WebEndpoint:
    """Return a web address with the login and the certificates of an archive or destination."""
    return WebEndpoint(
        url,
        site.timeout_s,
        username=site.username,
        password=site.password,
        token=site.token,
        tls_ca=site.tls_ca,
        tls_certificate=site.tls_certificate,
        tls_key=site.tls_key,
    )


def endpoint_of_archive(archive: Archive, calling: str) -> Endpoint | None:
    """Return how an archive is asked: DICOMweb where it has it, else C-FIND, None where it has neither."""
    if archive.dicomweb_url is not None:
        return web_endpoint(archive, archive.dicomweb_url)
    if archive.dimse_ae_title and archive.dimse_host and archive.dimse_port:
        title, host, port = archive.dimse_ae_title, archive.dimse_host, archive.dimse_port
        return DimseEndpoint(title, host, port, calling, archive.timeout_s, _move_to(archive))
    return None


def _move_to(archive: Archive) -> MoveTo | None:
    if archive.move_ae_title is None or archive.move_port is None:
        return None
    return MoveTo(archive.move_ae_title, archive.move_host, archive.move_port)


def endpoint_of_destination(destination: Destination, calling: str) -> Endpoint | None:
    """Return how a destination is asked back; None where `confirm` says "none" or there is no way.

    "qido", the default, asks each kind in its own way: STOW by QIDO-RS, C-STORE by C-FIND. "cfind" asks C-STORE alone.
    C-FIND is not spoken over TLS.
    """
    if destination.confirm == "qido" and destination.kind == "stow" and destination.url:
        return web_endpoint(destination, destination.url)
    if destination.confirm == "none" or destination.kind != "cstore" or destination.tls:
        return None
    if destination.ae_title and destination.host and destination.port:
        return DimseEndpoint(destination.ae_title, destination.host, destination.port, calling, destination.timeout_s)
    return None
