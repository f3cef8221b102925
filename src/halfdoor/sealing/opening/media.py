"""Opening media files and the wraps of their keys (SEALING §3)."""

from typing import final

from halfdoor.sealing.labels import Denied, expand
from halfdoor.sealing.media import (
    CHUNK_BYTES,
    HEAD_BYTES,
    SEALED_CHUNK_BYTES,
    VERSION,
    chunk_aad,
    chunk_nonce,
    content_size,
    media_commit,
    media_epoch_info,
    media_facts_info,
    media_wrap_info,
    small_picture_info,
)
from halfdoor.sealing.suites import PrivateKey
from halfdoor.sealing.symmetric import cipher, decrypt, unwrap


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
        if self._head and len(self._rest) >= HEAD_BYTES:
            self._take_head()
        out: list[bytes] = []
        # The last chunk says that it is the last, so a full one waits until more follows.
        while not self._head and len(self._rest) > SEALED_CHUNK_BYTES:
            out.append(self._chunk(bytes(self._rest[:SEALED_CHUNK_BYTES]), last=0))
            del self._rest[:SEALED_CHUNK_BYTES]
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
        if self._rest[:HEAD_BYTES] != self._head:
            raise Denied
        del self._rest[:HEAD_BYTES]
        self._head = b""

    def _chunk(self, data: bytes, last: int) -> bytes:
        """Return the content of the next chunk."""
        n = self._count
        self._count += 1
        return decrypt(self._aead, chunk_nonce(n), data, chunk_aad(self._media_id, n, last))

    def __repr__(self) -> str:
        return f"MediaOpener({self._media_id!r})"


@final
class MediaRange:
    """Opens a part of one file, which is read from `offset` for `length` bytes.

    Only whole chunks open, so a little more is read than was asked for. Each chunk is genuine, of
    this file, in its place, and the last of a file of *file_size* bytes says that it is the last;
    the commitment is checked where the part begins with the file.
    """

    def __init__(self, key: bytes, media_id: str, file_size: int, start: int, stop: int) -> None:
        """Open the content from *start* up to *stop*; `Denied` where the file has no such part."""
        size = content_size(file_size)
        if not 0 <= start <= stop <= size:
            raise Denied
        self._aead = cipher(key)
        self._media_id = media_id
        self._end = max(0, size - 1) // CHUNK_BYTES
        self._next = min(start // CHUNK_BYTES, self._end)
        self._last = max(self._next, (stop - 1) // CHUNK_BYTES)
        self._skip = start - self._next * CHUNK_BYTES
        self._left = stop - start
        self._head = VERSION + media_commit(key, media_id) if self._next == 0 else b""
        self.offset = 0 if self._head else HEAD_BYTES + self._next * SEALED_CHUNK_BYTES
        end = HEAD_BYTES + (self._last + 1) * SEALED_CHUNK_BYTES
        self.length = min(end, file_size) - self.offset
        self._wanted = self.length
        self._rest = bytearray()

    def update(self, data: bytes) -> bytes:
        """Take the next piece of the file; return what of the content is ready."""
        self._wanted -= len(data)
        if self._wanted < 0:
            raise Denied
        self._rest += data
        if self._head:
            if len(self._rest) < HEAD_BYTES:
                return b""
            if self._rest[:HEAD_BYTES] != self._head:
                raise Denied
            del self._rest[:HEAD_BYTES]
            self._head = b""
        out: list[bytes] = []
        at = 0
        while len(self._rest) - at >= SEALED_CHUNK_BYTES or (not self._wanted and self._more):
            out.append(self._chunk(bytes(self._rest[at : at + SEALED_CHUNK_BYTES])))
            at += SEALED_CHUNK_BYTES
        del self._rest[:at]
        return b"".join(out)

    def finish(self) -> None:
        """Check that nothing is missing, else `Denied`: whoever streams must break off then."""
        if self._wanted:
            raise Denied

    @property
    def _more(self) -> bool:
        """Whether a chunk is still to come."""
        return self._next <= self._last

    def _chunk(self, sealed: bytes) -> bytes:
        """Return what was asked for of the next chunk."""
        n = self._next
        self._next += 1
        aad = chunk_aad(self._media_id, n, int(n == self._end))
        content = decrypt(self._aead, chunk_nonce(n), sealed, aad)
        part = content[self._skip : self._skip + self._left]
        self._skip = 0
        self._left -= len(part)
        return part

    def __repr__(self) -> str:
        return f"MediaRange({self._media_id!r})"


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


def open_media_facts(key: bytes, media_id: str, blob: bytes) -> bytes:
    """Return what a file is called and what it is, as its uploader said."""
    info = media_facts_info(media_id)
    return unwrap(expand(key, info), blob, info)


def open_small_picture(key: bytes, media_id: str, form: str, blob: bytes) -> bytes:
    """Return a small picture of a file, else `Denied`."""
    info = small_picture_info(media_id, form)
    return unwrap(expand(key, info), blob, info)
