"""Which key of a JWK Set (RFC 7517) a token was signed with. Pure."""

from collections.abc import Sequence
from typing import Any, Final

import jwt as pyjwt
import msgspec


class _KeySet(msgspec.Struct, frozen=True):
    """The part of a JWK Set that is read here."""

    keys: list[dict[str, Any]]


_decode: Final = msgspec.json.Decoder(_KeySet).decode


def keys_of(document: bytes) -> list[dict[str, Any]]:
    """Return the keys of a JWK Set; `ValueError` where it is none."""
    try:
        return _decode(document).keys
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise ValueError("this is no JWK Set") from None


def find_key(keys: Sequence[dict[str, Any]], kid: object, algorithm: str) -> pyjwt.PyJWK | None:
    """Return the public key named *kid* for *algorithm*, or None."""
    if kid is not None:
        fitting = [key for key in keys if key.get("kid") == kid]
    else:
        # Without a name only a set of one key leaves no choice to whoever wrote the header.
        fitting = list(keys) if len(keys) == 1 else []
    for key in fitting:
        # A shared secret in the set verifies nothing.
        if key.get("kty") == "oct" or key.get("alg", algorithm) != algorithm:
            continue
        if key.get("use", "sig") != "sig":
            continue
        try:
            return pyjwt.PyJWK(key, algorithm)
        except (pyjwt.PyJWTError, ValueError):
            continue
    return None
