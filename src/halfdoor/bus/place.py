"""Where the bus is, and by what it knows us: in this machine, or by TLS with a verified name."""

import ssl
import stat
from pathlib import Path
from typing import Final, final
from urllib.parse import urlsplit

from halfdoor.bus.credentials import Credentials, read_credentials
from halfdoor.bus.errors import BusError, UnsafeBusError
from halfdoor.config.peers import another_machine, is_local

_PLAIN, _TLS = "nats", "tls"
_PORT: Final = 4222
_OTHERS: Final = 0o077


@final
class BusPlace:
    """The servers of a bus, checked. Its credentials are never shown."""

    def __init__(
        self, url: str, *, credentials_file: Path | None = None, ca_file: Path | None = None
    ) -> None:
        """Read *url*, one address or several with commas between them.

        `UnsafeBusError` unless each is local or verifies the server's name; `BusError` for what
        cannot be read.
        """
        found = [_server(one.strip()) for one in url.split(",")]
        schemes = {scheme for scheme, _ in found}
        if len(schemes) > 1:
            raise BusError("the servers of one message bus all begin with nats://, or with tls://")
        self.servers = tuple(server for _, server in found)
        self.tls = _context(ca_file) if schemes == {_TLS} else None
        self.credentials = _credentials(credentials_file)

    def __repr__(self) -> str:
        return f"BusPlace({list(self.servers)})"


def _server(url: str) -> tuple[str, str]:
    """Return the scheme of one address, and the address as the client library takes it."""
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port or _PORT
    except ValueError:
        raise BusError("the port in the message bus's address is no number") from None
    if parts.scheme not in {_PLAIN, _TLS} or not host:
        raise BusError("the message bus's address must be nats://HOST:PORT or tls://HOST:PORT")
    if "@" in parts.netloc:
        raise UnsafeBusError(
            "the message bus's address holds a password: put it into a file and name that as"
            " [bus] credentials_file"
        )
    if parts.scheme == _PLAIN and not is_local(host):
        raise UnsafeBusError(
            another_machine(
                "message bus",
                host,
                "begin its address with tls:// and name as [bus] ca_file the certificate of who"
                " vouches for its name",
            )
        )
    return parts.scheme, f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _context(ca_file: Path | None) -> ssl.SSLContext:
    """Return TLS that verifies the server's name."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise UnsafeBusError(
            f"the certificate of the message bus cannot be read ({ca_file}): {error}"
        ) from error


def _credentials(file: Path | None) -> Credentials | None:
    """Return what *file* holds; `UnsafeBusError` where others on this machine may read it."""
    if file is None:
        return None
    try:
        if stat.S_IMODE(file.stat().st_mode) & _OTHERS:
            raise UnsafeBusError(f"others may read {file}: chmod 600 it")
        return read_credentials(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise BusError(f"the credentials of the message bus cannot be read: {file}") from None
