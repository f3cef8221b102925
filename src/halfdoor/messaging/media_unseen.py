"""Files in end-to-end encrypted conversations, whose names nobody here can see (SEALING §3).

An encrypted event takes along the files that its sender uploaded in the last day as
`application/octet-stream` and that no event named where it could be seen.
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from halfdoor.clock import Clock
from halfdoor.messaging.ledger import MediaWrap
from halfdoor.messaging.media_access import MediaKeys
from halfdoor.messaging.media_names import MAX_NAMED
from halfdoor.messaging.media_store import UNNAMED_MS, MediaRecord, MediaStore
from halfdoor.messaging.reading import Epoch, MediaKey, Reader
from halfdoor.messaging.room import Room
from halfdoor.messaging.standings import Facts
from halfdoor.sealing.labels import Denied

_BOUND: Final = 20_000


class Unseen:
    """Makes the wraps that an encrypted event brings.

    Where no other process takes files in (*alone*), it is remembered in which epochs a person has
    nothing left to take along, so that an event among many costs no look-up.
    """

    def __init__(
        self, files: MediaStore, keys: MediaKeys, people: Facts, clock: Clock, *, alone: bool
    ) -> None:
        """Find files in *files*; ask *people* who may send any."""
        self._people = people
        self._files = files
        self._keys = keys
        self._clock = clock
        self._alone = alone
        # By person, the newest epoch of each conversation for which nothing is left.
        self._settled: OrderedDict[str, dict[str, int]] = OrderedDict()
        # Goes up with whatever unsettles: what was looked up before that is not remembered.
        self._moved = 0

    def uploaded(self, user: str) -> None:
        """*user* has one more file: whatever was settled is not."""
        self._moved += 1
        self._settled.pop(user, None)

    def redacted(self, room: Room) -> None:
        """An event of *room* is gone, and the wraps that it brought."""
        self._moved += 1
        for user in room.members:
            self._settled.get(user, {}).pop(room.conv, None)

    async def wraps(
        self, reader: Reader, room: Room, epoch: Epoch, number: int
    ) -> tuple[MediaWrap, ...]:
        """Return the keys that an event of *reader* brings the readers of *epoch*, the *number*."""
        if self._settled.get(reader.user, {}).get(room.conv) == number:
            return ()
        now, moved = self._clock.now_ms(), self._moved
        recent = await self._files.recent(reader.user, now - UNNAMED_MS, MAX_NAMED)
        names = [one.media_id for one in recent]
        have = await self._files.wrapped(room.conv, number, names) if names else frozenset()
        opened = self._opened(reader, [one for one in recent if one.media_id not in have])
        if not opened:
            if self._alone and moved == self._moved:
                self._settle(reader.user, room.conv, number)
            return ()
        if (await self._people.limits(reader.user)).no_media:
            # What was uploaded before that was decided stays where it is.
            return ()
        ready = await self._files.use(room.conv, list(opened), now, standard=False)
        return tuple(
            MediaWrap(media_id, epoch.wrap_media(key))
            for media_id, key in opened.items()
            if media_id in ready
        )

    def _settle(self, user: str, conv: str, number: int) -> None:
        self._settled.setdefault(user, {})[conv] = number
        self._settled.move_to_end(user)
        while len(self._settled) > _BOUND:
            self._settled.popitem(last=False)

    def _opened(self, reader: Reader, recent: Sequence[MediaRecord]) -> dict[str, MediaKey]:
        keys = {}
        for one in recent:
            if one.upload is None or reader.session is None:
                continue
            try:
                keys[one.media_id] = self._keys.media_key(
                    reader.session, reader.user, one.media_id, one.upload.wrap
                )
            except Denied:
                # Uploaded under a key that this person gave up since.
                continue
        return keys
