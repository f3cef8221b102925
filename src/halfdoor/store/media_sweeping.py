"""What a sweep of files asks of a store, over its rows: a `MediaSweepStore`."""

from collections.abc import Sequence
from typing import Any, Final, final

from halfdoor.ids import bucket
from halfdoor.messaging.media_sweep import KnownBlob, LeftCopy, LeftFile
from halfdoor.sealing.labels import Denied
from halfdoor.store import media_steps as steps
from halfdoor.store.desk_rows import UB
from halfdoor.store.generations import MONTHS, heads
from halfdoor.store.media_rows import (
    again_upload,
    media_bucket,
    media_of_blob,
    media_text,
    move_upload,
    packed_media,
)
from halfdoor.store.media_transactions import MediaRows

_AT_ONCE: Final = 200
_WHOLE, _RELEASED = 1, 2


@final
class MediaSweeping:
    """Finds files that may go, and lets them go."""

    def __init__(self, rows: MediaRows) -> None:
        self._rows = rows

    async def left(self, after: tuple[Any, ...], used: int, limit: int) -> Sequence[LeftFile]:
        """Return files after a place that are not ready, or that were used before *used*."""
        rows = await self._rows.sweep("next_media", *after, used, limit)
        return [
            LeftFile((ub, packed), media_text(packed), state, last, created, blob)
            for ub, packed, state, last, created, blob in rows
        ]

    async def naming(self, file: LeftFile) -> Sequence[tuple[str, int]]:
        """Return the conversations that name a file, each with when it was last said to."""
        rows = await self._rows.ask("uses", *file.place)
        return [(conv, used) for conv, used in rows]

    async def has_wrap(self, conv: str, file: LeftFile) -> bool:
        """Tell whether an event of *conv* still has the key of a file for its readers."""
        cb = bucket(conv)
        places = await self._rows.ask_conversation("conversation", cb, conv)
        if not places:
            return False
        asked = (cb, places[0][0], packed_media(file.media_id))
        return bool(await self._rows.ask_conversation("a_wrap", *asked))

    async def drop_use(self, file: LeftFile, conv: str, used: int) -> None:
        """Forget that *conv* names a file, unless it was said again."""
        await self._rows.run(lambda: steps.once("delete_use", *file.place, conv, used))

    async def doom(self, file: LeftFile) -> bool:
        """Let nobody see a file any more; False if it moved meanwhile, or a profile shows it."""
        packed = packed_media(file.media_id)
        return await self._rows.run(lambda: steps.doom(packed, file.state, file.used))

    async def bury(self, file: LeftFile) -> None:
        """Delete the rows of a doomed file."""
        packed = packed_media(file.media_id)
        await self._rows.run(lambda: steps.bury(packed))

    async def copies(self, after: tuple[Any, ...], limit: int) -> Sequence[LeftCopy]:
        """Return copies of reported files after a place."""
        rows = await self._rows.sweep("next_case", *after, limit)
        return [
            LeftCopy((ub, case, blob), case, blob, state == _WHOLE, state == _RELEASED, made)
            for ub, case, blob, state, made in rows
        ]

    async def has_case(self, case_id: str) -> bool:
        """Tell whether there is such a case."""
        return bool(await self._rows.ask("case", UB, case_id))

    async def bury_copy(self, copy: LeftCopy) -> None:
        """Delete the row of a copy."""
        await self._rows.run(lambda: steps.once("delete_case", *copy.place))

    async def knows(self, blob: str) -> bool:
        """Tell whether a row names a blob."""
        packed = media_of_blob(blob)
        if packed is not None:
            rows = await self._rows.sweep("blob_of", media_bucket(packed), packed)
            return any(row[0] == blob for row in rows)
        return bool(await self._rows.sweep("copies_named", blob))

    async def known(self, after: tuple[Any, ...], limit: int) -> Sequence[KnownBlob]:
        """Return the blobs of files that are ready, after a place."""
        rows = await self._rows.sweep("next_file", *after, limit)
        return [KnownBlob((ub, key), blob, size, digest) for ub, key, blob, size, digest in rows]

    async def known_copies(self, after: tuple[Any, ...], limit: int) -> Sequence[KnownBlob]:
        """Return the blobs of copies that are whole, after a place."""
        rows = await self._rows.sweep("next_copy", *after, limit)
        return [
            KnownBlob((ub, case, blob), blob, size, digest) for ub, case, blob, size, digest in rows
        ]

    async def leave(self, user: str) -> bool:
        """Let some files of *user*, who is erased, be nobody's; tell whether there are more."""
        keys, owner = self._rows.keys, (bucket(user), user)
        # A name that nobody can have, and that says nobody's.
        heir = keys.erased_name(user).hex()
        month = await self._rows.ready_month()

        async def read() -> tuple[Sequence[Any], list[bytes | None]]:
            rows = await self._rows.ask("of_owner", *owner, _AT_ONCE)
            return rows, [move_upload(keys.outer, month, row[:3], heir) for row in rows]

        rows, moved = await self._rows.with_newest(read)
        await self._rows.run(lambda: steps.leave(owner, heir, rows, moved))
        return len(rows) == _AT_ONCE

    async def leave_months(self, last: int) -> int:
        """Seal what is kept of files under months up to *last* anew; return how many."""
        if last < MONTHS[0]:
            return 0
        keys, month = self._rows.keys, await self._rows.ready_month()
        moved, after = 0, (-1, b"")
        low, high = heads(range(MONTHS[0], last + 1))
        while rows := await self._rows.sweep("under_months", *after, low, high, _AT_ONCE):
            again = []
            for ub, packed, owner, sealed in rows:
                try:
                    fresh = again_upload(keys.outer, month, (packed, owner, sealed))
                except Denied:
                    # No key opens it in any case.
                    continue
                again.append((fresh, ub, packed, sealed))
            await self._rows.put_under(again)
            moved += len(again)
            after = (rows[-1][0], rows[-1][1])
        return moved
