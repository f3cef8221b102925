"""Witnesses as a log reaches them over HTTP (C2SP tlog-witness)."""

import asyncio
from hashlib import sha256
from typing import Final, final

import httpx

from halfdoor.transparency.peers import Answer, NoAnswerError
from halfdoor.web.outbound.addresses import check_address

# Together for connecting, asking and all of the answer: who drips it is late too.
SECONDS: Final = 5.0
# A checkpoint and its cosignatures; no honest answer comes near.
MOST_BYTES: Final = 65_536


@final
class HttpWitness:
    """Implements `transparency.peers.Peer` for a witness at an address."""

    def __init__(self, url: str, client: httpx.AsyncClient, *, seconds: float = SECONDS) -> None:
        """*url* is its submission prefix; *client* is closed by whoever made it.

        `AddressError` for what is not https, or http on loopback.
        """
        self._url = check_address(url)
        self._client = client
        self._seconds = seconds

    async def add_checkpoint(self, body: bytes) -> Answer:
        """Send a request and return the answer; `NoAnswerError` where none came in time."""
        return await self._ask("POST", "/add-checkpoint", body)

    async def newest(self, origin: str) -> Answer:
        """Return the newest checkpoint it vouched for, 404 where there is none."""
        return await self._ask("GET", f"/newest/{sha256(origin.encode()).hexdigest()}")

    async def _ask(self, method: str, path: str, body: bytes | None = None) -> Answer:
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._client.stream(
                    method,
                    self._url + path,
                    content=body,
                    headers={"content-type": "text/plain; charset=utf-8"} if body else {},
                    follow_redirects=False,
                ) as response,
            ):
                return Answer(response.status_code, await _read(response))
        except TimeoutError:
            raise NoAnswerError("no answer in time") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise NoAnswerError(f"it cannot be reached: {type(error).__name__}") from None

    def __repr__(self) -> str:
        return f"HttpWitness({self._url!r})"


def witness_client() -> httpx.AsyncClient:
    """Return a client that heeds no proxy variable and keeps connections to each witness open."""
    return httpx.AsyncClient(
        timeout=SECONDS,
        follow_redirects=False,
        trust_env=False,
        limits=httpx.Limits(max_keepalive_connections=64, keepalive_expiry=600.0),
    )


async def _read(response: httpx.Response) -> bytes:
    body = b""
    # Raw: what was compressed could grow without end, and nobody asked for that.
    async for part in response.aiter_raw():
        body += part
        if len(body) > MOST_BYTES:
            raise NoAnswerError(f"its answer is longer than {MOST_BYTES} bytes")
    return body
