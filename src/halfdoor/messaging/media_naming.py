"""What an event does for the files it names: their keys for the readers of its epoch.

Standard: the names stand in the event, and whoever sends it must be able to fetch each of them.
End-to-end encrypted: nobody here can see a name, so an encrypted event takes along the files that
its sender uploaded unnamed and unseen in the last day (SEALING §3).
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from halfdoor.clock import Clock
from halfdoor.messaging.drafts import Draft
from halfdoor.messaging.errors import ForbiddenError
from halfdoor.messaging.ledger import MediaWrap, SealedState
from halfdoor.messaging.media_access import MediaAccess, MediaKeys
from halfdoor.messaging.media_errors import NotYetUploadedError, UnknownMediaError
from halfdoor.messaging.media_names import MAX_NAMED, named_in
from halfdoor.messaging.media_store import MediaStore
from halfdoor.messaging.media_unseen import Unseen
from halfdoor.messaging.reading import Epoch, MediaKey, Reader
from halfdoor.messaging.room import Room
from halfdoor.messaging.standings import Facts
from halfdoor.safety.postures import E2EE
from halfdoor.safety.refusal import ContactRefused

_ADDRESS: Final = b"mxc://"
_ENCRYPTED: Final = "m.room.encrypted"


class Naming:
    """Makes the wraps of an event that is about to be kept."""

    def __init__(
        self,
        *,
        files: MediaStore,
        access: MediaAccess,
        keys: MediaKeys,
        people: Facts,
        server_name: str,
        clock: Clock,
        alone: bool = False,
    ) -> None:
        """Find files with *access*; only addresses of *server_name* can be fetched at all.

        *alone* says that no other process takes files in.
        """
        self._files = files
        self._access = access
        self.unseen = Unseen(files, keys, people, clock, alone=alone)
        self._server_name = server_name
        self._clock = clock

    async def wraps(
        self, reader: Reader, room: Room, draft: Draft, epoch: Epoch, number: int
    ) -> tuple[MediaWrap, ...]:
        """Return the keys that *draft* brings the readers of *epoch*, the epoch *number*.

        Raises `ForbiddenError` where it names a file that its sender cannot fetch.
        """
        if room.posture == E2EE and draft.state_key is None:
            if draft.type != _ENCRYPTED:
                return ()
            return await self.unseen.wraps(reader, room, epoch, number)
        # Most events name nothing, and are not searched for it.
        if _ADDRESS not in draft.raw:
            return ()
        return await self._named(reader, room, draft, epoch)

    async def carried(
        self, reader: Reader, room: Room, state: Sequence[SealedState], epoch: Epoch
    ) -> tuple[MediaWrap, ...]:
        """Return the keys of files that the state named which begins *epoch*: its picture.

        What *reader* cannot fetch is left to who can, in an epoch after this one.
        """
        keys: dict[str, MediaKey] = {}
        for row in state:
            content = epoch.opener.open(row.fields, row.body)
            if _ADDRESS not in content:
                continue
            for media_id in named_in(msgspec.json.decode(content), self._server_name)[:MAX_NAMED]:
                try:
                    keys[media_id] = (await self._access.find(reader, media_id)).key
                except (UnknownMediaError, NotYetUploadedError, ContactRefused):
                    continue
        ready = await self._use(room, list(keys))
        return tuple(
            MediaWrap(media_id, epoch.wrap_media(key))
            for media_id, key in keys.items()
            if media_id in ready
        )

    async def _use(self, room: Room, names: Sequence[str]) -> frozenset[str]:
        """Let no collection take these files, until they are kept with an event or an hour passed.

        Return which of them are there.
        """
        if not names:
            return frozenset()
        return await self._files.use(room.conv, names, self._clock.now_ms(), standard=True)

    async def _named(
        self, reader: Reader, room: Room, draft: Draft, epoch: Epoch
    ) -> tuple[MediaWrap, ...]:
        names = named_in(draft.content, self._server_name)
        if not names:
            return ()
        if len(names) > MAX_NAMED:
            raise ForbiddenError(f"an event names at most {MAX_NAMED} files")
        keys: list[MediaKey] = []
        for media_id in names:
            try:
                keys.append((await self._access.find(reader, media_id)).key)
            except (UnknownMediaError, NotYetUploadedError, ContactRefused):
                raise ForbiddenError(
                    "a file that this event names is not there, or not yours to pass on"
                ) from None
        ready = await self._use(room, names)
        if len(ready) != len(names):
            raise ForbiddenError("a file that this event names is being deleted")
        return tuple(MediaWrap(key.media_id, epoch.wrap_media(key)) for key in keys)
