"""Where files are kept, and what is known of each: the two doors of media (SEALING §3, SCALE §6).

The order of an upload: `reserve` the id, `claim` a blob name, put the blob, `finish`. Whatever a
crash leaves of it is known by its row and swept. The order of naming a file in an event: `use`,
then the append that carries the `MediaWrap`: a collector that comes between finds the use.
"""

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from enum import IntEnum
from typing import Final, Protocol

import msgspec

from halfdoor.messaging.ledger import (
    MediaWrap as MediaWrap,  # noqa: PLC0414 - said again, so that it may be imported from here
)
from halfdoor.messaging.ledger import StoredEvent

# The wrap of a file that no event ever named is ended after so long (SEALING §3), as is an id
# that nobody put a file under.
UNNAMED_MS: Final = 86_400_000


class MediaError(Exception):
    """A file cannot be kept or found; the subclasses name the fact."""


class QuotaError(MediaError):
    """A person's files are as many, or as much, as one person may keep."""


class MediaTakenError(MediaError):
    """There is a file, or an upload under way, of this id; it never takes a second one."""


class NoMediaError(MediaError):
    """There is no such file, or it is about to be deleted, or it belongs to somebody else."""


class BlobExistsError(MediaError):
    """There is a blob of this name; blobs are written once."""


class NoBlobError(MediaError):
    """There is no blob of this name."""


class BlobStoreUnavailableError(MediaError):
    """The blobs cannot be reached, or there is no room: nothing was kept; try again."""


class MediaState(IntEnum):
    """How far a file has come. A `DOOMED` one is being deleted, and nobody is shown it."""

    RESERVED = 0
    UPLOADING = 1
    READY = 2
    DOOMED = 3


class Quota(msgspec.Struct, frozen=True):
    """What one person may keep: bytes of content, files, and ids without a file."""

    bytes: int
    files: int
    reserved: int = 50


class Usage(msgspec.Struct, frozen=True):
    """What one person keeps, as `Quota` counts it; uploads under way count what they announced."""

    bytes: int
    files: int
    reserved: int


class Upload(msgspec.Struct, frozen=True):
    """What is known of a file once all of it is kept.

    `size` is that of the content, `stored` and `digest` (SHA-256) those of the sealed file. `wrap`
    is its key for the uploader alone (`seal_media_key`), `facts` its name and type, sealed with its
    own key. `opaque` says that it was uploaded as `application/octet-stream`.
    """

    size: int
    stored: int
    digest: bytes
    wrap: bytes
    facts: bytes
    opaque: bool


class MediaRecord(msgspec.Struct, frozen=True):
    """One file as the store knows it; `upload` is there once it is `READY`.

    `blob` names the sealed file, None before an upload began. `named` is True once an event of a
    standard conversation named it. Times are ms.
    """

    media_id: str
    owner: str
    created: int
    state: MediaState
    blob: str | None = None
    upload: Upload | None = None
    named: bool = False


class KeptWrap(msgspec.Struct, frozen=True):
    """A wrap as it lies with its event: for the readers of the epoch *epoch*, whose hash is *hh*.

    `event` is the event that brought it; whether the asker may see that one decides (redacted,
    hidden, before their time). Its body is None once it was redacted.
    """

    conv: str
    media_id: str
    epoch: int
    hh: bytes
    wrap: bytes
    event: StoredEvent


class CaseBlob(msgspec.Struct, frozen=True):
    """A reported file's copy, which lies under its case; sizes and digest are the sealed file's."""

    case_id: str
    media_id: str
    blob: str
    stored: int
    digest: bytes


class Stored(msgspec.Struct, frozen=True):
    """What was put: how many bytes, and their SHA-256."""

    size: int
    digest: bytes


