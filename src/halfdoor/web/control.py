"""The control socket: where the administrator's commands on this machine find a running server.

A Unix socket in the data directory, for the server's own user and root alone. One request is one
line of JSON, answered by one line; what may be asked is decided by whoever answers (apps/control).
"""

import asyncio
import contextlib
import os
import socket
import stat
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final, Literal, final

import msgspec
from structlog.typing import FilteringBoundLogger

from halfdoor.config.errors import ConfigError
from halfdoor.web.logs import describe

SOCKET_NAME: Final = "control.sock"
MAX_REQUEST_BYTES: Final = 16_384
READ_SECONDS: Final = 5.0
WRITE_SECONDS: Final = 5.0
# How long a stop waits for what was asked before it.
DRAIN_SECONDS: Final = 10.0
MOST_AT_ONCE: Final = 16

_ROOT: Final = 0
# struct ucred: pid, uid, gid (unix(7), SO_PEERCRED).
_CREDENTIALS: Final = struct.Struct("3i")

# usage: asked wrongly; failed: it could not be done; refused: it may not be done.
Kind = Literal["usage", "failed", "refused"]
Answer = Callable[[bytes], Awaitable[bytes]]


class Done(msgspec.Struct, frozen=True, tag_field="answer", tag="done"):
    """It was done; `result` is what the verb gives back."""

    result: msgspec.Raw


class Refused(msgspec.Struct, frozen=True, tag_field="answer", tag="refused"):
    """It was not done; `text` says why, for the administrator."""

    kind: Kind
    text: str


@contextlib.contextmanager
def socket_address(folder: Path) -> Iterator[str]:
    """Give the address of the control socket in *folder*; OSError where there is no such folder.

    It goes through a handle of the folder: an address has at most 107 bytes (unix(7)), a path more.
    """
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{handle}/{SOCKET_NAME}"
    finally:
        os.close(handle)


def may_ask(uid: int, owner: int) -> bool:
    """Tell whether user *uid* may ask a server that runs as *owner*: the same one, or root."""
    return uid in (owner, _ROOT)


@contextlib.asynccontextmanager
async def serve_control(
    folder: Path,
    answer: Answer,
    log: FilteringBoundLogger,
    *,
    owner: int | None = None,
    read_seconds: float = READ_SECONDS,
) -> AsyncIterator[None]:
    """Answer what arrives on the control socket of *folder* while the block runs.

    The caller holds the folder's lock, so a socket that is there already was left behind by a
    server that is no more. *answer* turns one line into one line; *owner* is the user that may ask
    beside root, this process's own by default. `ConfigError` where the socket cannot be made.
    """
    desk = _Desk(answer, log, os.geteuid() if owner is None else owner, read_seconds)
    server = await asyncio.start_unix_server(
        desk.receive, sock=_bound(folder), limit=MAX_REQUEST_BYTES
    )
    try:
        yield
    finally:
        server.close()
        with contextlib.suppress(FileNotFoundError):
            (folder / SOCKET_NAME).unlink()
        await desk.finish()


def _bound(folder: Path) -> socket.socket:
    """Return a socket bound in *folder* that nobody else could open even for an instant."""
    path = folder / SOCKET_NAME
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        with contextlib.suppress(FileNotFoundError):
            if not stat.S_ISSOCK(path.lstat().st_mode):
                raise ConfigError(
                    "data_dir", f"it holds a {SOCKET_NAME} that is no socket: move it away."
                )
            path.unlink()
        # Set before it has a name; a umask would be the whole process's, with all its threads.
        os.fchmod(made.fileno(), 0o600)
        with socket_address(folder) as address:
            made.bind(address)
    except OSError as error:
        made.close()
        raise ConfigError(
            "data_dir", f"no {SOCKET_NAME} can be made in it: {error.strerror}."
        ) from None
    except ConfigError:
        made.close()
        raise
    return made


@final
class _Desk:
    """Takes one request from each connection, and gives each so much room and time."""

    def __init__(
        self, answer: Answer, log: FilteringBoundLogger, owner: int, read_seconds: float
    ) -> None:
        self._answer = answer
        self._log = log
        self._owner = owner
        self._read_seconds = read_seconds
        self._in_hand: set[asyncio.Task[None]] = set()

    def receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a new connection."""
        task = asyncio.ensure_future(self._serve(reader, writer))
        self._in_hand.add(task)
        task.add_done_callback(self._in_hand.discard)

    async def finish(self) -> None:
        """Wait for what is in hand, but not for ever."""
        if self._in_hand:
            _, late = await asyncio.wait(self._in_hand, timeout=DRAIN_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            said = await self._respond(reader, writer)
            if said is not None:
                async with asyncio.timeout(WRITE_SECONDS):
                    writer.write(said + b"\n")
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
        except OSError:
            # Gone, or does not read (TimeoutError is an OSError): what was asked is done anyway.
            pass
        finally:
            writer.transport.abort()

    async def _respond(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bytes | None:
        """Return the answer, None where nothing was asked."""
        # Who asks comes first: a stranger's bytes are not even read.
        if not may_ask(_peer(writer), self._owner):
            self._log.warning("control refused")
            return _refusal("refused", "only the server's own user and root may ask.")
        try:
            async with asyncio.timeout(self._read_seconds):
                line = await reader.readuntil(b"\n")
        except TimeoutError:
            return _refusal("failed", "the request did not arrive in time.")
        except asyncio.LimitOverrunError:
            return _refusal("usage", f"a request has at most {MAX_REQUEST_BYTES} bytes.")
        except asyncio.IncompleteReadError as ended:
            if not ended.partial:
                # Somebody only wanted to know whether a server listens.
                return None
            return _refusal("usage", "a request is one whole line.")
        if len(self._in_hand) > MOST_AT_ONCE:
            return _refusal("failed", "too many commands at once; try again.")
        try:
            return await self._answer(line)
        except Exception as error:  # noqa: BLE001 - told by type alone; the server goes on
            self._log.error("control failed", **describe(error))
            return _refusal("failed", "the server failed at this; its log says where.")


def _peer(writer: asyncio.StreamWriter) -> int:
    """Return the user at the other end, as the kernel noted it when the connection was made."""
    connected = writer.get_extra_info("socket")
    raw: bytes = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    uid: int = _CREDENTIALS.unpack(raw)[1]
    return uid


def _refusal(kind: Kind, text: str) -> bytes:
    return msgspec.json.encode(Refused(kind, text))
