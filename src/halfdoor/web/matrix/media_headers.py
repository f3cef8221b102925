"""How a file is handed to a browser so that nothing in it runs (CS-API, "Serving inline content").

What its uploader calls it is the uploader's word: the type is told only so that it can be saved or
shown, the name only as a name.
"""

import re
from typing import Final
from urllib.parse import quote

from halfdoor.messaging.media_names import OPAQUE, FileFacts
from halfdoor.web.errors import ApiError
from halfdoor.web.response import Header

# The specification's list of what may be shown in place: nothing that runs.
_INLINE: Final = frozenset(
    {
        "text/css", "text/plain", "text/csv", "application/json", "application/ld+json",
        "image/jpeg", "image/gif", "image/png", "image/apng", "image/webp", "image/avif",
        "video/mp4", "video/webm", "video/ogg", "video/quicktime",
        "audio/mp4", "audio/webm", "audio/aac", "audio/mpeg", "audio/ogg",
        "audio/wave", "audio/wav", "audio/x-wav", "audio/x-pn-wav", "audio/flac", "audio/x-flac",
    }
)  # fmt: skip
_POLICY: Final = (
    b"sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf;"
    b" style-src 'unsafe-inline'; media-src 'self'; object-src 'self';"
)
_ALWAYS: Final[tuple[Header, ...]] = (
    (b"content-security-policy", _POLICY),
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"referrer-policy", b"no-referrer"),
)
_RANGE: Final = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9 ._-]{1,255}")


class RangeError(ApiError):
    """The part that was asked for is not in the file (RFC 9110 §15.5.17)."""

    def __init__(self, size: int) -> None:
        super().__init__(416, "M_INVALID_PARAM", "The file has no such part.")
        self.size = size


def file_headers(facts: FileFacts, name: str | None) -> tuple[bytes, tuple[Header, ...]]:
    """Return the type of a file, and the headers it goes with.

    *name* is what the request calls it, which goes before what the uploader called it.
    """
    kind = facts.type if facts.type in _INLINE else _safe(facts.type)
    place = "inline" if facts.type in _INLINE else "attachment"
    called = name if name is not None else facts.name
    disposition = place if not called else f"{place}; {_filename(called)}"
    return kind.encode(), ((b"content-disposition", disposition.encode()), *_ALWAYS)


def picture_headers(kind: str) -> tuple[Header, ...]:
    """Return the headers of a small picture that this server made."""
    name = f'inline; filename="thumbnail.{kind.rpartition("/")[2]}"'
    return ((b"content-disposition", name.encode()), *_ALWAYS)


def part_of(header: str | None, size: int) -> tuple[int, int] | None:
    """Return the part of *size* bytes that a Range header asks for, None for all of it.

    RFC 9110 §14.2: several parts, other units and nonsense are ignored. `RangeError` for one part
    that lies outside.
    """
    asked = _RANGE.fullmatch(header.strip().lower()) if header is not None else None
    if asked is None or asked.groups() == ("", ""):
        return None
    first, last = asked.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start = int(first)
        stop = min(size, int(last) + 1) if last else size
        if last and int(last) < start:
            return None
    if start >= stop:
        raise RangeError(size)
    return start, stop


def _safe(kind: str) -> str:
    """Return *kind*, unless a browser could take it for a page of ours that runs."""
    running = ("html", "xml", "svg", "javascript", "ecmascript", "xsl", "flash")
    return OPAQUE if any(one in kind for one in running) else kind


def _filename(name: str) -> str:
    if _PLAIN_NAME.fullmatch(name):
        return f'filename="{name}"'
    # RFC 6266 with RFC 8187: one spelling that every character has.
    return f"filename*=utf-8''{quote(name, safe='')}"
