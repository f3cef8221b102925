"""Posts what happens at the desk to the platform, signed as Standard Webhooks are.

https://www.standardwebhooks.com: `webhook-signature` is `v1,` and base64 of HMAC-SHA256 over
`id.timestamp.body`; the receiver compares it, and refuses what is older than some minutes.
"""

import asyncio
import base64
import hmac
import stat
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Final, final

import httpx

_PREFIX: Final = "whsec_"
_KEY_BYTES: Final = range(24, 65)
_SECRETS: Final = 2
# Together with what else a step does it stays below half a lease (`apps.work.LEASE_MS`).
_SECONDS: Final = 5.0


class DeliveryError(Exception):
    """The platform did not take the message; it is sent again later."""


class SecretError(Exception):
    """The file with the secret cannot be used; the text says why and holds no secret."""


@final
class WebhookSecret:
    """What signs: the secret in force, and the one before it while receivers change over."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def sign(self, id: str, timestamp: int, body: bytes) -> str:
        """Return `webhook-signature` for *body*; *timestamp* in seconds since 1970."""
        signed = b".".join((id.encode(), str(timestamp).encode(), body))
        return " ".join(f"v1,{_base64(hmac.digest(key, signed, sha256))}" for key in self._keys)

    def __repr__(self) -> str:
        return f"WebhookSecret(keys={len(self._keys)})"


def read_secret(path: Path) -> WebhookSecret:
    """Return the secret in the file at *path*: one line, or two; `SecretError`."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(path.stat().st_mode)
            lines = file.read(4096).decode("ascii").split()
    except (OSError, UnicodeDecodeError):
        raise SecretError(f"{path} cannot be read") from None
    if mode & 0o077:
        raise SecretError(f"{path} can be read by others (mode {mode:03o}): chmod 600 {path}")
    if not 1 <= len(lines) <= _SECRETS:
        raise SecretError(f"{path} holds one secret a line, two at most")
    return WebhookSecret([_key(line, path) for line in lines])


def _key(line: str, path: Path) -> bytes:
    try:
        key = base64.b64decode(line.removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not line.startswith(_PREFIX) or len(key) not in _KEY_BYTES:
        raise SecretError(f"{path}: a secret is whsec_ and base64 of 24 to 64 bytes")
    return key


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


@final
class WebhookPost:
    """Posts to the one configured address, and to no other: no redirect, no proxy, no answer read.

    The certificate is checked against the name in the address (httpx's default).
    """

    def __init__(self, client: httpx.AsyncClient, url: str, secret: WebhookSecret) -> None:
        """*client* is closed by whoever made it (`outbound_client`)."""
        self._client = client
        self._url = url
        self._secret = secret

    async def post(self, id: str, body: bytes, now_ms: int) -> None:
        """Deliver *body* as the message *id*; `DeliveryError` unless the answer is 2xx in time."""
        timestamp = now_ms // 1000
        headers = {
            "content-type": "application/json",
            "user-agent": "halfdoor",
            "webhook-id": id,
            "webhook-timestamp": str(timestamp),
            "webhook-signature": self._secret.sign(id, timestamp, body),
        }
        try:
            # The time is for all of it: an answer that drips goes on for ever otherwise.
            async with (
                asyncio.timeout(_SECONDS),
                self._client.stream(
                    "POST", self._url, content=body, headers=headers, follow_redirects=False
                ) as answer,
            ):
                status = answer.status_code
        except (httpx.HTTPError, TimeoutError) as error:
            raise DeliveryError(f"no answer: {type(error).__name__}") from None
        if not 200 <= status < 300:
            raise DeliveryError(f"answered with {status}")

    def __repr__(self) -> str:
        return f"WebhookPost({self._url!r})"
