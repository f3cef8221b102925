"""Sealed files as objects of a store that obstore reaches: a folder, or a bucket (SCALE §6).

The library's calls that block are made in threads: its own coroutines may end a process that stops
right after one with an abort, because they let go of Python's objects a moment too late.
"""

import asyncio
import queue
import threading
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from typing import Any, Final, TypeVar, final

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, S3Store

from halfdoor.messaging.media_store import (
    BlobExistsError,
    BlobStoreUnavailableError,
    NoBlobError,
    Stored,
)

T = TypeVar("T")
# What a small blob is kept in before it is put, whole and only if there is none of its name.
SMALL_BYTES: Final = 1 << 20
# The least that S3 takes as a part of a large one.
PART_BYTES: Final = 5 << 20
_PARTS_AT_ONCE: Final = 2
_READ_BYTES: Final = 2 << 20
_THREADS: Final = 8
# Each large upload has a thread of its own while it lasts; more of them wait.
_LARGE_AT_ONCE: Final = 64
_LISTED_AT_ONCE: Final = 1000


class _CutOffError(Exception):
    """What a blob is made of ended before its end."""


@final
class ObjectBlobs:
    """A `BlobStore`. *settle* makes what lies under a name durable, where the store does not.

    *tidy* removes what a killed upload left, which the store does not show.
    """

    def __init__(
        self,
        store: LocalStore | S3Store,
        where: str,
        *,
        settle: Callable[[str], None] | None = None,
        tidy: Callable[[str], None] | None = None,
    ) -> None:
        """*where* is what people are told the store is; it holds no secret."""
        self._store = store
        self._where = where
        self._settle = settle
        self._tidy = tidy
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="blobs")
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)

    def __repr__(self) -> str:
        return f"ObjectBlobs({self._where!r})"

    async def put(self, name: str, pieces: AsyncIterable[bytes]) -> Stored:
        """Keep what *pieces* yield, holding a bounded part of it; `BlobExistsError`."""
        digest, size = sha256(), 0
        first = bytearray()
        rest = aiter(pieces)
        async for piece in rest:
            digest.update(piece)
            size += len(piece)
            first += piece
            if size > SMALL_BYTES:
                break
        if size <= SMALL_BYTES:
            await self._call(self._small(name, bytes(first)))
            await self._settled(name)
            return Stored(size, digest.digest())
        if await self.size(name) is not None:
            raise BlobExistsError(name)
        async with self._large:
            feed = _Feed(self._store, name)
            try:
                await feed.give(bytes(first))
                async for piece in rest:
                    digest.update(piece)
                    size += len(piece)
                    if not await feed.give(piece):
                        break
            except BaseException:
                await feed.break_off()
                raise
            await self._named(feed.finish())
        await self._settled(name)
        return Stored(size, digest.digest())

    async def read(self, name: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes from *start* up to *end* in pieces; `NoBlobError` before the first."""
        size = await self.size(name)
        if size is None:
            raise NoBlobError(f"{self._where} has no blob {name}")
        last = size if end is None else min(end, size)
        for at in range(start, last, _READ_BYTES):
            until = min(last, at + _READ_BYTES)
            yield bytes(await self._call(self._ranged(name, at, until)))

    async def size(self, name: str) -> int | None:
        """Return the length of a blob, None where there is none."""
        try:
            found = await self._call(lambda: obstore.head(self._store, name))
        except NoBlobError:
            return None
        return found["size"]

    async def delete(self, name: str) -> None:
        """Delete a blob; one that is not there is deleted already."""
        if self._tidy is not None:
            tidy = self._tidy
            await self._call(lambda: tidy(name))
        try:
            await self._call(lambda: obstore.delete(self._store, name))
        except NoBlobError:
            return

    async def names(self, folder: str) -> AsyncIterator[tuple[str, int, int]]:
        """Yield name, length and time of writing (ms) of all blobs in a *folder*."""
        batches = iter(obstore.list(self._store, f"{folder}/", chunk_size=_LISTED_AT_ONCE))
        while batch := await self._call(lambda: next(batches, None)):
            for one in batch:
                yield one["path"], one["size"], int(one["last_modified"].timestamp() * 1000)

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _small(self, name: str, whole: bytes) -> Callable[[], object]:
        return lambda: obstore.put(self._store, name, whole, mode="create")

    def _ranged(self, name: str, start: int, end: int) -> Callable[[], Any]:
        return lambda: obstore.get_range(self._store, name, start=start, end=end)

    async def _settled(self, name: str) -> None:
        if self._settle is not None:
            settle = self._settle
            await self._call(lambda: settle(name))

    async def _call(self, function: Callable[[], T]) -> T:
        loop = asyncio.get_running_loop()
        return await self._named(loop.run_in_executor(self._pool, function))

    async def _named(self, outcome: "asyncio.Future[T]") -> T:
        """Return what a call of the library returns, or its error as one of ours."""
        try:
            return await outcome
        except FileNotFoundError:
            raise NoBlobError(f"{self._where} has no such blob") from None
        except AlreadyExistsError:
            raise BlobExistsError(f"{self._where} has a blob of this name") from None
        except (BaseError, OSError) as error:
            # The rest of such a text repeats itself.
            said = str(error).partition("\n")[0]
            raise BlobStoreUnavailableError(f"{self._where} cannot be used: {said}") from None


class _Feed:
    """A large blob on its way: pieces go to a thread, in which the library takes them."""

    def __init__(self, store: LocalStore | S3Store, name: str) -> None:
        self._loop = asyncio.get_running_loop()
        # A few pieces at most lie between the two, however fast the one and slow the other.
        self._pieces: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._room = asyncio.Semaphore(4)
        self._cut = False
        self._done: asyncio.Future[object] = self._loop.create_future()
        self._thread = threading.Thread(target=self._run, args=(store, name), name="blob")
        self._thread.start()

    async def give(self, piece: bytes) -> bool:
        """Hand over a piece; False once the store met an error, which `finish` tells."""
        await self._room.acquire()
        self._pieces.put(piece)
        return not self._done.done()

    def finish(self) -> "asyncio.Future[object]":
        """Say that this was all; return what tells when it is kept."""
        self._pieces.put(None)
        return self._done

    async def break_off(self) -> None:
        """Let nothing of it be kept, and return once that is so."""
        self._cut = True
        self._pieces.put(None)
        await asyncio.shield(asyncio.wait([self._done]))
        # What it failed with is known: it was told to.
        self._done.exception()

    def _run(self, store: LocalStore | S3Store, name: str) -> None:
        try:
            result = obstore.put(
                store,
                name,
                self._given(),
                chunk_size=PART_BYTES,
                max_concurrency=_PARTS_AT_ONCE,
            )
        except BaseException as error:  # noqa: BLE001 - it is raised where the upload is awaited
            self._loop.call_soon_threadsafe(self._fail, error)
        else:
            self._loop.call_soon_threadsafe(self._done.set_result, result)

    def _fail(self, error: BaseException) -> None:
        self._done.set_exception(error)
        # Whoever hands over a piece must not wait for a thread that has ended.
        self._room.release()

    def _given(self) -> Iterator[bytes]:
        while (piece := self._pieces.get()) is not None:
            self._loop.call_soon_threadsafe(self._room.release)
            yield piece
        if self._cut:
            raise _CutOffError
