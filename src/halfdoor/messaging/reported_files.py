"""The files of reported messages: found by the reporter's own session, copied under the case.

Who may see the message may report its files, also such as they were not allowed to fetch, and of a
message that was redacted as long as it is held (SEALING §6).
"""

import logging
from collections.abc import AsyncIterator, Sequence
from typing import Any, Final, final

import msgspec

from halfdoor.messaging.errors import UnknownRoomError
from halfdoor.messaging.media_names import named_in
from halfdoor.messaging.media_store import (
    BlobStore,
    CaseBlob,
    KeptWrap,
    MediaStore,
    NoBlobError,
    Upload,
)
from halfdoor.messaging.reading import MediaKey, Reader, Reading
from halfdoor.messaging.rooms import Rooms
from halfdoor.readers.review.filing import Reportable, Reporter
from halfdoor.readers.review.report_sources import ReportedFile
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.suites import PublicKey

# An event names no more (SEALING §3); a longer list is somebody's joke.
_MOST: Final = 50
_alarm: Final = logging.getLogger("halfdoor.alarm")


class _Found(msgspec.Struct, frozen=True):
    """One file, its key open for the length of the request."""

    media_id: str
    upload: Upload
    blob: str
    key: MediaKey

    @property
    def digest(self) -> bytes:
        """SHA-256 of the sealed file."""
        return self.upload.digest

    @property
    def stored(self) -> int:
        """Length of the sealed file in bytes."""
        return self.upload.stored

    @property
    def facts(self) -> bytes:
        """Name and type, sealed with the file's own key."""
        return self.upload.facts

    def seal(self, case: str, reporter: str, public: PublicKey) -> bytes:
        """Return the key sealed to *case* for this reporter."""
        return self.key.seal_for_case(case, reporter, self.digest, public)

    def __repr__(self) -> str:
        return f"_Found({self.media_id!r})"


@final
class FilesOfReports:
    """Implements what the review reader asks of files: to be found, kept, read and let go."""

    def __init__(
        self,
        *,
        files: MediaStore,
        blobs: BlobStore,
        rooms: Rooms,
        reading: Reading,
        server_name: str,
    ) -> None:
        """Find *files* of *server_name* named in *rooms*; their bytes lie in *blobs*."""
        self._files = files
        self._blobs = blobs
        self._rooms = rooms
        self._reading = reading
        self._server_name = server_name

    async def named(
        self, reporter: Reporter, message: Reportable, said: bytes | None
    ) -> Sequence[ReportedFile]:
        """Return the files that *message* names; of an encrypted one those named in *said*."""
        found: dict[str, _Found] = {}
        for wrap in await self._wraps(message, said):
            if wrap.media_id not in found and len(found) < _MOST:
                one = await self._opened(reporter, wrap)
                if one is not None:
                    found[wrap.media_id] = one
        return tuple(found.values())

    async def keep(self, case: str, file: ReportedFile, now: int) -> bool:
        """Copy the sealed *file* under *case*, unless it lies there already.

        False where it was deleted just now, or is not what was uploaded. Raises
        `BlobStoreUnavailableError`: then the same report again is right.
        """
        copies = await self._files.case_blobs(case)
        if any((one.media_id, one.digest) == (file.media_id, file.digest) for one in copies):
            return True
        record = await self._files.media(file.media_id)
        if record is None or record.blob is None:
            return False
        name = await self._files.keep_for_case(case, file.media_id, now)
        try:
            kept = await self._blobs.put(name, self._blobs.read(record.blob))
        except NoBlobError:
            return False
        if (kept.size, kept.digest) != (file.stored, file.digest):
            _alarm.critical("a reported file is not what was uploaded")
            return False
        await self._files.kept_for_case(CaseBlob(case, file.media_id, name, kept.size, kept.digest))
        return True

    async def read(self, case: str, media_id: str, digest: bytes) -> AsyncIterator[bytes]:
        """Yield the copy of a file that lies under *case*; `Denied` where there is none."""
        for one in await self._files.case_blobs(case):
            if (one.media_id, one.digest) == (media_id, digest):
                async for piece in self._blobs.read(one.blob):
                    yield piece
                return
        raise Denied

    async def release(self, case: str) -> None:
        """Let the copies of *case* be deleted with the next sweep."""
        await self._files.release_case(case)

    async def _wraps(self, message: Reportable, said: bytes | None) -> list[KeptWrap]:
        if message.ciphertext is None:
            return list(await self._files.wraps_of(message.room, message.fields.event_id))
        if said is None:
            return []
        content: dict[str, Any] = msgspec.json.decode(said)
        found: list[KeptWrap] = []
        for media_id in named_in(content, self._server_name)[:_MOST]:
            found += await self._files.wraps(message.room, media_id)
        return found

    async def _opened(self, reporter: Reporter, wrap: KeptWrap) -> _Found | None:
        """Return the file of *wrap*; None where it is gone, or the reporter has no key of it."""
        record = await self._files.media(wrap.media_id)
        if record is None or record.upload is None or record.blob is None:
            return None
        reader = Reader(reporter.user, reporter.device, reporter.session)
        try:
            room = await self._rooms.get(wrap.conv)
            epoch = (await self._reading.epochs(reader, room, [wrap.epoch])).get(wrap.epoch)
            if epoch is None:
                return None
            key = epoch.media_key(wrap.media_id, wrap.wrap)
        except (UnknownRoomError, Denied):
            return None
        return _Found(wrap.media_id, record.upload, record.blob, key)

    def __repr__(self) -> str:
        return "FilesOfReports(…)"
