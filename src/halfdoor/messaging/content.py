r"""The content of events, as it is accepted from a client and as it is kept.

Room version 11 asks for canonical JSON (specification, appendix "Canonical JSON"): no floats, and
integers that a double holds exactly. NUL and the other control characters are allowed in strings
there (as `\u0000`), so they are allowed here.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from halfdoor.messaging.errors import (
    BadJsonError,
    InvalidParameterError,
    NotJsonError,
    TooLargeError,
)

Content = dict[str, Any]

MAX_EVENT_BYTES: Final = 65_536
MAX_NAME_BYTES: Final = 255
MAX_DEPTH: Final = 64
MAX_INTEGER: Final = 2**53 - 1

# The longest that four names and the rest of an event's frame can become once escaped: below it,
# a content leaves no doubt about the whole event and nobody needs to measure.
_SURELY_FITS: Final = MAX_EVENT_BYTES - 4 * 6 * MAX_NAME_BYTES - 256

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def parse_object(raw: bytes) -> Content:
    """Read *raw* as the content of an event.

    Of a key that stands twice the last value wins; what is kept is `encode` of the answer, so no
    other reader can ever see the first. Raises `NotJsonError` where *raw* is no JSON text, and
    `BadJsonError` where it is no object or breaks a limit of `check_content`.
    """
    try:
        content = _decode(raw)
    except msgspec.ValidationError:
        raise BadJsonError("a number is out of range") from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Without cause: these errors carry the text they failed on.
        raise NotJsonError("the body is not a JSON text in UTF-8") from None
    except RecursionError:
        raise BadJsonError("the content is nested too deeply") from None
    if type(content) is not dict:
        raise BadJsonError("the content must be a JSON object")
    check_content(content)
    return content


def check_content(content: Content) -> None:
    """Refuse what canonical JSON cannot hold: floats, integers beyond ±(2^53-1), depth over 64.

    The content itself is the first level. Raises `BadJsonError`.
    """
    level: list[dict[str, Any] | list[Any]] = [content]
    for _ in range(MAX_DEPTH):
        deeper: list[dict[str, Any] | list[Any]] = []
        for node in level:
            values: Iterable[Any] = node.values() if type(node) is dict else node
            for value in values:
                kind = type(value)
                if kind is str:
                    continue
                if kind is dict or kind is list:
                    deeper.append(value)
                elif kind is int:
                    if not -MAX_INTEGER <= value <= MAX_INTEGER:
                        raise BadJsonError("an integer is outside ±(2^53-1)")
                elif kind is not bool and value is not None:
                    raise BadJsonError("a number is not an integer")
        if not deeper:
            return
        level = deeper
    raise BadJsonError("the content is nested too deeply")


def encode(content: Mapping[str, Any]) -> bytes:
    """Write *content* as compact UTF-8 JSON, keys in the order they came."""
    return _encode(content)


def check_event_type(event_type: str) -> None:
    """Refuse an event type that is empty, longer than 255 bytes, or holds NUL."""
    if not event_type:
        raise InvalidParameterError("the event type is empty")
    _check_name("type", event_type)


def check_state_key(state_key: str) -> None:
    """Refuse a state key that is longer than 255 bytes, or holds NUL."""
    _check_name("state_key", state_key)


def check_size(
    content: bytes, *, event_type: str, sender: str, room_id: str, state_key: str | None = None
) -> None:
    """Refuse an event that is over 65,536 bytes, or has a name over 255 (CS-API, "Size limits").

    *content* is the output of `encode`. The specification measures the federation format; with
    no federation there are no signatures to count, so the client format with a 44-byte event id
    is measured. Raises `TooLargeError`, `InvalidParameterError`.
    """
    check_event_type(event_type)
    _check_name("sender", sender)
    _check_name("room_id", room_id)
    if state_key is not None:
        check_state_key(state_key)
    if len(content) <= _SURELY_FITS:
        return
    frame = {
        "content": msgspec.Raw(content),
        "event_id": "$" + "A" * 43,
        "origin_server_ts": 10**12,
        "room_id": room_id,
        "sender": sender,
        "type": event_type,
    }
    if state_key is not None:
        frame["state_key"] = state_key
    if len(_encode(frame)) > MAX_EVENT_BYTES:
        raise TooLargeError("the event is larger than 65,536 bytes")


def relation_of(content: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Say how the event relates to another: `(rel_type, event id)` of its `m.relates_to`.

    `(None, None)` where there is no whole relation. A plain reply (`m.in_reply_to` alone) is none:
    it has no `rel_type`, and /relations never lists it.
    """
    relates = content.get("m.relates_to")
    if type(relates) is not dict:
        return None, None
    rel_type, target = relates.get("rel_type"), relates.get("event_id")
    if type(rel_type) is not str or type(target) is not str:
        return None, None
    return rel_type, target


@lru_cache(maxsize=16_384)
def _check_name(what: str, name: str) -> None:
    # All messages of a person into one conversation have the same three; a refusal is not kept.
    try:
        size = len(name) if name.isascii() else len(name.encode())
    except UnicodeEncodeError:
        raise InvalidParameterError(f"the {what} is not a Unicode text") from None
    if size > MAX_NAME_BYTES:
        raise TooLargeError(f"the {what} is longer than 255 bytes")
    # Names are indexed by databases, and not every one of those can hold a NUL.
    if "\0" in name:
        raise InvalidParameterError(f"the {what} holds a NUL")
