"""The token that says how far a client has come: `entity.pos[-waiting].boot.typing` (SCALE §1)."""

from typing import Final

import msgspec

from halfdoor.messaging.errors import InvalidParameterError

_FOREIGN: Final = "since is not a token of this server"


class SyncToken(msgspec.Struct, frozen=True):
    """A position in all the streams of one person.

    `pos` orders everything durable. `typing` counts within the process that started as `boot`, and
    means nothing to another one. `waiting` is None but where messages between devices were too many
    for one answer: those after this position, up to `pos`, are still to be given.
    """

    entity: str
    pos: int
    boot: str
    typing: int
    waiting: int | None = None

    @property
    def told(self) -> int:
        """The position up to which messages between devices were given."""
        return self.pos if self.waiting is None else self.waiting

    def __str__(self) -> str:
        """Write the token as clients carry it."""
        pos = self.pos if self.waiting is None else f"{self.pos}-{self.waiting}"
        return f"{self.entity}.{pos}.{self.boot}.{self.typing}"


def parse_token(text: str) -> SyncToken:
    """Read a token; `InvalidParameterError` for anything no server of ours wrote."""
    parts = text.rsplit(".", 3)
    if len(parts) != 4:  # four fields
        raise InvalidParameterError(_FOREIGN)
    pos, dash, waiting = parts[1].partition("-")
    numbers = (pos, parts[3], waiting) if dash else (pos, parts[3])
    if not all(_is_number(part) for part in numbers) or (dash and int(waiting) >= int(pos)):
        raise InvalidParameterError(_FOREIGN)
    return SyncToken(parts[0], int(pos), parts[2], int(parts[3]), int(waiting) if dash else None)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 19  # 2^63


def timeline_token(seq: int) -> str:
    """Return the token of the place just before event *seq* of a conversation."""
    return f"t{seq}"


def parse_timeline_token(text: str) -> int | None:
    """Return the seq of a timeline token, None where *text* is none."""
    return int(text[1:]) if text[:1] == "t" and _is_number(text[1:]) else None
