"""Where a server may listen: in the clear only where nobody can listen in."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from halfdoor.config.errors import ConfigError


def is_loopback(bind: str) -> bool:
    """True when *bind* reaches this machine alone; ConfigError when it is no address."""
    if bind == "localhost":
        return True
    try:
        return ip_address(bind).is_loopback
    except ValueError:
        raise ConfigError("bind", "it must be an IP address or localhost.") from None


def check_listening(
    bind: str,
    *,
    tls: bool,
    behind_proxy: bool = False,
    trusted_proxies: Sequence[str] = (),
    development: bool = False,
) -> None:
    """Refuse, with ConfigError, to put people's words or an open door on a network."""
    loopback = is_loopback(bind)
    for proxy in trusted_proxies:
        try:
            ip_network(proxy)
        except ValueError:
            raise ConfigError(
                "trusted_proxies", "each must be an address or a network such as 10.0.0.0/8."
            ) from None
    if behind_proxy and not trusted_proxies:
        raise ConfigError(
            "trusted_proxies",
            "behind_proxy needs the addresses of the proxies, or anyone could claim any address.",
        )
    if development and not loopback:
        raise ConfigError(
            "development", "it opens the server to everyone, so it runs on loopback only."
        )
    if not (loopback or tls or behind_proxy):
        raise ConfigError(
            "bind",
            "plain HTTP is served on loopback only. Give tls_cert and tls_key, or set "
            "behind_proxy and name the trusted_proxies that speak TLS.",
        )


def split_bind(text: str) -> tuple[str, int]:
    """`address:port` (IPv6 in brackets) as a pair; ConfigError when it is neither."""
    host, colon, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isdigit() or not port.isascii() or int(port) > 65535:
        raise ConfigError("metrics_bind", "it must be address:port.")
    is_loopback(host)
    return host, int(port)
