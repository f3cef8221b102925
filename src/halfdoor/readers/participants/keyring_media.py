"""The key of one file at work, for the length of one request (SEALING §3)."""

from collections.abc import Iterable
from typing import final

from halfdoor.sealing.cases import seal_case_media
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.media import seal_small_picture, wrap_media_key
from halfdoor.sealing.opening.media import (
    MediaRange,
    open_epoch_media_key,
    open_media_facts,
    open_media_key,
    open_small_picture,
)
from halfdoor.sealing.suites import PrivateKey, PublicKey


@final
class MediaKey:
    """What opens one file: made for a request that may fetch it, or pass it on."""

    __slots__ = ("_key", "media_id")

    def __init__(self, media_id: str, key: bytes) -> None:
        """Take the *key* of the file *media_id*, 32 bytes."""
        self.media_id = media_id
        self._key = key

    def part(self, file_size: int, start: int, stop: int) -> MediaRange:
        """Return what opens the content from *start* up to *stop*; `Denied` for no such part."""
        return MediaRange(self._key, self.media_id, file_size, start, stop)

    def facts(self, blob: bytes) -> bytes:
        """Return the file's name and type, as its uploader said them (JSON)."""
        return open_media_facts(self._key, self.media_id, blob)

    def seal_small(self, form: str, picture: bytes) -> bytes:
        """Return a small *picture* of the file, sealed for whoever has this key."""
        return seal_small_picture(self._key, self.media_id, form, picture)

    def open_small(self, form: str, blob: bytes) -> bytes:
        """Return what `seal_small` sealed; `Denied` for another file, size or key."""
        return open_small_picture(self._key, self.media_id, form, blob)

    def wrap(self, cek: bytes, hh: bytes) -> bytes:
        """Return this key for the readers of the epoch *hh*, whose key is *cek*."""
        return wrap_media_key(cek, hh, self.media_id, self._key)

    def seal_for_case(
        self, case_id: str, reporter: str, file_hash: bytes, public: PublicKey
    ) -> bytes:
        """Return this key sealed to a case that *reporter* brings the file before (SEALING §6)."""
        return seal_case_media(public, case_id, reporter, self.media_id, file_hash, self._key)

    def give_to_the_entity(self) -> bytes:
        """Return the key itself: a profile shows the file to everybody, so the entity has it."""
        return self._key

    def __repr__(self) -> str:
        return f"MediaKey({self.media_id!r})"


def of_uploader(keys: Iterable[PrivateKey], media_id: str, user: str, blob: bytes) -> MediaKey:
    """Open the wrap of the uploader *user* with whichever of *keys* it was made for; `Denied`."""
    for one in keys:
        try:
            return MediaKey(media_id, open_media_key(one, media_id, user, blob))
        except Denied:
            continue
    raise Denied


def of_epoch(cek: bytes, hh: bytes, media_id: str, blob: bytes) -> MediaKey:
    """Open the wrap of the epoch *hh* with its key *cek*, else `Denied`."""
    return MediaKey(media_id, open_epoch_media_key(cek, hh, media_id, blob))
