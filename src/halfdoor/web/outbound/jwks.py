"""The platform's public keys (a JWK Set, RFC 7517), read from a file."""

import asyncio
from pathlib import Path

# A set of keys is a few kilobytes; more is a mistake or an attack.
MAX_BYTES = 262_144


class JwksFile:
    """A JWK Set in a file, which may be replaced while the server runs."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def jwks(self) -> bytes:
        """The file's bytes; OSError when it cannot be read."""
        return await asyncio.to_thread(self._read)

    def _read(self) -> bytes:
        with self._path.open("rb") as opened:
            return bounded(opened.read(MAX_BYTES + 1))


def bounded(body: bytes) -> bytes:
    """Return *body*; OSError for more than a key set could need."""
    if len(body) > MAX_BYTES:
        raise OSError("the JWK Set is too long")
    return body
