"""Which of the platform's public keys a request was signed with (JWK Set, RFC 7517)."""

from typing import Any, Final, final

import jwt as pyjwt
import msgspec

from halfdoor.accounts.errors import KeysUnavailableError
from halfdoor.accounts.jwt import KeySource


class _KeySet(msgspec.Struct, frozen=True):
    """The part of a JWK Set that is read here."""

    keys: list[dict[str, Any]]


_decode: Final = msgspec.json.Decoder(_KeySet).decode


@final
class PlatformKeys:
    """Finds public keys in the platform's key set.

    The set is a small local file and is read for every request, so that a key that is taken out of
    it signs nothing from then on.
    """

    def __init__(self, source: KeySource) -> None:
        self._source = source

    async def find(self, kid: object, algorithm: str) -> pyjwt.PyJWK | None:
        """Return the public key named *kid* for *algorithm*, or None.

        Without a name only a set of one key leaves no choice to whoever wrote the token.
        `KeysUnavailableError` (503) where the set cannot be read.
        """
        try:
            keys = _decode(await self._source.jwks()).keys
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            raise KeysUnavailableError("the platform's keys cannot be read") from None
        fitting = keys if kid is None and len(keys) == 1 else ()
        if kid is not None:
            fitting = [key for key in keys if key.get("kid") == kid]
        for key in fitting:
            found = _public_key(key, algorithm)
            if found is not None:
                return found
        return None

    def __repr__(self) -> str:
        return "PlatformKeys(…)"


def _public_key(key: dict[str, Any], algorithm: str) -> pyjwt.PyJWK | None:
    """Return *key* if it verifies *algorithm*: a shared secret in the set verifies nothing."""
    if key.get("kty") == "oct" or key.get("use", "sig") != "sig":
        return None
    if key.get("alg", algorithm) != algorithm:
        return None
    try:
        return pyjwt.PyJWK(key, algorithm)
    except (pyjwt.PyJWTError, ValueError):
        return None
