"""Which of the platform's public keys a request was signed with."""

from typing import final

import jwt as pyjwt

from halfdoor.accounts.errors import KeysUnavailableError
from halfdoor.accounts.jwt import KeySource
from halfdoor.accounts.key_sets import find_key, keys_of


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

        `KeysUnavailableError` (503) where the set cannot be read.
        """
        try:
            keys = keys_of(await self._source.jwks())
        except (OSError, ValueError):
            raise KeysUnavailableError("the platform's keys cannot be read") from None
        return find_key(keys, kid, algorithm)

    def __repr__(self) -> str:
        return "PlatformKeys(…)"
