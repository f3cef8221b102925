"""Who may fetch a file: its uploader, who may see an event that names it, and all, an avatar.

The permission and the key are one: whoever has no wrap that opens has nothing, whatever the rules
say; whoever has one is still asked what the rules say (SEALING §3, SAFETY §5.1).
"""

from collections.abc import AsyncGenerator, Sequence
from typing import Final, Protocol

import msgspec

from halfdoor.clock import Clock
from halfdoor.messaging.errors import UnknownRoomError
from halfdoor.messaging.ledger import StoredEvent
from halfdoor.messaging.mailbox import Place
from halfdoor.messaging.media_errors import NotYetUploadedError, UnknownMediaError
from halfdoor.messaging.media_names import FileFacts
from halfdoor.messaging.media_store import (
    BlobStore,
    KeptWrap,
    MediaRecord,
    MediaState,
    MediaStore,
    Upload,
)
from halfdoor.messaging.reading import MediaKey, Reader, Reading
from halfdoor.messaging.room import Room
from halfdoor.messaging.rooms import Rooms
from halfdoor.messaging.sight import may_see, value_at
from halfdoor.messaging.standings import Facts, Standings
from halfdoor.policy.model import Policy
from halfdoor.safety.media import check_fetch
from halfdoor.safety.people import Relation
from halfdoor.safety.postures import E2EE
from halfdoor.safety.refusal import ContactRefused, Reason
from halfdoor.sealing.labels import Denied

_OPENED_AT_ONCE: Final = 262_144
# So many conversations are looked into without asking first which are the person's.
_FEW: Final = 4


class Places(Protocol):
    """Which conversations people have to do with (`mailbox.MailboxStore`)."""

    async def places(self, user: str) -> list[Place]:
        """Return every conversation in the room list of *user*."""


class MediaKeys(Protocol):
    """What the keyring does with keys of files."""

    def media_key(self, session: str, user: str, media_id: str, wrap: bytes) -> MediaKey:
        """Return the key of a file that *user* uploaded; `Denied` where it does not open."""

    def shown_key(self, media_id: str, key: bytes) -> MediaKey:
        """Return the key of a file that a profile shows, which the entity has."""


class File(msgspec.Struct, frozen=True):
    """A file that somebody may fetch, for the length of their request."""

    media_id: str
    owner: str
    blob: str
    upload: Upload
    key: MediaKey

    @property
    def size(self) -> int:
        """Bytes of content."""
        return self.upload.size

    def facts(self) -> FileFacts:
        """Return what its uploader says it is; `Denied` where the row was changed."""
        return msgspec.json.decode(self.key.facts(self.upload.facts), type=FileFacts)

    def __repr__(self) -> str:
        return f"File({self.media_id!r})"


