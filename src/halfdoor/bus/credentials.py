"""What a bus knows us by: user and password, a token, or a NATS credentials file.

A credentials file holds a JWT, and the seed of the Ed25519 key that signs the server's nonce (NATS,
"Credentials"; nkeys: base32 of two bytes of prefix, the seed, and a checksum).
"""

import base64
import binascii
import re
from typing import Any, Final, final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from halfdoor.bus.errors import BusError

_PART: Final = r"-+BEGIN {}-+\s*(\S+)\s*-+END"
_JWT: Final = re.compile(_PART.format("NATS USER JWT"))
_SEED: Final = re.compile(_PART.format("USER NKEY SEED"))
_PREFIX_BYTES, _SEED_BYTES, _CHECK_BYTES = 2, 32, 2


@final
class Credentials:
    """The options of the client library that hold what must not be shown."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options

    def __repr__(self) -> str:
        return "Credentials(…)"

    def __rich_repr__(self) -> Any:
        """Show rich tracebacks no more than `repr`."""
        yield "…"


def read_credentials(text: str) -> Credentials:
    """Return the credentials in *text*: a NATS credentials file, `name:password`, or a token."""
    if "BEGIN NATS" in text:
        return _signed(text)
    line = text.strip()
    if not line or not line.isprintable():
        raise BusError("the bus's credentials must be one line NAME:PASSWORD, or a NATS file")
    name, colon, password = line.partition(":")
    return Credentials({"user": name, "password": password} if colon else {"token": line})


def _signed(text: str) -> Credentials:
    jwt, seed = _JWT.search(text), _SEED.search(text)
    if jwt is None or seed is None:
        raise BusError("the bus's credentials file holds no JWT, or no key")
    key = _key(seed.group(1))
    said = jwt.group(1).encode()

    def user_jwt() -> bytes:
        return said

    def sign(nonce: str) -> bytes:
        return base64.b64encode(key.sign(nonce.encode()))

    return Credentials({"user_jwt_cb": user_jwt, "signature_cb": sign})


def _key(seed: str) -> Ed25519PrivateKey:
    try:
        raw = base64.b32decode(seed + "=" * (-len(seed) % 8))
    except binascii.Error:
        raw = b""
    if len(raw) != _PREFIX_BYTES + _SEED_BYTES + _CHECK_BYTES or not seed.startswith("SU"):
        raise BusError("the key in the bus's credentials file is no seed of a user")
    return Ed25519PrivateKey.from_private_bytes(raw[_PREFIX_BYTES:-_CHECK_BYTES])
