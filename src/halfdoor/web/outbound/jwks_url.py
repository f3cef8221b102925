"""The platform's public keys (a JWK Set, RFC 7517), fetched from an address."""

import httpx

from halfdoor.web.outbound.jwks import bounded


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
                    body = bounded(body + part)
        except httpx.HTTPError as error:
            raise OSError(f"the JWK Set cannot be fetched: {type(error).__name__}") from None
        return body


def outbound_client() -> httpx.AsyncClient:
    """A client that follows no redirect, heeds no proxy variable and gives up after 5 seconds."""
    return httpx.AsyncClient(timeout=5.0, follow_redirects=False, trust_env=False)
