"""The token that says how far a client has come: `entity.pos.boot.typing` (SCALE §1)."""

import msgspec

from halfdoor.messaging.errors import InvalidParameterError


class SyncToken(msgspec.Struct, frozen=True):
    """A position in all the streams of one person.

    `pos` orders everything durable. `typing` counts within the process that started as `boot`, and
    means nothing to another one.
    """

    entity: str
    pos: int
    boot: str
    typing: int

    def __str__(self) -> str:
        """Write the token as clients carry it."""
        return f"{self.entity}.{self.pos}.{self.boot}.{self.typing}"


def parse_token(text: str) -> SyncToken:
    """Read a token; `InvalidParameterError` for anything no server of ours wrote."""
    parts = text.rsplit(".", 3)
    if len(parts) != 4 or not all(_is_number(part) for part in (parts[1], parts[3])):  # four fields
        raise InvalidParameterError("since is not a token of this server")
    return SyncToken(parts[0], int(parts[1]), parts[2], int(parts[3]))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 19  # 2^63


def timeline_token(seq: int) -> str:
    """Return the token of the place just before event *seq* of a conversation."""
    return f"t{seq}"


def parse_timeline_token(text: str) -> int | None:
    """Return the seq of a timeline token, None where *text* is none."""
    return int(text[1:]) if text[:1] == "t" and _is_number(text[1:]) else None
