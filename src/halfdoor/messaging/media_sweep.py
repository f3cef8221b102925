"""Files that nobody can open any more are deleted: a little of this every hour (SEALING §3).

A file stays while an event that names it is kept, also one that was redacted and is held, while a
profile shows it, and for a day after it was uploaded or last named. What goes is first marked, then
its blob is deleted, then its row: killed anywhere between, the next sweep goes on.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, Final, NamedTuple, Protocol, final

from halfdoor.clock import Clock, day_of
from halfdoor.messaging.media_store import (
    UNNAMED_MS,
    BlobStore,
    BlobStoreUnavailableError,
    MediaState,
)

_BATCH: Final = 200
_PAUSE_SECONDS: Final = 0.01
_STRAY_DAYS: Final = 7
_FIRST: Final[tuple[Any, ...]] = (-1, b"")
_FIRST_COPY: Final[tuple[Any, ...]] = (-1, "", "")
_log: Final = logging.getLogger("halfdoor.media")


class LeftFile(NamedTuple):
    """A file that a sweep meets, as its row stands; *place* is where the sweep goes on after it."""

    place: tuple[Any, ...]
    media_id: str
    state: int
    used: int
    created: int
    blob: str | None


class LeftCopy(NamedTuple):
    """A copy of a reported file: *whole* once it was finished, *released* by its case."""

    place: tuple[Any, ...]
    case_id: str
    blob: str
    whole: bool
    released: bool
    made: int


class KnownBlob(NamedTuple):
    """A blob that has to be there, with its length and its SHA-256."""

    place: tuple[Any, ...]
    blob: str
    stored: int
    digest: bytes


class MediaSweepStore(Protocol):
    """What a sweep asks of the store. Every write is durable before it returns."""

    async def left(self, after: tuple[Any, ...], used: int, limit: int) -> Sequence[LeftFile]:
        """Return files after a place that are not ready, or that were used before *used* (ms)."""

    async def naming(self, file: LeftFile) -> Sequence[tuple[str, int]]:
        """Return the conversations that name a file, each with when it was last said to."""

    async def has_wrap(self, conv: str, file: LeftFile) -> bool:
        """Tell whether an event of *conv* still has the key of a file for its readers."""

    async def drop_use(self, file: LeftFile, conv: str, used: int) -> None:
        """Forget that *conv* names a file, unless it was said again after *used*."""

    async def doom(self, file: LeftFile) -> bool:
        """Let nobody see a file any more; False if it moved meanwhile, or a profile shows it."""

    async def bury(self, file: LeftFile) -> None:
        """Delete the rows of a doomed file, whose blob is gone."""

    async def copies(self, after: tuple[Any, ...], limit: int) -> Sequence[LeftCopy]:
        """Return copies of reported files after a place."""

    async def has_case(self, case_id: str) -> bool:
        """Tell whether there is such a case."""

    async def bury_copy(self, copy: LeftCopy) -> None:
        """Delete the row of a copy, whose blob is gone."""

    async def knows(self, blob: str) -> bool:
        """Tell whether a row names a blob."""

    async def known(self, after: tuple[Any, ...], limit: int) -> Sequence[KnownBlob]:
        """Return the blobs of files that are ready, after a place."""

    async def known_copies(self, after: tuple[Any, ...], limit: int) -> Sequence[KnownBlob]:
        """Return the blobs of copies that are whole, after a place."""

    async def leave(self, user: str) -> bool:
        """Let some files of *user*, who is erased, be nobody's; tell whether there are more."""


class Collected(NamedTuple):
    """What a sweep deleted: files, copies of reported ones, and blobs that no row named."""

    files: int = 0
    copies: int = 0
    strays: int = 0


@final
class MediaSweep:
    """Deletes what nobody can open any more."""

    def __init__(self, store: MediaSweepStore, blobs: BlobStore, clock: Clock) -> None:
        """Go over the rows of *store* and the blobs of *blobs*."""
        self._store = store
        self._blobs = blobs
        self._clock = clock
        # Files at rest are looked at once a day, all others each time.
        self._day = self._stray_day = -1
        # Who wants to know of a sweep that did something.
        self.report: Callable[[Collected], None] | None = None

    async def run(self) -> Collected:
        """Sweep once. Blobs that cannot be reached now are left for the next time."""
        now = self._clock.now_ms()
        done = Collected()
        try:
            done = done._replace(files=await self._files(now))
            done = done._replace(copies=await self._copies(now))
            if day_of(now) >= self._stray_day + _STRAY_DAYS:
                done = done._replace(strays=await self._strays(now))
                self._stray_day = day_of(now)
        except BlobStoreUnavailableError as error:
            _log.warning("files cannot be deleted now: %s", error)
        if any(done) and self.report is not None:
            self.report(done)
        return done

    async def _files(self, now: int) -> int:
        today, after, gone = day_of(now), _FIRST, 0
        before = now - UNNAMED_MS
        used = before if self._day < today else 0
        while batch := await self._store.left(after, used, _BATCH):
            for file in batch:
                gone += await self._file(file, before)
            after = batch[-1].place
            await asyncio.sleep(_PAUSE_SECONDS)
        self._day = today
        return gone

    async def _file(self, file: LeftFile, before: int) -> bool:
        """Delete one file if it is due; tell whether."""
        if file.state != MediaState.DOOMED and not (
            await self._is_due(file, before) and await self._store.doom(file)
        ):
            return False
        if file.blob is not None:
            await self._blobs.delete(file.blob)
        await self._store.bury(file)
        return True

    async def _is_due(self, file: LeftFile, before: int) -> bool:
        if file.state == MediaState.RESERVED:
            return file.created < before
        if file.state == MediaState.UPLOADING:
            return file.used < before
        named = False
        for conv, used in await self._store.naming(file):
            # What was said a moment ago may not have been written yet.
            if used >= before or await self._store.has_wrap(conv, file):
                named = True
            else:
                await self._store.drop_use(file, conv, used)
        return not named

    async def _copies(self, now: int) -> int:
        after, gone = _FIRST_COPY, 0
        while batch := await self._store.copies(after, _BATCH):
            for copy in batch:
                old = copy.made < now - UNNAMED_MS
                if copy.released or (
                    old and not (copy.whole and await self._store.has_case(copy.case_id))
                ):
                    await self._blobs.delete(copy.blob)
                    await self._store.bury_copy(copy)
                    gone += 1
            after = batch[-1].place
        return gone

    async def _strays(self, now: int) -> int:
        """Delete blobs that no row names: of attempts that were cut off, or from before a restore.

        Two days are left, so that no upload that is under way loses its blob.
        """
        gone = 0
        async for name in strays(self._store, self._blobs, now - 2 * UNNAMED_MS):
            await self._blobs.delete(name)
            gone += 1
        return gone


async def strays(store: MediaSweepStore, blobs: BlobStore, before: int) -> AsyncIterator[str]:
    """Yield the names of blobs written before *before* (ms) that no row names."""
    for folder in ("media", "case"):
        async for name, _, written in blobs.names(folder):
            if written < before and not await store.knows(name):
                yield name
