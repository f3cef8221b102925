"""One epoch, open to one session: what seals, what opens, and who may be let in."""

from collections.abc import Sequence
from typing import final

from halfdoor.readers.participants.keyring_media import MediaKey, of_epoch
from halfdoor.sealing.envelope import EventSealer
from halfdoor.sealing.epochs import Header, ReaderRecord, add_reader, parse_header, parse_record
from halfdoor.sealing.labels import Denied
from halfdoor.sealing.opening.epochs import open_cek, open_late_cek
from halfdoor.sealing.opening.events import EventOpener
from halfdoor.sealing.suites import PrivateKey, PublicKey


@final
class EpochKeys:
    """The key of one epoch at work; it lives as briefly as the session's user key."""

    __slots__ = ("_cek", "_opener", "_sealer", "header")

    def __init__(self, header: Header, cek: bytes) -> None:
        """Take the key of *header*, which the caller has checked against its commitment."""
        self.header = header
        self._cek = cek
        self._opener: EventOpener | None = None
        self._sealer: EventSealer | None = None

    @property
    def opener(self) -> EventOpener:
        """What opens the events of this epoch."""
        if self._opener is None:
            self._opener = EventOpener(self._cek_held(), self.header.hh)
        return self._opener

    @property
    def sealer(self) -> EventSealer:
        """What seals events under this epoch."""
        if self._sealer is None:
            self._sealer = EventSealer(self._cek_held(), self.header.hh)
        return self._sealer

    def late_wrap(
        self,
        records: Sequence[ReaderRecord],
        user: str,
        public: PublicKey,
        granted_by: str,
        day: int,
    ) -> tuple[ReaderRecord, bytes, bytes]:
        """Return record, rh and wrap that let *user* read this epoch too (SEALING §3)."""
        return add_reader(self.header, self._cek_held(), records, user, public, granted_by, day)

    def media_key(self, media_id: str, blob: bytes) -> MediaKey:
        """Return a file's key from the wrap that an event of this epoch brought, else `Denied`."""
        return of_epoch(self._cek_held(), self.header.hh, media_id, blob)

    def wrap_media(self, key: MediaKey) -> bytes:
        """Return a file's key for the readers of this epoch."""
        return key.wrap(self._cek_held(), self.header.hh)

    def wipe(self) -> None:
        """Forget the key; a request that still holds this object opens nothing more with it."""
        self._cek = b""
        self._opener = None
        self._sealer = None

    def _cek_held(self) -> bytes:
        if not self._cek:
            raise Denied
        return self._cek

    def __repr__(self) -> str:
        return "EpochKeys(…)"


def open_epoch(
    keys: dict[bytes, PrivateKey],
    user: str,
    header: bytes,
    hh: bytes,
    *,
    wrap: bytes | None,
    records: Sequence[bytes],
    late: bytes | None,
    late_index: int,
) -> EpochKeys:
    """Open an epoch with whichever of the person's *keys* it was wrapped to, else `Denied`."""
    parsed = parse_header(header)
    key = keys.get(parsed.kid_of(user) or b"")
    if wrap is not None and key is not None:
        return EpochKeys(parsed, open_cek(parsed, hh, user, key, wrap))
    if late is not None and 0 <= late_index < len(records):
        added = [parse_record(record) for record in records]
        key = keys.get(added[late_index].kid)
        if key is not None:
            return EpochKeys(parsed, open_late_cek(parsed, hh, added, late_index, user, key, late))
    raise Denied