class BlobStore(Protocol):
    """Where sealed files lie, each under the name that `MediaStore` gave it.

    A blob is there whole or not at all, is durable before `put` returns, and never changes. Every
    method may raise `BlobStoreUnavailableError`.
    """

    async def put(self, name: str, pieces: AsyncIterable[bytes]) -> Stored:
        """Keep what *pieces* yield, holding a bounded part of it; `BlobExistsError`.

        Whatever *pieces* raises is raised, and nothing of it is kept.
        """

    def read(self, name: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes from *start* up to *end* (exclusive; None: all) in pieces of any length.

        `NoBlobError` before the first piece. Bytes past the end are left out.
        """

    async def size(self, name: str) -> int | None:
        """Return the length of a blob, None where there is none."""

    async def delete(self, name: str) -> None:
        """Delete a blob; one that is not there is deleted already."""

    def names(self, folder: str) -> AsyncIterator[tuple[str, int, int]]:
        """Yield name, length and time of writing (ms) of all blobs in a *folder*, in any order."""


class MediaStore(Protocol):
    """What is known of files. Everything is durable before it returns; times are ms.

    An id that is none of ours is `ids.BadId`; look-ups answer as if there were no such file.
    """

    async def reserve(self, media_id: str, owner: str, now: int, quota: Quota) -> None:
        """Let *media_id* be *owner*'s, without a file yet; `QuotaError`, `MediaTakenError`."""

    async def claim(self, media_id: str, owner: str, size: int, now: int, quota: Quota) -> str:
        """Begin an upload of *size* content bytes (0 where unknown); return its new blob name.

        Each attempt has a name of its own. `QuotaError`; `NoMediaError` for an id that was never
        reserved, has expired or is somebody else's; `MediaTakenError` where an upload began.
        """

    async def finish(self, media_id: str, owner: str, upload: Upload, quota: Quota) -> None:
        """Let the file be there; `QuotaError` and `NoMediaError` leave it to be given up."""

    async def give_up(self, media_id: str, owner: str, *, again: bool) -> None:
        """End an upload that failed; *again* keeps the id for another attempt, else it is gone.

        What was put under the attempt's blob name is deleted by the sweep if the caller cannot.
        """

    async def media(self, media_id: str) -> MediaRecord | None:
        """Return one file, None where there is none or it is being deleted."""

    async def usage(self, owner: str) -> Usage:
        """Return what *owner* keeps."""

    async def recent(self, owner: str, since: int, limit: int) -> Sequence[MediaRecord]:
        """Return the newest opaque files of *owner* that an encrypted event wraps (SEALING §3).

        They were made after *since*, and no standard event named them; newest first.
        """

    async def use(
        self, conv: str, media_ids: Sequence[str], now: int, *, standard: bool
    ) -> frozenset[str]:
        """Note that an event about to be written in *conv* names files; return which are ready.

        From here on no collection takes them, as long as the append comes within an hour. Files of
        several people may be named at once.
        """

    async def uses(self, media_id: str) -> Sequence[str]:
        """Return the conversations in which events name, or once named, a file."""

    async def wraps(self, conv: str, media_id: str) -> Sequence[KeptWrap]:
        """Return the wraps of a file in *conv* whose events retention has kept, newest first.

        Also those of redacted events, whose body the hold has: nobody but a reporter is given one.
        """

    async def wraps_of(self, conv: str, event_id: str) -> Sequence[KeptWrap]:
        """Return the wraps that one event brought, also where it was redacted and is held."""

    async def wrapped(self, conv: str, epoch: int, media_ids: Sequence[str]) -> frozenset[str]:
        """Return which of these files have a wrap of *epoch* in *conv* by an event not redacted."""

    async def show(self, user: str, media_id: str, key: bytes) -> None:
        """Keep the key of *user*'s avatar for the entity; the avatar before loses its own.

        `NoMediaError` where it is not a ready file of *user*.
        """

    async def hide(self, user: str) -> None:
        """Destroy the key that the entity has of *user*'s avatar, if any."""

    async def avatar_key(self, media_id: str) -> bytes | None:
        """Return the key of a file that a profile names, None for any other."""

    async def keep_for_case(self, case_id: str, media_id: str, now: int) -> str:
        """Let a case have a copy of a file; return the blob name to put it under.

        Called before the copy is made, and again to replace an attempt that did not finish.
        """

    async def kept_for_case(self, copy: CaseBlob) -> None:
        """Note that the copy is whole. From here on it stays until the case lets go of it."""

    async def case_blobs(self, case_id: str) -> Sequence[CaseBlob]:
        """Return the whole copies that a case has."""

    async def release_case(self, case_id: str) -> None:
        """Let the copies of a case be deleted; their blobs go with the next sweep."""
