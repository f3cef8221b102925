"""What a client encrypted, made fit to be shown: read as leniently as clients read it. Pure.

A sender could write what some client shows and a stricter reader refuses, and nobody could report
it. So numbers that fit nowhere are kept as their digits, and halves of characters are replaced.
"""

import json
import math
from typing import Any, Final

import msgspec

from halfdoor.sealing.labels import Denied

# Clients stop far earlier; what lies deeper is left out.
_DEPTH: Final = 100
_EXACT_DIGITS: Final = 15
_LEFT_OUT: Final = "…"


class Plaintext(msgspec.Struct, frozen=True):
    """An event as it was encrypted; `content` is JSON that any reader takes."""

    type: str
    content: bytes
    room_id: str

    def __repr__(self) -> str:
        return f"Plaintext({self.room_id!r})"


def read_plaintext(data: bytes) -> Plaintext:
    """Return the event in *data*; `Denied` where it is none."""
    try:
        value: Any = json.loads(
            data.decode(), parse_int=_number, parse_float=_fraction, parse_constant=str
        )
    except (ValueError, RecursionError):
        raise Denied from None
    match value:
        case {"type": str(kind), "content": dict(content), "room_id": str(room)}:
            shown = msgspec.json.encode(_shown(content, 0))
            return Plaintext(_whole(kind), shown, _whole(room))
    raise Denied


def _number(digits: str) -> int | str:
    return int(digits) if len(digits) <= _EXACT_DIGITS else digits


def _fraction(digits: str) -> float | str:
    value = float(digits)
    return value if math.isfinite(value) else digits


def _shown(value: Any, depth: int) -> Any:
    if depth > _DEPTH:
        return _LEFT_OUT
    if isinstance(value, str):
        return _whole(value)
    if isinstance(value, dict):
        return {_whole(key): _shown(one, depth + 1) for key, one in value.items()}
    if isinstance(value, list):
        return [_shown(one, depth + 1) for one in value]
    return value


def _whole(text: str) -> str:
    """Return *text* with halves of surrogate pairs replaced."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
