"""A file on its way in: sealed piece by piece under a key of its own, kept whole or not at all."""

import asyncio
import os
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Final, Protocol

import msgspec

from halfdoor import ids
from halfdoor.clock import Clock
from halfdoor.messaging.epoch_making import PublicKeys
from halfdoor.messaging.errors import TooLargeError
from halfdoor.messaging.keep import NoKeyError
from halfdoor.messaging.media_names import OPAQUE, FileFacts
from halfdoor.messaging.media_store import UNNAMED_MS, BlobStore, MediaStore, Quota, Upload
from halfdoor.safety.measures import Limits
from halfdoor.safety.refusal import ContactRefused, Reason
from halfdoor.sealing.media import MediaSealer, seal_media_facts, seal_media_key

_KEY_BYTES: Final = 32


class Allowing(Protocol):
    """Who may do anything at all (`contacts.Contacts`)."""

    async def check_active(self, user: str) -> Limits:
        """Refuse a suspended account, else return what it may not do."""


class Uploads:
    """Takes files in."""

    def __init__(
        self,
        *,
        files: MediaStore,
        blobs: BlobStore,
        allowing: Allowing,
        keys: PublicKeys,
        quota: Quota,
        most_bytes: int,
        clock: Clock,
        uploaded: Callable[[str], None],
    ) -> None:
        """Keep what is known in *files* and the sealed file in *blobs*; one has *most_bytes*.

        *uploaded* is called with the person whose file has come.
        """
        self._uploaded = uploaded
        self._files = files
        self._blobs = blobs
        self._allowing = allowing
        self._keys = keys
        self._quota = quota
        self.most_bytes = most_bytes
        self._clock = clock

    async def reserve(self, user: str) -> tuple[str, int]:
        """Give *user* an id to put a file under; return it and until when (ms) it waits for one.

        Raises `QuotaError`, `SuspendedError`, `ContactRefused`.
        """
        await self._check_may(user)
        media_id, now = ids.new_media_id(user), self._clock.now_ms()
        await self._files.reserve(media_id, user, now, self._quota)
        return media_id, now + UNNAMED_MS

    async def take(
        self,
        user: str,
        pieces: AsyncIterable[bytes],
        facts: FileFacts,
        *,
        announced: int | None,
        media_id: str | None = None,
    ) -> str:
        """Keep what *pieces* yield as a file of *user*, under *media_id* where one was reserved.

        *announced* is how long the client says it is. Return the id. Raises `TooLargeError`,
        `QuotaError`, `NoMediaError`, `MediaTakenError`, `SuspendedError`, `ContactRefused`, and
        whatever *pieces* raises; then nothing of it is kept.
        """
        # 1. Refuse before anything is read.
        await self._check_may(user)
        if announced is not None and announced > self.most_bytes:
            raise TooLargeError(f"a file has at most {self.most_bytes} bytes")
        public = await self._keys.public_key(user)
        if public is None:
            raise NoKeyError("nothing can be sealed to this person yet")
        reserved = media_id is not None
        if media_id is None:
            media_id, _ = await self.reserve(user)
        # 2. A name for the blob, which a crash leaves where the sweep finds it.
        try:
            blob = await self._files.claim(
                media_id, user, announced or 0, self._clock.now_ms(), self._quota
            )
        except BaseException:
            if not reserved:
                await asyncio.shield(self._files.give_up(media_id, user, again=False))
            raise
        try:
            # 3. Seal while it comes in. The key is used for this one attempt and no other.
            key = os.urandom(_KEY_BYTES)
            sealing = _Sealing(MediaSealer(key, media_id), pieces, self.most_bytes)
            stored = await self._blobs.put(blob, sealing.pieces())
            # 4. From here on it is there, and its key is sealed to the uploader alone.
            await self._files.finish(
                media_id,
                user,
                Upload(
                    size=sealing.size,
                    stored=stored.size,
                    digest=stored.digest,
                    wrap=seal_media_key(public, media_id, user, key),
                    facts=seal_media_facts(key, media_id, msgspec.json.encode(facts)),
                    opaque=facts.type == OPAQUE,
                ),
                self._quota,
            )
        except BaseException:
            await asyncio.shield(self._undo(media_id, user, blob, again=reserved))
            raise
        self._uploaded(user)
        return media_id

    async def _undo(self, media_id: str, user: str, blob: str, *, again: bool) -> None:
        # Row first: a blob that nothing names is swept, a row whose blob is gone would be missed.
        await self._files.give_up(media_id, user, again=again)
        await self._blobs.delete(blob)

    async def _check_may(self, user: str) -> None:
        if (await self._allowing.check_active(user)).no_media:
            raise ContactRefused(Reason.OWN_NO_MEDIA)


class _Sealing:
    """Seals what comes, and counts it: what the client says of the length is never believed."""

    def __init__(self, sealer: MediaSealer, clear: AsyncIterable[bytes], most: int) -> None:
        self._sealer = sealer
        self._clear = clear
        self._most = most
        self.size = 0

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the sealed file, a chunk or a few at a time."""
        async for piece in self._clear:
            self.size += len(piece)
            if self.size > self._most:
                raise TooLargeError(f"a file has at most {self._most} bytes")
            ready = self._sealer.update(piece)
            if ready:
                yield ready
        yield self._sealer.finish()
