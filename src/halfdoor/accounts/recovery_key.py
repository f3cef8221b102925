"""A recovery key on its way to the person: shown once, then forgotten."""

from typing import final

import msgspec


@final
class RecoveryKey(msgspec.Struct, frozen=True, kw_only=True):
    """What the keyring makes: `text` for the person, `public` and `blob` for the slot.

    `kit` is the recovery kit, a JSON object that is public without the key (SEALING §2).
    """

    text: str
    public: bytes
    blob: bytes
    kit: dict[str, object]

    def __repr__(self) -> str:
        return "RecoveryKey(…)"
