"""Secrets of the whole entity, which lie under the account key and outlive each of them."""

from typing import Final, NamedTuple

ENTITY: Final = "entity"


class Secrets(NamedTuple):
    """Keys of look-ups and ids, 32 bytes each, made once and kept for ever."""

    k_lookup: bytes
    k_id: bytes

    def __repr__(self) -> str:
        return "Secrets(…)"
