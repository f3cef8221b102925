"""The outer layer: every stored row under a key of the entity, so that a dump alone is noise.

Also the macs of rows that decide who may read or act. All of SEALING §2.
"""

import os
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from typing import Any, Final, final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from halfdoor.sealing.labels import (
    CheckError,
    Denied,
    canonical,
    canonical_key,
    enc,
    extend,
    kdf,
    mac,
    same_bytes,
)
from halfdoor.sealing.symmetric import KEY_BYTES, NONCE_BYTES, cipher, decrypt, unwrap, wrap

_GENERATION_BYTES: Final = 2
_GENERATIONS: Final = 65_536
_HEAD_BYTES: Final = _GENERATION_BYTES + NONCE_BYTES

PrimaryKey = Sequence[str | int | bytes]


class RowMacError(CheckError):
    """A row that decides who may read or act was changed by someone without the outer key."""


@final
class OuterKeys:
    """The data keys of months and account-key generations, by number.

    Holds them for the life of the process; *cached* bounds the ciphers kept ready, one for
    each (generation, table, partition) in use.
    """

    def __init__(self, keys: Mapping[int, bytes], cached: int = 8192) -> None:
        self._keys: dict[int, bytes] = {}
        self._cipher = lru_cache(cached)(self._derive)
        for generation, key in keys.items():
            self.add(generation, key)

    @property
    def generations(self) -> frozenset[int]:
        """The numbers of the keys held."""
        return frozenset(self._keys)

    def add(self, generation: int, key: bytes) -> None:
        """Hold the 32-byte *key* of a *generation* below 65,536; one held is never replaced."""
        # What is derived from it is 32 bytes in any case, so no cipher would notice a short one.
        if len(key) != KEY_BYTES or not 0 <= generation < _GENERATIONS:
            raise Denied
        if self._keys.setdefault(generation, key) != key:
            raise Denied

    def forget(self, generation: int) -> None:
        """Drop the key of *generation* and every cipher made from it."""
        del self._keys[generation]
        self._cipher.cache_clear()

    def seal(
        self,
        generation: int,
        table: str,
        partition: str,
        pk: PrimaryKey,
        body: bytes,
        nonce: bytes | None = None,
    ) -> bytes:
        """Return `generation u16be ‖ nonce12 ‖ ciphertext`, bound to its place in *table*."""
        nonce = os.urandom(NONCE_BYTES) if nonce is None else nonce
        sealed = self._cipher(generation, table, partition).encrypt(nonce, body, _aad(table, pk))
        return b"".join((generation.to_bytes(_GENERATION_BYTES, "big"), nonce, sealed))

    def open(self, table: str, partition: str, pk: PrimaryKey, row: bytes) -> bytes:
        """Return the body of *row*, else `Denied`: also where its month's key is gone."""
        aead = self._cipher(int.from_bytes(row[:_GENERATION_BYTES], "big"), table, partition)
        nonce = row[_GENERATION_BYTES:_HEAD_BYTES]
        return decrypt(aead, nonce, row[_HEAD_BYTES:], _aad(table, pk))

    def _derive(self, generation: int, table: str, partition: str) -> AESGCM:
        """Return the cipher of one partition, so that no key seals 2^32 rows."""
        if generation not in self._keys:
            raise Denied
        return cipher(kdf(self._keys[generation], enc("outer", table, partition)))

    def __repr__(self) -> str:
        return f"OuterKeys({sorted(self._keys)})"


def wrap_data_key(
    outer_key: bytes, generation: int, dk: bytes, nonce: bytes | None = None
) -> bytes:
    """Return the data key *dk* of *generation* under the outer key, `nonce12 ‖ ciphertext`."""
    return wrap(outer_key, dk, enc("outer-key", generation), nonce)


def unwrap_data_key(outer_key: bytes, generation: int, blob: bytes) -> bytes:
    """Return the data key of *generation*, else `Denied`."""
    return unwrap(outer_key, blob, enc("outer-key", generation))


def row_mac(account_key: bytes, table: str, partition: str, pk: PrimaryKey, row: Any) -> bytes:
    """Return the mac of a deciding *row* (a JSON list or object; binary as base64), 32 bytes."""
    key = kdf(account_key, enc("row-mac-key", table, partition))
    return mac(key, enc("row-mac", table, canonical_key(pk), canonical(row)))


def check_row_mac(
    account_key: bytes, table: str, partition: str, pk: PrimaryKey, row: Any, found: bytes
) -> None:
    """Refuse a *row* whose stored mac *found* is not its own, with `RowMacError`."""
    if not same_bytes(row_mac(account_key, table, partition, pk, row), found):
        raise RowMacError(f"a row of {table} does not bear its mac")


def _aad(table: str, pk: PrimaryKey) -> bytes:
    """Return what binds a sealed row to its place."""
    return extend(_row_head(table), canonical_key(pk))


@cache
def _row_head(table: str) -> bytes:
    """Return what binds a row to *table*; there are as many as the store has tables."""
    return enc("outer-row", table)
