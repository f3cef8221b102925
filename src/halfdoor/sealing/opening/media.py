"""Opening media files and the wraps of their keys (SEALING §3)."""

from typing import final

from halfdoor.sealing.labels import Denied, expand
from halfdoor.sealing.media import (
    CHUNK_BYTES,
    VERSION,
    chunk_aad,
    chunk_nonce,
    media_commit,
    media_epoch_info,
    media_wrap_info,
)
from halfdoor.sealing.suites import PrivateKey
from halfdoor.sealing.symmetric import TAG_BYTES, cipher, decrypt, unwrap

_HEAD_BYTES = 33
_SEALED_CHUNK_BYTES = CHUNK_BYTES + TAG_BYTES


@final
class MediaOpener:
    """Opens one file piece by piece; holds at most one chunk of it.

    What `update` returns is genuine and in order, but only `finish` tells that nothing is
    missing: a caller that streams must break off, not end well, when that is `Denied`.
    """

    def __init__(self, key: bytes, media_id: str) -> None:
        self._aead = cipher(key)
        self._media_id = media_id
        self._head = VERSION + media_commit(key, media_id)
        self._rest = bytearray()
        self._count = 0

    def update(self, data: bytes) -> bytes:
        """Take the next piece of the file; return what of the content is ready."""
        self._rest += data
        if self._head and len(self._rest) >= _HEAD_BYTES:
            self._take_head()
        out: list[bytes] = []
        # The last chunk says that it is the last, so a full one waits until more follows.
        while not self._head and len(self._rest) > _SEALED_CHUNK_BYTES:
            out.append(self._chunk(bytes(self._rest[:_SEALED_CHUNK_BYTES]), last=0))
            del self._rest[:_SEALED_CHUNK_BYTES]
        return b"".join(out)

    def finish(self) -> bytes:
        """Return the end of the content, else `Denied`."""
        if self._head:
            raise Denied
        last = self._chunk(bytes(self._rest), last=1)
        # Only an empty file ends in an empty chunk; anywhere else it has a second spelling.
        if not last and self._count > 1:
            raise Denied
        return last

    def _take_head(self) -> None:
        """Check and drop version and commitment."""
        if self._rest[:_HEAD_BYTES] != self._head:
            raise Denied
        del self._rest[:_HEAD_BYTES]
        self._head = b""

    def _chunk(self, data: bytes, last: int) -> bytes:
        """Return the content of the next chunk."""
        n = self._count
        self._count += 1
        return decrypt(self._aead, chunk_nonce(n), data, chunk_aad(self._media_id, n, last))

    def __repr__(self) -> str:
        return f"MediaOpener({self._media_id!r})"


def open_media(key: bytes, media_id: str, file: bytes) -> bytes:
    """Return the whole content of *file*, or nothing of it: `Denied`."""
    opener = MediaOpener(key, media_id)
    return opener.update(file) + opener.finish()


def open_media_key(uk: PrivateKey, media_id: str, user: str, blob: bytes) -> bytes:
    """Return a file's key from its uploader's own wrap."""
    return uk.open(media_wrap_info(media_id, user), blob)


def open_epoch_media_key(cek: bytes, hh: bytes, media_id: str, blob: bytes) -> bytes:
    """Return a file's key from the wrap of the epoch *hh*, as any of its readers may."""
    info = media_epoch_info(hh, media_id)
    return unwrap(expand(cek, info), blob, info)
