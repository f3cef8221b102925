"""Tokens on their way to a client, and the values their rows are found by (SEALING §2)."""

import os
from typing import final

import msgspec

from halfdoor import ids
from halfdoor.accounts.errors import UnknownTokenError
from halfdoor.sealing.labels import Denied, H
from halfdoor.sealing.slots import (
    SECRET_BYTES,
    TokenKind,
    make_token,
    read_token,
    token_kek,
    token_lookup,
)


@final
class NewToken(msgspec.Struct, frozen=True):
    """A token that was just made: `text` to send, `lookup` for the row, `kek` for the slot."""

    text: str
    lookup: bytes
    kek: bytes

    def __repr__(self) -> str:
        return "NewToken(…)"


@final
class ReadToken(msgspec.Struct, frozen=True, gc=False):
    """A token that a client presented: bucket, lookup value, and the secret behind it."""

    ub: int
    lookup: bytes
    secret: bytes

    def kek(self) -> bytes:
        """Return the key of the slot that the token opens."""
        return token_kek(self.secret)

    def __repr__(self) -> str:
        return "ReadToken(…)"


@final
class Mint:
    """Makes and reads tokens; holds the key that lookup values are made with, and no token."""

    def __init__(self, k_lookup: bytes) -> None:
        """*k_lookup* is 32 random bytes that the account key wraps, kept when that changes."""
        self._k_lookup = k_lookup

    def make(self, kind: TokenKind, user: str) -> NewToken:
        """Return a fresh token of *kind* for *user*."""
        r = os.urandom(SECRET_BYTES)
        return NewToken(
            text=make_token(kind, ids.bucket(user), r),
            lookup=token_lookup(self._k_lookup, r),
            kek=token_kek(r),
        )

    @staticmethod
    def mark(text: str) -> bytes:
        """Return what *text* is told again by while this process runs; it opens nothing."""
        return H(text.encode("utf-8", "surrogatepass"))

    def read(self, text: str, kind: TokenKind) -> ReadToken:
        """Return what *text* says; a text that is no token of *kind* is `UnknownTokenError`."""
        try:
            ub, r = read_token(text, kind)
        except (Denied, ValueError):
            ub, r = -1, b""
        if ub < 0:
            raise UnknownTokenError
        return ReadToken(ub, token_lookup(self._k_lookup, r), r)

    def __repr__(self) -> str:
        return "Mint(…)"
