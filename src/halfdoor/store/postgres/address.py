"""Where the database is, and how it may be reached: in this machine, or by TLS with a name."""

import ssl
from typing import Final, final
from urllib.parse import parse_qsl, unquote, urlsplit

from halfdoor.config.peers import another_machine, is_local
from halfdoor.store.postgres.errors import UnsafeConnectionError

_SCHEMES: Final = {"postgresql", "postgres"}
_VERIFIED: Final = "verify-full"


@final
class Address:
    """A `postgresql://` address that was checked. `dsn` may hold a password and is never shown."""

    def __init__(self, dsn: str, password: str | None = None) -> None:
        """Read *dsn*; *password* is for one that names none.

        `UnsafeConnectionError` unless it is local or verifies the server's name.
        """
        self.password = password
        parts = urlsplit(dsn)
        if parts.scheme not in _SCHEMES:
            raise UnsafeConnectionError("the database's address must begin with postgresql://")
        if parts.netloc.count("@") > 1:
            raise UnsafeConnectionError("an @ in the database's password is written %40")
        query = dict(parse_qsl(parts.query))
        self.hosts = _hosts(parts.netloc, query.get("host", ""))
        if not self.hosts:
            raise UnsafeConnectionError(
                "the database's address must name its host, or the folder of its socket as"
                " ?host=/run/postgresql"
            )
        self.dsn = dsn
        self.ssl = self._ssl(query)

    def _ssl(self, query: dict[str, str]) -> ssl.SSLContext | bool:
        """Return the TLS to use, or False for none."""
        mode = query.get("sslmode")
        far = [host for host in self.hosts if not is_local(host)]
        if far and mode != _VERIFIED:
            raise UnsafeConnectionError(
                another_machine(
                    "database",
                    far[0],
                    "add ?sslmode=verify-full&sslrootcert=FILE to its address, FILE being the"
                    " certificate of who vouches for its name",
                )
            )
        if mode in {None, "disable"} or all(host.startswith("/") for host in self.hosts):
            return False
        if mode != _VERIFIED:
            raise UnsafeConnectionError(
                f"sslmode={mode} does not check whom it talks to: use verify-full, or disable"
                " for a database in this machine"
            )
        return _context(query)

    def __repr__(self) -> str:
        return f"Address(hosts={self.hosts})"


def _hosts(netloc: str, named: str) -> tuple[str, ...]:
    """Return the hosts that the driver will try, as it reads them."""
    listed = netloc.rpartition("@")[2] or named
    found = []
    for spec in filter(None, listed.split(",")):
        text = unquote(spec)
        if text.startswith("["):
            text = text[1:].partition("]")[0]
        elif not text.startswith("/"):
            text = text.partition(":")[0]
        found.append(text)
    return tuple(found)


def _context(query: dict[str, str]) -> ssl.SSLContext:
    """Return TLS that verifies the server's name."""
    try:
        context = ssl.create_default_context(cafile=query.get("sslrootcert"))
        if "sslcert" in query:
            context.load_cert_chain(query["sslcert"], query.get("sslkey"))
    except (OSError, ssl.SSLError) as error:
        named = query.get("sslrootcert") or query.get("sslcert")
        raise UnsafeConnectionError(
            f"the certificates of the database's address cannot be read ({named}): {error}"
        ) from error
    return context
