"""The platform's public keys (a JWK Set, RFC 7517), read from a file or fetched from an address."""

import asyncio
from pathlib import Path

import httpx

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
            return _bounded(opened.read(MAX_BYTES + 1))


class JwksUrl:
    """A JWK Set behind an address (https, or loopback: the configuration is checked for that)."""

    def __init__(self, url: str, client: httpx.AsyncClient) -> None:
        """*client* is closed by whoever made it (`outbound_client`)."""
        self._url = url
        self._client = client

    async def jwks(self) -> bytes:
        """What the address answers; OSError unless that is a 200 of sane length, in time."""
        body = b""
        try:
            async with self._client.stream("GET", self._url) as response:
                if response.status_code != httpx.codes.OK:
                    raise OSError(f"the JWK Set's address answers {response.status_code}")
                async for part in response.aiter_bytes():
                    body = _bounded(body + part)
        except httpx.HTTPError as error:
            raise OSError(f"the JWK Set cannot be fetched: {type(error).__name__}") from None
        return body


def outbound_client() -> httpx.AsyncClient:
    """A client that follows no redirect, heeds no proxy variable and gives up after 5 seconds."""
    return httpx.AsyncClient(timeout=5.0, follow_redirects=False, trust_env=False)


def _bounded(body: bytes) -> bytes:
    if len(body) > MAX_BYTES:
        raise OSError("the JWK Set is too long")
    return body
