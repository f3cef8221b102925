"""Secrets of the whole entity, which lie under the account key and outlive each of them."""

from typing import Final, NamedTuple

ENTITY: Final = "entity"
# Behind it stands the month whose franking marks a key makes; each is destroyed in its time.
FRANKING: Final = "franking/"


class Secrets(NamedTuple):
    """Keys of look-ups, ids and receipts, 32 bytes each, made once and kept for ever."""

    k_lookup: bytes
    k_id: bytes
    # The seed of the Ed25519 key that signs what reporters get in their hands.
    receipts: bytes

    def __repr__(self) -> str:
        return "Secrets(…)"
