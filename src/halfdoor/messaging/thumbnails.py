"""Small pictures of pictures, made in a process of their own (`thumbnail_worker`).

What is decoded was made by a stranger: no decoder runs where keys are.
"""

import asyncio
import contextlib
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec

_WORKER: Final = Path(__file__).with_name("thumbnail_worker.py")
_SECONDS: Final = 12.0
# At work at once, and waiting for that; each is a decoder with its own memory.
_AT_ONCE: Final = 2
_WAITING: Final = 64
# A small picture is smaller than this, whatever its size of the list.
_MOST_BYTES: Final = 4 << 20
_KINDS: Final = {b"J": "image/jpeg", b"P": "image/png"}
# The sizes that are made; a client gets the first that is no smaller than what it asked for.
SIZES: Final = ((32, 32), (96, 96), (320, 240), (640, 480), (800, 600))
# One that is longer is not decoded at all.
MAX_SOURCE_BYTES: Final = 32 << 20


class NoPictureError(Exception):
    """There is no picture to be made of this: of another kind, broken, or made to do harm."""


class ThumbnailsBusyError(Exception):
    """As many pictures wait as may; try again."""


class Small(msgspec.Struct, frozen=True):
    """A small picture: its MIME type and its bytes."""

    content_type: str
    data: bytes

    def __repr__(self) -> str:
        return f"Small({self.content_type}, size={len(self.data)})"


def nearest(width: int, height: int) -> tuple[int, int]:
    """Return the size that is made where *width* by *height* pixels are asked for."""
    for size in SIZES:
        if width <= size[0] and height <= size[1]:
            return size
    return SIZES[-1]


class Thumbnails:
    """Makes small pictures; the process is started with the first and ends with the server."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._starting = asyncio.Lock()
        self._control: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None

    async def make(
        self, source: AsyncIterator[bytes], width: int, height: int, *, crop: bool
    ) -> Small:
        """Return the picture that *source* yields within *width* and *height*.

        Raises `NoPictureError`, `ThumbnailsBusyError`, and whatever *source* raises.
        """
        if self._waiting >= _WAITING:
            raise ThumbnailsBusyError
        self._waiting += 1
        try:
            async with self._places:
                try:
                    async with asyncio.timeout(_SECONDS):
                        made = await self._ask(source, width, height, crop=crop)
                except (TimeoutError, ConnectionError):
                    made = b""
        finally:
            self._waiting -= 1
        kind = _KINDS.get(made[:1])
        if kind is None:
            raise NoPictureError
        return Small(kind, made[1:])

    async def _ask(
        self, source: AsyncIterator[bytes], width: int, height: int, *, crop: bool
    ) -> bytes:
        line = await self._line()
        reader, writer = await asyncio.open_connection(sock=line)
        try:
            writer.write(width.to_bytes(2, "big") + height.to_bytes(2, "big") + bytes([crop]))
            async for piece in source:
                writer.write(piece)
                await writer.drain()
            writer.write_eof()
            made = bytearray()
            while part := await reader.read(65_536):
                made += part
                if len(made) > _MOST_BYTES:
                    return b""
            return bytes(made)
        finally:
            writer.transport.abort()

    async def _line(self) -> socket.socket:
        """Return our end of a line to a child that waits for a picture."""
        ours, theirs = socket.socketpair()
        with theirs:
            for _ in range(2):
                control = await self._running()
                try:
                    socket.send_fds(control, [b"!"], [theirs.fileno()])
                except OSError:
                    # It was killed from outside: another is started, once.
                    await self.close()
                else:
                    ours.setblocking(False)
                    return ours
        ours.close()
        raise ConnectionError

    async def _running(self) -> socket.socket:
        async with self._starting:
            if self._control is None:
                ours, theirs = socket.socketpair()
                with theirs:
                    self._process = await asyncio.create_subprocess_exec(
                        sys.executable,
                        # No variables, no folder of the user: nothing from outside is run in it.
                        "-I",
                        str(_WORKER),
                        stdin=theirs.fileno(),
                        stdout=asyncio.subprocess.DEVNULL,
                        stderr=asyncio.subprocess.DEVNULL,
                        env={},
                        cwd="/",
                    )
                self._control = ours
            return self._control

    async def close(self) -> None:
        """Let the process end, and wait for it."""
        control, self._control = self._control, None
        process, self._process = self._process, None
        if control is not None:
            control.close()
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                await process.wait()
