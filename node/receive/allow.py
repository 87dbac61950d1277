"""Who may call: calling AE title and source network, called AE title (standards 6.2). A title proves no identity."""

import ipaddress
from dataclasses import dataclass
from enum import Enum

from node.settings import Peer, Receive


class Rejection(Enum):
    """Result, source and reason of an A-ASSOCIATE-RJ (PS3.8 table 9-21)."""

    CALLING_UNKNOWN = (1, 1, 3)
    CALLED_UNKNOWN = (1, 1, 7)
    CONGESTION = (2, 3, 1)
    LIMIT = (2, 3, 2)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why somebody may not call, and the setting that would let them in."""

    rejection: Rejection
    reason: str
    setting: str


def judge(settings: Receive, calling_ae: str, called_ae: str, host: str) -> Peer | Refused:
    """Find the peer that is calling, or say why there is none."""
    if called_ae not in (settings.ae_title, *settings.also_called):
        return Refused(
            Rejection.CALLED_UNKNOWN,
            "this node is not called that",
            f'receive.also_called: add "{called_ae}" (or let the peer call "{settings.ae_title}")',
        )
    of_title = [peer for peer in settings.peers if peer.ae_title == calling_ae]
    if not of_title:
        return Refused(
            Rejection.CALLING_UNKNOWN,
            "no peer has this calling AE title",
            f'receive.peers: add {{ ae_title = "{calling_ae}", hosts = ["{host}"] }}',
        )
    for peer in of_title:
        if _comes_from(host, peer.hosts):
            return peer
    return Refused(
        Rejection.CALLING_UNKNOWN,
        "this peer may not call from this address",
        f'receive.peers, ae_title = "{calling_ae}": add "{host}" to hosts',
    )


def too_many(maximum: int) -> Refused:
    """Refuse for now: all associations are taken."""
    return Refused(Rejection.LIMIT, "all associations are taken", f"receive.maximum_associations: more than {maximum}")


def disk_full(hard_bytes: int) -> Refused:
    """Refuse for now: the disk is below its hard mark."""
    return Refused(
        Rejection.CONGESTION, "the spool's disk is below its hard mark", f"disk.hard_free_gib: below {hard_bytes} bytes"
    )


def disk_fails(why: str) -> Refused:
    """Refuse for now: nothing can be written to the spool, whatever room there is."""
    return Refused(Rejection.CONGESTION, f"the spool cannot be written ({why})", "data_dir: its disk, mount and rights")


def is_loopback(host: str) -> bool:
    """Tell whether an address is this machine's own."""
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback


def _comes_from(host: str, networks: tuple[str, ...]) -> bool:
    """Tell whether an address lies in one of the networks; IPv4 mapped into IPv6 counts as IPv4."""
    address = ipaddress.ip_address(host.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in ipaddress.ip_network(network, strict=False) for network in networks)
