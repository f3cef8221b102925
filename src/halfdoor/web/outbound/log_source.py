"""A public log as a stranger reads it over HTTP: bounded in size and time, sent nowhere else."""

import asyncio
from typing import Final, final

import httpx

from halfdoor.merkle.errors import RefusedError
from halfdoor.transparency.source import UnreachableError, most_bytes
from halfdoor.web.outbound.addresses import check_address

_CONNECT_S: Final = 10.0
# For one file as a whole: a server that drips would hold a run up for ever otherwise.
_FILE_S: Final = 60.0
_CONNECTIONS: Final = 8
_TRIES: Final = 2


def log_client() -> httpx.AsyncClient:
    """Return a client for logs; whoever made it closes it."""
    # Only connecting is tried again: what a server answers stands.
    limits = httpx.Limits(max_connections=_CONNECTIONS)
    return httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(retries=_TRIES, limits=limits, trust_env=False),
        timeout=httpx.Timeout(_FILE_S, connect=_CONNECT_S),
        follow_redirects=False,
        trust_env=False,
        headers={"user-agent": "halfdoor", "accept-encoding": "identity"},
    )


@final
class HttpSource:
    """Implements `transparency.source.Source` below an address."""

    def __init__(self, client: httpx.AsyncClient, url: str, *, seconds: float = _FILE_S) -> None:
        """*client* as `log_client` makes it; `AddressError` for an address that is not safe."""
        self._client = client
        self._url = check_address(url)
        self._seconds = seconds

    async def get(self, path: str) -> bytes | None:
        """Return a file, None for 404 and 410; `UnreachableError` for any other answer.

        `RefusedError` where it is longer than a file of its kind may be.
        """
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._client.stream("GET", f"{self._url}/{path}") as answer,
            ):
                return await self._body(path, answer)
        except TimeoutError:
            raise UnreachableError(f"{path} took longer than {self._seconds:.0f} s") from None
        except httpx.HTTPError as error:
            raise UnreachableError(f"{path}: no answer: {type(error).__name__}") from None

    async def _body(self, path: str, answer: httpx.Response) -> bytes | None:
        if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
            return None
        if answer.is_redirect:
            raise UnreachableError(f"{path}: it sends elsewhere, which is not followed")
        if answer.status_code != httpx.codes.OK:
            raise UnreachableError(f"{path}: answered with {answer.status_code}")
        # Nobody asked for it, and a few packed bytes can be very many.
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise UnreachableError(f"{path}: the answer is packed, which was not asked for")
        most = most_bytes(path)
        found = bytearray()
        async for part in answer.aiter_raw():
            found += part
            if len(found) > most:
                raise RefusedError("file-size", f"{path} is longer than {most} bytes")
        return bytes(found)

    def __repr__(self) -> str:
        return f"HttpSource({self._url!r})"
