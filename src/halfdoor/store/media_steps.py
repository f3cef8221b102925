"""What one transaction does to the rows of files, in both stores: statements asked for by name.

A step yields the name of a statement and its values, and is sent the rows; it returns the outcome
or raises the refusal, which undoes all of it. So both stores decide alike, each with its own SQL.
"""

from collections.abc import Generator, Iterable, Sequence
from typing import Any, Final, TypeVar

from halfdoor.messaging.media_store import (
    UNNAMED_MS,
    MediaState,
    MediaTakenError,
    NoMediaError,
    Quota,
    QuotaError,
    Upload,
    Usage,
)
from halfdoor.store.media_rows import media_bucket, new_media_blob

T = TypeVar("T")
Row = Sequence[Any]
Steps = Generator[tuple[str, tuple[Any, ...]], Sequence[Row], T]

_BYTES: Final = "these files are more bytes than one person may keep"
_FILES: Final = "these are more files than one person may keep"
_RESERVED: Final = "too many ids were asked for that no file was put under"


def reserve(
    owner: tuple[int, str], packed: bytes, erased: bytes, now: int, q: Quota
) -> Steps[None]:
    """Let a file be *owner*'s (bucket and id), whose name once erased is *erased*."""
    yield from _check_here(owner, erased)
    yield "open_usage", owner
    if not (yield "take_reserved", (*owner, q.reserved)):
        raise QuotaError(_RESERVED)
    if not (yield "insert", (owner[0], packed, owner[1], now, now)):
        raise MediaTakenError("there is a file of this id")


def claim(
    owner: tuple[int, str], packed: bytes, erased: bytes, size: int, now: int, q: Quota
) -> Steps[str]:
    """Begin an upload and return its blob name."""
    yield from _check_here(owner, erased)
    found = yield from _own(owner, packed)
    if found[3] != MediaState.RESERVED:
        raise MediaTakenError("an upload of this id began before")
    if now - found[2] > UNNAMED_MS:
        raise NoMediaError("this id has expired")
    if not (yield "take_file", (size, *owner, q.files, size, q.bytes)):
        usage = yield from read_usage(owner)
        raise QuotaError(_FILES if usage.files >= q.files else _BYTES)
    blob = new_media_blob(packed)
    if not (yield "begin", (blob, size, now, owner[0], packed)):
        raise MediaTakenError("an upload of this id began a moment ago")
    return blob


def finish(
    owner: tuple[int, str], packed: bytes, erased: bytes, upload: Upload, sealed: bytes, q: Quota
) -> Steps[None]:
    """Let the file be there."""
    yield from _check_here(owner, erased)
    found = yield from _own(owner, packed)
    if found[3] != MediaState.UPLOADING:
        raise NoMediaError("no upload of this id is under way")
    more = upload.size - found[4]
    if not (yield "settle", (more, *owner, more, more, q.bytes)):
        raise QuotaError(_BYTES)
    values = (upload.size, upload.stored, upload.digest, upload.opaque, sealed)
    if not (yield "complete", (*values, *_key(packed), owner[1])):
        raise NoMediaError("this upload was given up a moment ago")


def give_up(owner: tuple[int, str], packed: bytes, *, again: bool) -> Steps[None]:
    """End an upload that failed, or an id that nothing came of."""
    rows = yield "one", _key(packed)
    if not rows or rows[0][1] != owner[1] or rows[0][3] == MediaState.READY:
        return
    _, _, _, state, size, *_ = rows[0]
    if state == MediaState.RESERVED:
        if not again:
            yield "give_back", (0, 0, -1, *owner)
            yield "delete", _key(packed)
    elif again:
        yield "give_back", (size, 1, 1, *owner)
        yield "reset", _key(packed)
    else:
        # The row stays until its blob is gone, whoever deletes that.
        yield "give_back", (size, 1, 0, *owner)
        yield "set_doomed", _key(packed)


def read_usage(owner: tuple[int, str]) -> Steps[Usage]:
    """Return what *owner* keeps."""
    rows = yield "usage", owner
    return Usage(*rows[0]) if rows else Usage(0, 0, 0)


def use(files: Iterable[bytes], conv: str, now: int, *, standard: bool) -> Steps[set[bytes]]:
    """Note that an event of *conv* names *files* of one bucket; return which are ready."""
    ready = set()
    # In order, so that two requests never wait for each other.
    for packed in sorted(files):
        if (yield "touch", (now, standard, *_key(packed))):
            yield "put_use", (*_key(packed), conv, now)
            ready.add(packed)
    return ready


def show(owner: tuple[int, str], packed: bytes, sealed: bytes) -> Steps[None]:
    """Let a file be the avatar of *owner*."""
    # The row is written, so that a collection that looked before finds it changed.
    if not (yield "mark_shown", (*_key(packed), owner[1])):
        raise NoMediaError("an avatar is a file of one's own")
    yield "put_avatar", (*owner, packed, sealed)


def doom(packed: bytes, state: int, used: int) -> Steps[bool]:
    """Let a file be deleted that is as it was seen and that no profile names; tell whether."""
    if (yield "avatar_of", _key(packed)):
        return False
    rows = yield "doom", (*_key(packed), state, used)
    if rows:
        user, size = rows[0]
        reserved = state == MediaState.RESERVED
        yield "give_back", (size, not reserved, -1 if reserved else 0, media_bucket(packed), user)
    return bool(rows)


def bury(packed: bytes) -> Steps[None]:
    """Delete the rows of a file whose blob is gone."""
    yield "delete_uses", _key(packed)
    yield "delete_doomed", _key(packed)


def leave(
    owner: tuple[int, str], heir: str, rows: Sequence[Row], moved: Sequence[bytes | None]
) -> Steps[None]:
    """Let *rows* (file, owner, sealed, state) of somebody erased be nobody's.

    Files that others may read stay for them under the name of *heir*, with *moved* in the place of
    what was sealed, as long as an event names them. Every sweep looks at them, as last used never.
    """
    yield "drop_avatar", owner
    yield "drop_usage", owner
    for row, sealed in zip(rows, moved, strict=True):
        packed, state = row[0], row[3]
        if state == MediaState.RESERVED:
            yield "delete", _key(packed)
        elif sealed is None:
            yield "orphan", (heir, MediaState.DOOMED, None, *_key(packed))
        else:
            yield "orphan", (heir, state, sealed, *_key(packed))


def once(name: str, *values: Any) -> Steps[Sequence[Row]]:
    """Do one statement and return its rows."""
    return (yield name, values)


def _check_here(owner: tuple[int, str], erased: bytes) -> Steps[None]:
    """Refuse to keep anything for somebody whose erasure was asked for."""
    if (yield "erased", (owner[0], erased)):
        raise NoMediaError("this account is gone")


def _own(owner: tuple[int, str], packed: bytes) -> Steps[Row]:
    """Return the row of a file of *owner*."""
    rows = yield "one", _key(packed)
    if not rows or rows[0][1] != owner[1]:
        raise NoMediaError("there is no such file")
    return rows[0]


def _key(packed: bytes) -> tuple[int, bytes]:
    return media_bucket(packed), packed