class MediaAccess:
    """Finds files for people."""

    def __init__(
        self,
        *,
        files: MediaStore,
        blobs: BlobStore,
        rooms: Rooms,
        reading: Reading,
        keys: MediaKeys,
        people: Facts,
        places: Places,
        policy: Policy,
        clock: Clock,
    ) -> None:
        """Ask *people* by *policy*; open with *keys* and *reading*."""
        self._places = places
        self._files = files
        self._blobs = blobs
        self._rooms = rooms
        self._reading = reading
        self._keys = keys
        self._people = people
        self._policy = policy
        self._standings = Standings(people, clock)

    async def find(self, reader: Reader, media_id: str) -> File:
        """Return a file that *reader* may fetch.

        Raises `UnknownMediaError` where there is none for them, `NotYetUploadedError`,
        `ContactRefused` where they may not have it from whoever sent it.
        """
        record = await self._files.media(media_id)
        if record is None or record.state is MediaState.DOOMED:
            raise UnknownMediaError("there is no such file")
        upload = record.upload
        if upload is None:
            raise NotYetUploadedError("the file has not been uploaded yet")
        key = (
            self._own(reader, record, upload)
            or await self._avatar(media_id)
            or await self._from_events(reader, media_id)
        )
        if key is None:
            raise UnknownMediaError("there is no such file")
        return File(media_id, record.owner, record.blob or "", upload, key)

    async def read(self, file: File, start: int, stop: int) -> AsyncGenerator[bytes, None]:
        """Yield the content of *file* from *start* up to *stop*, chunk by chunk.

        Raises `Denied` where it is not as it was uploaded, wherever in it that shows.
        """
        part = file.key.part(file.upload.stored, start, stop)
        async for piece in self._blobs.read(file.blob, part.offset, part.offset + part.length):
            # A store may read far ahead; what is opened at once must not hold up everybody else.
            for at in range(0, len(piece), _OPENED_AT_ONCE):
                ready = part.update(piece[at : at + _OPENED_AT_ONCE])
                if ready:
                    yield ready
        part.finish()

    def _own(self, reader: Reader, record: MediaRecord, upload: Upload) -> MediaKey | None:
        if record.owner != reader.user or reader.session is None:
            return None
        try:
            return self._keys.media_key(reader.session, reader.user, record.media_id, upload.wrap)
        except Denied:
            # Uploaded under a key that this person gave up (SEALING §2, start over).
            return None

    async def _avatar(self, media_id: str) -> MediaKey | None:
        key = await self._files.avatar_key(media_id)
        return self._keys.shown_key(media_id, key) if key is not None else None

    async def _from_events(self, reader: Reader, media_id: str) -> MediaKey | None:
        """Return the key that an event in one of the reader's conversations brought, if any."""
        refusal: ContactRefused | None = None
        for conv in await self._conversations(reader.user, media_id):
            try:
                room = await self._rooms.get(conv)
            except UnknownRoomError:
                continue
            if not room.memberships(reader.user):
                continue
            for wrap in await self._files.wraps(conv, media_id):
                if not _may_see(room, reader.user, wrap):
                    continue
                try:
                    await self._check(room, reader.user, wrap.event)
                except ContactRefused as refused:
                    refusal = refused
                    continue
                key = await self._open(reader, room, wrap)
                if key is not None:
                    return key
        if refusal is not None:
            raise refusal
        return None

    async def _conversations(self, user: str, media_id: str) -> Sequence[str]:
        """Return where events name a file; of many, those that *user* has to do with."""
        convs = await self._files.uses(media_id)
        if len(convs) <= _FEW:
            return convs
        own = {place.conv for place in await self._places.places(user)}
        return [conv for conv in convs if conv in own]

    async def _check(self, room: Room, user: str, event: StoredEvent) -> None:
        """Refuse *user* what *event* brings, by their and its sender's rules. `ContactRefused`."""
        sender = event.fields.sender
        if sender == user:
            return
        accepted = _joined_since(room, user, event.seq)
        if room.posture == E2EE and not accepted:
            # Nobody here can see whether it is text: nothing is fetched before joining.
            raise ContactRefused(Reason.MEDIA)
        relation = Relation(
            connected=await self._standings.knows(sender, user),
            accepted=await self._people.connection(sender, user) == "accepted",
        )
        here, there = await self._people.person(sender), await self._people.person(user)
        check_fetch(self._policy, here, there, relation, accepted=accepted)

    async def _open(self, reader: Reader, room: Room, wrap: KeptWrap) -> MediaKey | None:
        epochs = await self._reading.epochs(reader, room, [wrap.epoch])
        epoch = epochs.get(wrap.epoch)
        if epoch is None:
            return None
        try:
            return epoch.media_key(wrap.media_id, wrap.wrap)
        except Denied:
            return None


def _joined_since(room: Room, user: str, seq: int) -> bool:
    """Tell whether *user* was in *room* at event *seq*, or came in after it."""
    memberships = room.memberships(user)
    return value_at(memberships, seq) == "join" or any(
        now == "join" and at > seq for at, now in memberships
    )


def _may_see(room: Room, user: str, wrap: KeptWrap) -> bool:
    """Tell whether *user* may see the event that brought *wrap*, and it says something still."""
    event = wrap.event
    return (
        event.redacted_by is None
        and event.body is not None
        and user not in event.hidden_from
        and may_see(room, user, event.seq)
    )


async def whole(access: MediaAccess, file: File) -> AsyncGenerator[bytes, None]:
    """Yield all of *file*."""
    async for piece in access.read(file, 0, file.size):
        yield piece
