"""What still stands in the settings as the commented site configuration has it: its password, and its addresses.

They are valid and lead nowhere. The addresses are those of documentation's own networks (RFC 5737, RFC 3849).
"""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr

from node.settings import Archive, Destination, Settings

PLACEHOLDER = "CFG-PLACEHOLDER"
PASSWORD = "CHANGE-ME"  # noqa: S105 - what deploy/lungnode.toml has in place of one
_EXAMPLES = tuple(
    ipaddress.ip_network(network) for network in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)


@dataclass(frozen=True, slots=True)
class Placeholder:
    """One value that was not changed. `setting` says where it stands, `found` what is wrong with it."""

    setting: str
    found: str
    next_step: str

    @property
    def text(self) -> str:
        """The value as one sentence for a person, without the next step."""
        return f"{self.setting} {self.found}"


def placeholders(settings: Settings) -> tuple[Placeholder, ...]:
    """Return the values that a site has to change, in the order of the sections."""
    return (*_addresses(settings), *_passwords(settings))


def _addresses(settings: Settings) -> Iterator[Placeholder]:
    for setting, address in _addresses_of(settings):
        if _is_example(address):
            yield Placeholder(
                setting,
                f"is {address}, an address that exists in examples only",
                f"write the real address into {setting}",
            )


def _passwords(settings: Settings) -> Iterator[Placeholder]:
    for setting, secret in _secrets_of(settings):
        if PASSWORD in secret:
            yield Placeholder(
                setting,
                f"is still {PASSWORD}, as in the commented configuration",
                f"write the real one into {setting}, or let it come from the environment",
            )


def _addresses_of(settings: Settings) -> Iterator[tuple[str, str]]:
    yield "receive.host", settings.receive.host
    for peer in settings.receive.peers:
        yield from ((f"hosts of peer {peer.ae_title!r}", host) for host in peer.hosts)
        yield f"commitment_host of peer {peer.ae_title!r}", peer.commitment_host or ""
    for archive in settings.archives:
        yield f"dicomweb_url of archive {archive.name!r}", _host_of(archive.dicomweb_url)
        yield f"dimse_host of archive {archive.name!r}", archive.dimse_host or ""
        yield f"move_host of archive {archive.name!r}", archive.move_host
    for destination in settings.destinations:
        yield f"url of destination {destination.name!r}", _host_of(destination.url)
        yield f"host of destination {destination.name!r}", destination.host or ""
    yield "watch.host", settings.watch.host


def _secrets_of(settings: Settings) -> Iterator[tuple[str, str]]:
    peers: tuple[tuple[str, Archive | Destination], ...] = (
        *((f"archive {archive.name!r}", archive) for archive in settings.archives),
        *((f"destination {destination.name!r}", destination) for destination in settings.destinations),
    )
    for name, peer in peers:
        yield f"password of {name}", _open(peer.password)
        yield f"token of {name}", _open(peer.token)
    yield "engine.database_url", settings.engine.database_url or ""


def _open(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()


def _host_of(url: str | None) -> str:
    return urlsplit(url or "").hostname or ""


def _is_example(address: str) -> bool:
    """Tell whether an address or network lies in one of documentation's; a name is none."""
    try:
        network = ipaddress.ip_network(address, strict=False)
    except ValueError:
        return False
    return any(
        network.version == example.version
        and int(network[0]) >= int(example[0])
        and int(network[-1]) <= int(example[-1])
        for example in _EXAMPLES
    )
