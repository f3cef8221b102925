"""From an accepted socket to a connection that speaks TLS, counted from its first moment.

The event loop's own TLS servers count nobody before the handshake is over, and hold one context
for ever; so sockets are accepted here, and each is met with the certificate of that moment.
"""

import asyncio
import errno
import socket

from structlog.typing import FilteringBoundLogger

from halfdoor.web.certificate import Certificate
from halfdoor.web.connection import Connection
from halfdoor.web.logs import describe
from halfdoor.web.reception import Reception

# Of these the next attempt knows no more: the process or the machine has no room.
_NO_ROOM = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_PAUSE_SECONDS = 0.2


async def accept_all(
    listening: socket.socket,
    reception: Reception,
    certificate: Certificate,
    log: FilteringBoundLogger,
) -> None:
    """Accept whoever comes, for ever; *listening* does not block."""
    while True:
        try:
            accepted, _ = await reception.loop.sock_accept(listening)
        except OSError as error:
            # Anything else is the fault of one client who left while it waited.
            if error.errno in _NO_ROOM:
                log.error("no room for more connections", **describe(error))
                await asyncio.sleep(_PAUSE_SECONDS)
            continue
        if reception.full:
            accepted.close()
        else:
            Handshake(reception, certificate, accepted)


class Handshake:
    """A client that has still to say hello. Afterwards a `Connection` takes its place."""

    def __init__(
        self, reception: Reception, certificate: Certificate, accepted: socket.socket
    ) -> None:
        self._reception = reception
        reception.welcome(self)
        self._task = reception.loop.create_task(self._shake(certificate, accepted))

    @property
    def unsent(self) -> int:
        """Nothing is said before the handshake is over."""
        return 0

    def leave(self) -> None:
        """Close: nothing was asked yet."""
        self._task.cancel()

    def late(self) -> None:
        """Close: TLS was to be spoken by now."""
        self._task.cancel()

    def drop(self) -> None:
        """Close at once."""
        self._task.cancel()

    def over(self) -> None:
        """Make room for the connection, which is counted from now on."""
        self._reception.farewell(self)

    async def _shake(self, certificate: Certificate, accepted: socket.socket) -> None:
        reception = self._reception
        try:
            await reception.loop.connect_accepted_socket(
                lambda: _Secured(reception, self),
                accepted,
                ssl=certificate.context,
                ssl_handshake_timeout=reception.patience.head_seconds,
            )
        except OSError:
            # Whatever they speak, it is not TLS 1.3: ssl.SSLError and TimeoutError are OSErrors.
            accepted.close()
        finally:
            self.over()


class _Secured(Connection):
    """A connection that takes the place of its handshake."""

    __slots__ = ("_handshake",)

    def __init__(self, reception: Reception, handshake: Handshake) -> None:
        super().__init__(reception)
        self._handshake: Handshake | None = handshake

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """TLS is spoken from here on."""
        if self._handshake is not None:
            self._handshake.over()
            self._handshake = None
        super().connection_made(transport)
