"""Files in memory: a `BlobStore` and a `MediaStore` that keep the promises of `media_store`."""

from collections.abc import AsyncIterable, AsyncIterator, Sequence
from hashlib import sha256

import msgspec
from tests.messaging.fake_store import FakeStore

from halfdoor.ids import read_id
from halfdoor.messaging.media_store import (
    UNNAMED_MS,
    BlobExistsError,
    CaseBlob,
    KeptWrap,
    MediaRecord,
    MediaState,
    MediaTakenError,
    NoBlobError,
    NoMediaError,
    Quota,
    QuotaError,
    Stored,
    Upload,
    Usage,
)


class FakeBlobs:
    """Blobs by name; `written` is what time they say they were put at."""

    def __init__(self) -> None:
        self.blobs: dict[str, bytes] = {}
        self.written: dict[str, int] = {}
        self.now = 0
        # The most that was held at once of what a caller sent.
        self.largest_piece = 0

    async def put(self, name: str, pieces: AsyncIterable[bytes]) -> Stored:
        if name in self.blobs:
            raise BlobExistsError(name)
        held = bytearray()
        async for piece in pieces:
            self.largest_piece = max(self.largest_piece, len(piece))
            held += piece
        self.blobs[name] = bytes(held)
        self.written[name] = self.now
        return Stored(len(held), sha256(held).digest())

    async def read(self, name: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        if name not in self.blobs:
            raise NoBlobError(name)
        data = self.blobs[name][start:end]
        for at in range(0, len(data), 100_000):
            yield data[at : at + 100_000]

    async def size(self, name: str) -> int | None:
        return len(self.blobs[name]) if name in self.blobs else None

    async def delete(self, name: str) -> None:
        self.blobs.pop(name, None)

    async def names(self, folder: str) -> AsyncIterator[tuple[str, int, int]]:
        for name in list(self.blobs):
            if name.startswith(f"{folder}/"):
                yield name, len(self.blobs[name]), self.written[name]


class FakeMedia:
    """Files by id; wraps are found where the events of *store* brought them."""

    def __init__(self, store: FakeStore) -> None:
        self._store = store
        self.files: dict[str, MediaRecord] = {}
        self.announced: dict[str, int] = {}
        self.used: dict[str, dict[str, int]] = {}
        self.avatars: dict[str, tuple[str, bytes]] = {}
        self.cases: dict[tuple[str, str], CaseBlob] = {}
        self.attempts = 0

    async def reserve(self, media_id: str, owner: str, now: int, quota: Quota) -> None:
        read_id("", media_id)
        if media_id in self.files:
            raise MediaTakenError(media_id)
        if (await self.usage(owner)).reserved >= quota.reserved:
            raise QuotaError("too many ids without a file")
        self.files[media_id] = MediaRecord(media_id, owner, now, MediaState.RESERVED)

    async def claim(self, media_id: str, owner: str, size: int, now: int, quota: Quota) -> str:
        found = self.files.get(media_id)
        if found is None or found.owner != owner or now - found.created > UNNAMED_MS:
            raise NoMediaError(media_id)
        if found.state is not MediaState.RESERVED:
            raise MediaTakenError(media_id)
        usage = await self.usage(owner)
        if usage.files >= quota.files or usage.bytes + size > quota.bytes:
            raise QuotaError("too much")
        self.attempts += 1
        blob = f"media/00/{self.attempts:064x}"
        self.announced[media_id] = size
        self.files[media_id] = msgspec.structs.replace(found, state=MediaState.UPLOADING, blob=blob)
        return blob

    async def finish(self, media_id: str, owner: str, upload: Upload, quota: Quota) -> None:
        found = self.files.get(media_id)
        if found is None or found.owner != owner or found.state is not MediaState.UPLOADING:
            raise NoMediaError(media_id)
        usage = await self.usage(owner)
        if usage.bytes - self.announced[media_id] + upload.size > quota.bytes:
            raise QuotaError("too much")
        self.files[media_id] = msgspec.structs.replace(found, state=MediaState.READY, upload=upload)

    async def give_up(self, media_id: str, owner: str, *, again: bool) -> None:
        found = self.files.get(media_id)
        if found is None or found.owner != owner or found.state is MediaState.READY:
            return
        if again:
            self.files[media_id] = msgspec.structs.replace(
                found, state=MediaState.RESERVED, blob=None
            )
        else:
            del self.files[media_id]

    async def media(self, media_id: str) -> MediaRecord | None:
        return self.files.get(media_id)

    async def usage(self, owner: str) -> Usage:
        own = [one for one in self.files.values() if one.owner == owner]
        begun = [one for one in own if one.state is not MediaState.RESERVED]
        total = sum(
            one.upload.size if one.upload else self.announced[one.media_id] for one in begun
        )
        return Usage(total, len(begun), len(own) - len(begun))

    async def recent(self, owner: str, since: int, limit: int) -> Sequence[MediaRecord]:
        found = [
            one
            for one in self.files.values()
            if one.owner == owner
            and one.created > since
            and one.upload is not None
            and one.upload.opaque
            and not one.named
        ]
        return sorted(found, key=lambda one: -one.created)[:limit]

    async def use(
        self, conv: str, media_ids: Sequence[str], now: int, *, standard: bool
    ) -> frozenset[str]:
        ready = set()
        for media_id in media_ids:
            found = self.files.get(media_id)
            if found is None or found.state is not MediaState.READY:
                continue
            ready.add(media_id)
            self.used.setdefault(media_id, {})[conv] = now
            self.files[media_id] = msgspec.structs.replace(found, named=found.named or standard)
        return frozenset(ready)

    async def uses(self, media_id: str) -> Sequence[str]:
        return sorted(self.used.get(media_id, {}))

    async def wraps(self, conv: str, media_id: str) -> Sequence[KeptWrap]:
        found = [one for one in self._wraps(conv) if one.media_id == media_id]
        return sorted(found, key=lambda one: -one.event.seq)

    async def wraps_of(self, conv: str, event_id: str) -> Sequence[KeptWrap]:
        return [one for one in self._wraps(conv) if one.event.fields.event_id == event_id]

    async def wrapped(self, conv: str, epoch: int, media_ids: Sequence[str]) -> frozenset[str]:
        return frozenset(
            one.media_id
            for one in self._wraps(conv)
            if one.epoch == epoch and one.media_id in media_ids and one.event.redacted_by is None
        )

    async def show(self, user: str, media_id: str, key: bytes) -> None:
        found = self.files.get(media_id)
        if found is None or found.owner != user or found.state is not MediaState.READY:
            raise NoMediaError(media_id)
        self.avatars[user] = (media_id, key)

    async def hide(self, user: str) -> None:
        self.avatars.pop(user, None)

    async def avatar_key(self, media_id: str) -> bytes | None:
        return next((key for one, key in self.avatars.values() if one == media_id), None)

    async def keep_for_case(self, case_id: str, media_id: str, now: int) -> str:
        self.attempts += 1
        return f"case/00/{self.attempts:064x}"

    async def kept_for_case(self, copy: CaseBlob) -> None:
        self.cases[(copy.case_id, copy.media_id)] = copy

    async def case_blobs(self, case_id: str) -> Sequence[CaseBlob]:
        return [one for one in self.cases.values() if one.case_id == case_id]

    async def release_case(self, case_id: str) -> None:
        for key in [key for key in self.cases if key[0] == case_id]:
            del self.cases[key]

    def _wraps(self, conv: str) -> list[KeptWrap]:
        kept = self._store.conversations.get(conv)
        if kept is None:
            return []
        return [
            KeptWrap(conv, one.media_id, event.epoch, kept.starts[event.epoch].hh, one.wrap, event)
            for event in kept.events
            for one in kept.media.get(event.seq, ())
        ]
