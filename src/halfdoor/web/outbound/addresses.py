"""Where logs and witnesses are asked: over https, or in the clear on this machine alone."""

from ipaddress import ip_address
from urllib.parse import urlsplit


class AddressError(ValueError):
    """Nobody is asked at this address; the message says why."""


def check_address(url: str) -> str:
    """Return *url* without its last slash; `AddressError` unless https, or http on loopback."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise AddressError(f"{url!r} is no address") from None
    if parts.scheme not in ("http", "https") or not host or port == 0:
        raise AddressError(f"{url!r} is no address that begins with https://")
    if parts.username is not None or parts.query or parts.fragment:
        raise AddressError("an address holds no name, question mark or hash sign here")
    if parts.scheme == "http" and not _is_loopback(host):
        raise AddressError("without https anybody between could change what is read")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
