"""How what is known of a file lies in its rows, and what its blobs are called. Pure."""

import secrets
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from halfdoor.ids import BadId, base64url, read_id
from halfdoor.messaging.ledger import MediaWrap
from halfdoor.messaging.media_store import MediaRecord, MediaState, Upload
from halfdoor.sealing.outer import OuterKeys

# Where sealed files lie, and where the copies of reported ones do.
MEDIA: Final = "media"
CASES: Final = "case"
_ATTEMPT_BYTES: Final = 8
_WRAPS: Final = "media_wrap"


class _Sealed(msgspec.Struct, frozen=True, array_like=True):
    """What is sealed of a file: its key for the uploader (None once they are erased), its facts."""

    wrap: bytes | None
    facts: bytes


class WrapRow(msgspec.Struct, frozen=True, array_like=True):
    """What is sealed of a wrap: the hash of its epoch's header, and the wrap."""

    hh: bytes
    wrap: bytes


_encode: Final = msgspec.msgpack.Encoder().encode
_sealed: Final = msgspec.msgpack.Decoder(_Sealed).decode
_wrap_row: Final = msgspec.msgpack.Decoder(WrapRow).decode


def packed_media(media_id: str) -> bytes:
    """Return the 32 bytes a media id stands for; `BadId` if it is none of ours."""
    ub, random30 = read_id("", media_id)
    return ub.to_bytes(2, "big") + random30


def media_text(packed: bytes) -> str:
    """Return the media id of 32 stored bytes."""
    return base64url(packed)


def media_bucket(packed: bytes) -> int:
    """Return the bucket of a file, which is its uploader's."""
    return int.from_bytes(packed[:2], "big")


def new_media_blob(packed: bytes) -> str:
    """Return a blob name for one attempt to upload a file; nobody guesses another one's."""
    return f"{MEDIA}/{packed[2]:02x}/{packed.hex()}-{secrets.token_hex(_ATTEMPT_BYTES)}"


def new_case_blob() -> str:
    """Return a blob name for a copy; it says neither of which case nor of which file."""
    name = secrets.token_hex(32)
    return f"{CASES}/{name[:2]}/{name}"


def media_of_blob(name: str) -> bytes | None:
    """Return which file a blob was an attempt to upload, None where its name is none of ours."""
    try:
        packed = bytes.fromhex(name.rpartition("/")[2].partition("-")[0])
        return packed_media(media_text(packed))
    except (ValueError, BadId):
        return None


def seal_upload(keys: OuterKeys, month: int, owner: str, packed: bytes, upload: Upload) -> bytes:
    """Return what only readers may know of a file, sealed for its place."""
    body = _encode(_Sealed(upload.wrap, upload.facts))
    return keys.seal(month, MEDIA, owner, (packed,), body)


def move_upload(keys: OuterKeys, month: int, row: Sequence[Any], heir: str) -> bytes | None:
    """Return *row* (file, owner, sealed) without the owner's wrap, in the name of *heir*."""
    packed, owner, sealed = row
    if sealed is None:
        return None
    facts = _sealed(keys.open(MEDIA, owner, (packed,), sealed)).facts
    return keys.seal(month, MEDIA, heir, (packed,), _encode(_Sealed(None, facts)))


def again_upload(keys: OuterKeys, month: int, row: Sequence[Any]) -> bytes:
    """Return the sealed part of *row* (file, owner, sealed) under another month."""
    packed, owner, sealed = row
    return keys.seal(month, MEDIA, owner, (packed,), keys.open(MEDIA, owner, (packed,), sealed))


def media_record(keys: OuterKeys, row: Sequence[Any]) -> MediaRecord:
    """Return the file of a row as `media.sql` selects it, else `Denied`."""
    packed, owner, created, state, size, opaque, named, blob, stored, digest, sealed = row
    upload = None
    if state == MediaState.READY:
        inside = _sealed(keys.open(MEDIA, owner, (packed,), sealed))
        upload = Upload(size, stored, digest, inside.wrap or b"", inside.facts, bool(opaque))
    return MediaRecord(
        media_text(packed), owner, created, MediaState(state), blob, upload, bool(named)
    )


def seal_wrap(
    keys: OuterKeys, month: int, conv: str, epoch: int, seq: int, hh: bytes, one: MediaWrap
) -> tuple[bytes, bytes]:
    """Return the file's packed id and its wrap, sealed for its place."""
    packed = packed_media(one.media_id)
    body = _encode(WrapRow(hh, one.wrap))
    return packed, keys.seal(month, _WRAPS, conv, (conv, epoch, seq, packed), body)


def open_wrap(
    keys: OuterKeys, conv: str, epoch: int, seq: int, packed: bytes, sealed: bytes
) -> WrapRow:
    """Return a wrap, else `Denied`."""
    return _wrap_row(keys.open(_WRAPS, conv, (conv, epoch, seq, packed), sealed))
