"""Server-side key backup: which of two copies of a session key is kept (CS-API, "Key backup").

Pure. The keys in it are encrypted by the client; what stands beside them says how good a copy is.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

_Count = Annotated[int, Meta(ge=0, lt=2**53)]


class BackedUpKey(msgspec.Struct, frozen=True):
    """One session key as a client backed it up; `session_data` is encrypted (`KeyBackupData`)."""

    first_message_index: _Count
    forwarded_count: _Count
    is_verified: bool
    session_data: dict[str, Any]

    def __repr__(self) -> str:
        return "BackedUpKey(…)"


class KeyBackupError(Exception):
    """A request on a key backup was refused."""


class UnknownBackupError(KeyBackupError):
    """There is no such backup, or it was deleted (M_NOT_FOUND)."""


class WrongVersionError(KeyBackupError):
    """Keys are written into the newest backup only (403 M_WRONG_ROOM_KEYS_VERSION)."""

    def __init__(self, current: str) -> None:
        super().__init__("keys are kept in the newest backup only")
        self.current = current


def is_better(new: BackedUpKey, kept: BackedUpKey) -> bool:
    """Tell whether *new* takes the place of *kept*: a verified key goes before one that is not.

    Among equals the one that opens more, from an earlier message on, and then the one that was
    forwarded less often; of two that are equal in all this the kept one stays.
    """
    return _rank(new) < _rank(kept)


def _rank(key: BackedUpKey) -> tuple[bool, int, int]:
    return not key.is_verified, key.first_message_index, key.forwarded_count
