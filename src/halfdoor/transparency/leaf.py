"""An entry as its leaf, canonical JSON of at most 4 KiB, and back (SEALING §4)."""

from typing import Any, Final

import msgspec

from halfdoor.sealing.labels import Denied, H, canonical, enc
from halfdoor.transparency.entries import (
    AnyEntry,
    Entry,
    GrantEntry,
    HeartbeatEntry,
    MetaEntry,
    PreserveEntry,
    RequestsEntry,
    ReviewEntry,
)
from halfdoor.transparency.errors import EntryError
from halfdoor.transparency.fields import MOST_LEAF_BYTES, rounded_up

_decode = msgspec.json.Decoder(AnyEntry).decode
_ROUNDED: Final = ("conversations", "epochs", "subjects", "others")


def leaf_of(entry: Entry) -> bytes:
    """Return the leaf of *entry*; `EntryError` where the log may not hold it."""
    try:
        data = canonical(msgspec.to_builtins(entry))
    except Denied:
        raise EntryError("it cannot be written as canonical JSON") from None
    # What is written is what readers will accept.
    parse_leaf(data)
    return data


def parse_leaf(data: bytes) -> AnyEntry:
    """Return the entry of a leaf; `EntryError` unless it is canonical and of a known type."""
    if len(data) > MOST_LEAF_BYTES:
        raise EntryError(f"it is longer than {MOST_LEAF_BYTES} bytes")
    try:
        entry: AnyEntry = _decode(data)
    except msgspec.DecodeError as error:
        raise EntryError(str(error)) from None
    # Blanks, order, doubled keys and fields that are left out all differ from what we would write.
    if msgspec.json.encode(entry, order="sorted") != data:
        raise EntryError("it is not canonical JSON, with every field")
    _check(entry)
    return entry


def leaf_id(leaf: bytes) -> bytes:
    """Return what tells *leaf* from others, 32 bytes: with the same one, it stands in the log once.

    Of a day there is one heartbeat and one review, however often they are made.
    """
    try:
        entry = parse_leaf(leaf)
    except EntryError:
        return H(enc("log-leaf", leaf))
    if isinstance(entry, HeartbeatEntry | ReviewEntry):
        return H(enc("log-day", type(entry).__name__, entry.entity, entry.of_day))
    return H(enc("log-leaf", leaf))


def _check(entry: AnyEntry) -> None:
    """Refuse what the types alone do not."""
    if isinstance(entry, GrantEntry | MetaEntry | PreserveEntry):
        for name in _ROUNDED:
            count = getattr(entry, name, 0)
            if count != rounded_up(count):
                raise EntryError(f"{name} tells more than a power of two")
    if isinstance(entry, RequestsEntry) and entry.to_day < entry.from_day:
        raise EntryError("its days end before they begin")
    if isinstance(entry, ReviewEntry) and entry.of_day > entry.day:
        raise EntryError("it is about a day to come")


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of all entries, made from their types."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Entries of the public log",
        **msgspec.json.schema(AnyEntry),
    }
