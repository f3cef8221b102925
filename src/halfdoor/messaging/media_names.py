"""Which files an event names, and what may be said of a file. Pure."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from halfdoor.ids import BadId, read_id
from halfdoor.messaging.errors import InvalidParameterError

# What an event may name; an album is shorter.
MAX_NAMED: Final = 50
OPAQUE: Final = "application/octet-stream"
_MAX_NAME_BYTES: Final = 255
_SCHEME: Final = "mxc://"
_PICTURE: Final = re.compile(r"""<img\b[^>]*?\bsrc\s*=\s*["']?(mxc://[^"'\s>]+)""", re.IGNORECASE)
# RFC 9110 §8.3.1: what comes after the type itself is dropped.
_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")
# They hold families and flags together in names that people give; all else unseen only deceives.
_JOINERS: Final = str.maketrans("", "", "\u200c\u200d\ufe0f")
_DEPTH: Final = 32


class FileFacts(msgspec.Struct, frozen=True):
    """What its uploader says of a file: its name, None where it has none, and its MIME type."""

    type: str
    name: str | None = None

    def __repr__(self) -> str:
        return "FileFacts(…)"


def facts_of(content_type: str | None, name: str | None) -> FileFacts:
    """Return what is said of a file; `InvalidParameterError` for what nobody honest says.

    A name is one name, no path, of at most 255 bytes, of characters that can be seen.
    """
    kind = (content_type or OPAQUE).partition(";")[0].strip().lower()
    if _TYPE.fullmatch(kind) is None:
        raise InvalidParameterError("Content-Type is no MIME type")
    if name is not None:
        _check_name(name)
    return FileFacts(kind, name or None)


def _check_name(name: str) -> None:
    if len(name.encode(errors="replace")) > _MAX_NAME_BYTES:
        raise InvalidParameterError("a file name has at most 255 bytes")
    if not name.translate(_JOINERS).isprintable():
        raise InvalidParameterError("a file name has no control or unseen characters")
    if "/" in name or "\\" in name or name in {".", ".."}:
        raise InvalidParameterError("a file name is no path")


def media_id_of(address: str, server: str) -> str | None:
    """Return the id in an `mxc://` address of *server*, None for any other text."""
    if not address.startswith(_SCHEME):
        return None
    host, _, media_id = address[len(_SCHEME) :].partition("/")
    try:
        read_id("", media_id)
    except BadId:
        return None
    return media_id if host == server else None


def named_in(content: Mapping[str, Any], server: str) -> tuple[str, ...]:
    """Return the ids of all files of *server* that *content* shows or offers, each once.

    An address counts where it is all of a value, or the source of a picture in HTML. One that
    people only talk about (`body`) shows nothing, so it lets nobody fetch anything.
    """
    found = (media_id_of(address, server) for address in _addresses(content, 0))
    return tuple(dict.fromkeys(one for one in found if one is not None))


def _addresses(value: Any, depth: int) -> Iterator[str]:
    if depth > _DEPTH:
        return
    if isinstance(value, Mapping):
        for key, one in value.items():
            if key == "formatted_body" and isinstance(one, str):
                yield from _PICTURE.findall(one)
            elif key != "body":
                yield from _addresses(one, depth + 1)
    elif isinstance(value, list):
        for one in value:
            yield from _addresses(one, depth + 1)
    elif isinstance(value, str) and value.startswith(_SCHEME):
        yield value
