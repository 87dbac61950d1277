"""What a PACS administrator types in, so that the PACS and this node know each other."""

import ipaddress
import socket
from dataclasses import dataclass

from node.settings import Receive

EVERYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - compared, not bound


@dataclass(frozen=True, slots=True)
class SeenAs:
    """The node from outside. `hint` says what stands in the way; empty where nothing does."""

    ae_titles: tuple[str, ...]
    host: str
    port: int
    tls_port: int | None
    callers: tuple[tuple[str, tuple[str, ...]], ...]
    hint: str

    def as_json(self) -> dict[str, object]:
        """Return what `--json` shows."""
        return {
            "ae_titles": list(self.ae_titles),
            "host": self.host,
            "port": self.port,
            "tls_port": self.tls_port,
            "callers": [{"ae_title": title, "hosts": list(hosts)} for title, hosts in self.callers],
            "hint": self.hint,
        }


def seen_as(receive: Receive, peer: str) -> SeenAs:
    """Describe the node to a peer.

    Parameters
    ----------
    peer : AE title, host name or address of the peer; empty where it is not known.
    """
    callers = tuple((p.ae_title, p.hosts) for p in receive.peers if peer in ("", p.ae_title)) or tuple(
        (p.ae_title, p.hosts) for p in receive.peers
    )
    return SeenAs(
        ae_titles=(receive.ae_title, *receive.also_called),
        host=_address_towards(peer) if receive.host in EVERYWHERE else receive.host,
        port=receive.port,
        tls_port=receive.tls_port,
        callers=callers,
        hint=_hint(receive),
    )


def _hint(receive: Receive) -> str:
    if receive.host not in EVERYWHERE and _is_loopback(receive.host):
        return 'only this machine can reach it: set receive.host = "0.0.0.0", and the peers that may call'
    return ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address_towards(peer: str) -> str:
    """Return the address of ours that a peer sees. Connecting a datagram socket chooses a route and sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        # the second is documentation's own network (RFC 5737): the default route. An empty name would be this machine
        for target in filter(None, (peer, "192.0.2.1")):
            try:
                probe.connect((target, 104))
                return str(probe.getsockname()[0])
            except OSError:
                continue
    return socket.gethostname()
