"""Whose address a request comes from, when proxies we trust stand in between."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network

_FORWARDED_FOR = b"x-forwarded-for"


class ClientAddresses:
    """Reads `X-Forwarded-For` from trusted proxies, and from nobody else.

    The rightmost address that is not a trusted proxy is the client: what stands left of it was
    written by the client and means nothing.
    """

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        """*trusted* are addresses or networks in CIDR form; ValueError when one is neither."""
        self._trusted: tuple[Network, ...] = tuple(ip_network(each) for each in trusted)
        self._is_trusted = lru_cache(maxsize=1024)(self._is_trusted_now)

    def find(self, peer: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """The client's address, given the socket's *peer* and the request's headers."""
        if not self._trusted or not self._is_trusted(peer):
            return peer
        hops = [
            hop.strip()
            for name, value in headers
            if name == _FORWARDED_FOR
            for hop in value.decode("latin-1").split(",")
        ]
        client = peer
        for hop in reversed(hops):
            if _parse(hop) is None:
                # A proxy of ours would not have written this: believe what came after it.
                return client
            client = hop
            if not self._is_trusted(hop):
                return client
        return client

    def _is_trusted_now(self, address: str) -> bool:
        parsed = _parse(address)
        return parsed is not None and any(parsed in network for network in self._trusted)


@lru_cache(maxsize=4096)
def household(address: str) -> str:
    """What rate limits count by: an IPv4 address, or an IPv6 /64, which is one subscriber."""
    parsed = _parse(address)
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, 64), strict=False))


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address)
    except ValueError:
        return None
