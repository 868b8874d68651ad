"""From where a request comes, also from behind proxies."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

#: what cannot be told, as over a socket of the file system, is in no network
NOWHERE: Final = IPv6Address("::")

#: some proxies write the port as well, and then IPv6 in brackets
_WITH_PORT: Final = re.compile(
    r"(?P<v4>[0-9.]+):[0-9]+|\[(?P<v6>[^\[\]]+)\](:[0-9]+)?", re.ASCII
)

#: a household or a machine is given a whole /64 (RFC 6177)
_IPV6_SHARE: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Peers:
    """Knows whom of those that speak for others is believed."""

    proxies: tuple[Network, ...] = ()

    def believes(self, peer: str | None) -> bool:
        """Tell whether *peer* is a proxy whose word for others counts."""
        return _is_in(address(peer or "") or NOWHERE, self.proxies)

    def origin(self, peer: str | None, forwarded: Sequence[str]) -> Address:
        """Return where a request of *peer* comes from.

        *forwarded* are the lines of X-Forwarded-For. Each proxy appends whom it
        heard, so what counts is the last that no proxy of ours is: what stands
        before it, anybody may have written.
        """
        origin = address(peer or "") or NOWHERE
        chain = [hop for line in forwarded for hop in line.split(",")]
        while chain and _is_in(origin, self.proxies):
            hop = address(_without_port(chain.pop()))
            if hop is None:
                break
            origin = hop
        return origin


def address(text: str) -> Address | None:
    """Return the address that *text* is, IPv4 within IPv6 as the IPv4 that it is."""
    bare = text.strip().partition("%")[0]  # without the zone of a link-local one
    try:
        found = ip_address(bare)
    except ValueError:
        return None
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        return found.ipv4_mapped
    return found


def is_within(origin: Address, networks: Sequence[str]) -> bool:
    """Tell whether *origin* is in one of *networks*, written as CIDR."""
    return _is_in(origin, [ip_network(network) for network in networks])


def share(origin: Address) -> str:
    """Return what one party has of addresses, as which its attempts are counted."""
    if isinstance(origin, IPv6Address):
        return str(ip_network((origin, _IPV6_SHARE), strict=False))
    return str(origin)


def _without_port(hop: str) -> str:
    found = _WITH_PORT.fullmatch(hop.strip())
    return hop if found is None else found["v4"] or found["v6"]


def _is_in(origin: Address, networks: Sequence[Network]) -> bool:
    return any(origin in network for network in networks)
