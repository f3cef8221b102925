"""Files as `messaging` sees them: a `MediaStore` over the rows of a store."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, final

from halfdoor.ids import BadId, bucket
from halfdoor.messaging.media_store import (
    CaseBlob,
    KeptWrap,
    MediaRecord,
    NoMediaError,
    Quota,
    Upload,
    Usage,
)
from halfdoor.store import media_steps as steps
from halfdoor.store.desk_rows import UB, partition
from halfdoor.store.media_rows import (
    media_bucket,
    media_record,
    media_text,
    new_case_blob,
    open_wrap,
    packed_media,
    seal_upload,
)
from halfdoor.store.media_steps import Steps
from halfdoor.store.media_transactions import MediaRows
from halfdoor.store.sqlite.events import id_bytes, open_row, stored

_AVATAR: Final = "avatar"
_COPY: Final = "case_blob"


@final
class Media:
    """What a store knows of files. Errors are those of `media_store`, and the store's own."""

    def __init__(self, rows: MediaRows) -> None:
        self._rows = rows

    # -- uploads -------------------------------------------------------------------------------

    async def reserve(self, media_id: str, owner: str, now: int, quota: Quota) -> None:
        """Let *media_id* be *owner*'s, without a file yet."""
        packed, place = _place(media_id, owner)
        erased = self._rows.keys.erased_name(owner)
        await self._rows.run(lambda: steps.reserve(place, packed, erased, now, quota))

    async def claim(self, media_id: str, owner: str, size: int, now: int, quota: Quota) -> str:
        """Begin an upload; return its new blob name."""
        packed, place = _place(media_id, owner)
        erased = self._rows.keys.erased_name(owner)
        return await self._rows.run(lambda: steps.claim(place, packed, erased, size, now, quota))

    async def finish(self, media_id: str, owner: str, upload: Upload, quota: Quota) -> None:
        """Let the file be there."""
        packed, place = _place(media_id, owner)
        month = await self._rows.ready_month()
        sealed = seal_upload(self._rows.keys.outer, month, owner, packed, upload)
        erased = self._rows.keys.erased_name(owner)
        await self._rows.run(lambda: steps.finish(place, packed, erased, upload, sealed, quota))

    async def give_up(self, media_id: str, owner: str, *, again: bool) -> None:
        """End an upload that failed."""
        packed, place = _place(media_id, owner)
        await self._rows.run(lambda: steps.give_up(place, packed, again=again))

    # -- what is there -------------------------------------------------------------------------

    async def media(self, media_id: str) -> MediaRecord | None:
        """Return one file, None where there is none."""
        packed = _packed(media_id)
        if packed is None:
            return None

        async def read() -> MediaRecord | None:
            rows = await self._rows.ask("one", media_bucket(packed), packed)
            return media_record(self._rows.keys.outer, rows[0]) if rows else None

        return await self._rows.with_newest(read)

    async def usage(self, owner: str) -> Usage:
        """Return what *owner* keeps."""
        rows = await self._rows.ask("usage", bucket(owner), owner)
        return Usage(*rows[0]) if rows else Usage(0, 0, 0)

    async def recent(self, owner: str, since: int, limit: int) -> Sequence[MediaRecord]:
        """Return the newest opaque files of *owner* that no standard event named."""

        async def read() -> list[MediaRecord]:
            rows = await self._rows.ask("recent", bucket(owner), owner, since, limit)
            return [media_record(self._rows.keys.outer, row) for row in rows]

        return await self._rows.with_newest(read)

    # -- events that name files ----------------------------------------------------------------

    async def use(
        self, conv: str, media_ids: Sequence[str], now: int, *, standard: bool
    ) -> frozenset[str]:
        """Note that an event about to be written in *conv* names files; return which are ready."""
        by_bucket = defaultdict(set)
        for media_id in media_ids:
            packed = _packed(media_id)
            if packed is not None:
                by_bucket[media_bucket(packed)].add(packed)
        ready: set[bytes] = set()
        for files in by_bucket.values():

            def make(files: set[bytes] = files) -> Steps[set[bytes]]:
                return steps.use(files, conv, now, standard=standard)

            ready |= await self._rows.run(make)
        return frozenset(media_text(packed) for packed in ready)

    async def uses(self, media_id: str) -> Sequence[str]:
        """Return the conversations in which events name, or once named, a file."""
        packed = _packed(media_id)
        if packed is None:
            return []
        return [row[0] for row in await self._rows.ask("uses", media_bucket(packed), packed)]

    async def wraps(self, conv: str, media_id: str) -> Sequence[KeptWrap]:
        """Return the wraps of a file in *conv* whose events retention has kept, newest first."""
        packed = _packed(media_id)
        if packed is None:
            return []
        return await self._wraps("wraps", conv, packed, begins=True)

    async def wraps_of(self, conv: str, event_id: str) -> Sequence[KeptWrap]:
        """Return the wraps that one event brought, also where it was redacted and is held."""
        try:
            packed = id_bytes(event_id)
        except BadId:
            return []
        return await self._wraps("wraps_of", conv, packed)

    async def wrapped(self, conv: str, epoch: int, media_ids: Sequence[str]) -> frozenset[str]:
        """Return which of these files have a wrap of *epoch* in *conv* by an event not redacted."""
        found = set()
        for media_id in media_ids:
            packed = _packed(media_id)
            if packed is not None:
                for one in await self._wraps("wraps_in", conv, packed, epoch):
                    if one.event.redacted_by is None:
                        found.add(media_id)
        return frozenset(found)

    async def _wraps(
        self, name: str, conv: str, packed: bytes, *more: int, begins: bool = False
    ) -> list[KeptWrap]:
        cb, keys = bucket(conv), self._rows.keys.outer

        async def read() -> list[KeptWrap]:
            places = await self._rows.ask_conversation("conversation", cb, conv)
            if not places:
                return []
            c, first = places[0]
            given = (first, *more) if begins else more
            found = []
            for row in await self._rows.ask_conversation(name, cb, c, packed, *given):
                epoch, seq, media, sealed, event_id, event = row
                inside = open_wrap(keys, conv, epoch, seq, media, sealed)
                kept = stored(seq, event_id, open_row(keys, conv, seq, event_id, event))
                found.append(KeptWrap(conv, media_text(media), epoch, inside.hh, inside.wrap, kept))
            return found

        return await self._rows.with_newest(read)

    # -- profiles ------------------------------------------------------------------------------

    async def show(self, user: str, media_id: str, key: bytes) -> None:
        """Keep the key of *user*'s avatar for the entity."""
        packed = _packed(media_id)
        if packed is None:
            raise NoMediaError("there is no such file")
        keys = self._rows.keys
        sealed = keys.outer.seal(keys.account, _AVATAR, user, (user, packed), key)
        await self._rows.run(lambda: steps.show((bucket(user), user), packed, sealed))

    async def hide(self, user: str) -> None:
        """Destroy the key that the entity has of *user*'s avatar, if any."""
        await self._rows.run(lambda: steps.once("drop_avatar", bucket(user), user))

    async def avatar_key(self, media_id: str) -> bytes | None:
        """Return the key of a file that a profile names, None for any other."""
        packed = _packed(media_id)
        if packed is None:
            return None

        async def read() -> bytes | None:
            rows = await self._rows.ask("avatar_of", media_bucket(packed), packed)
            if not rows:
                return None
            user, sealed = rows[0]
            return self._rows.keys.outer.open(_AVATAR, user, (user, packed), sealed)

        return await self._rows.with_newest(read)

    # -- cases ---------------------------------------------------------------------------------

    async def keep_for_case(self, case_id: str, media_id: str, now: int) -> str:
        """Let a case have a copy of a file; return the blob name to put it under."""
        packed, blob, keys = packed_media(media_id), new_case_blob(), self._rows.keys
        pk = (case_id, blob)
        sealed = keys.outer.seal(keys.account, _COPY, partition(case_id), pk, packed)
        await self._rows.run(lambda: steps.once("insert_case", UB, case_id, blob, now, sealed))
        return blob

    async def kept_for_case(self, copy: CaseBlob) -> None:
        """Note that the copy is whole; `NoMediaError` where its attempt was given up."""
        values = (copy.stored, copy.digest, UB, copy.case_id, copy.blob)
        if not await self._rows.run(lambda: steps.once("whole_case", *values)):
            raise NoMediaError("this copy took too long, and its place is gone")

    async def case_blobs(self, case_id: str) -> Sequence[CaseBlob]:
        """Return the whole copies that a case has."""

        async def read() -> list[CaseBlob]:
            found = []
            for blob, size, digest, sealed in await self._rows.ask("cases", UB, case_id):
                pk = (case_id, blob)
                packed = self._rows.keys.outer.open(_COPY, partition(case_id), pk, sealed)
                found.append(CaseBlob(case_id, media_text(packed), blob, size, digest))
            return found

        return await self._rows.with_newest(read)

    async def release_case(self, case_id: str) -> None:
        """Let the copies of a case be deleted; their blobs go with the next sweep."""
        await self._rows.run(lambda: steps.once("release_case", UB, case_id))


def _place(media_id: str, owner: str) -> tuple[bytes, tuple[int, str]]:
    """Return a file's packed id, and its owner as statements name them."""
    return packed_media(media_id), (bucket(owner), owner)


def _packed(media_id: str) -> bytes | None:
    """Return a file's packed id, None for a name that no file has."""
    try:
        return packed_media(media_id)
    except BadId:
        return None
