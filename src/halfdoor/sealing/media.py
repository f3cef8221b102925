"""Media files: a key used once, chunks that cannot be cut, swapped or appended (SEALING §3)."""

from typing import Final, final

from halfdoor.sealing.labels import Denied, H, enc, expand
from halfdoor.sealing.suites import PublicKey
from halfdoor.sealing.symmetric import TAG_BYTES, cipher, wrap

VERSION: Final = b"\x01"
CHUNK_BYTES: Final = 65_536
# Version and commitment.
HEAD_BYTES: Final = 33
SEALED_CHUNK_BYTES: Final = CHUNK_BYTES + TAG_BYTES


@final
class MediaSealer:
    """Seals one file piece by piece; holds at most one chunk of it."""

    def __init__(self, key: bytes, media_id: str) -> None:
        """Start the file of *media_id* under *key*: 32 fresh random bytes, never used again."""
        self._aead = cipher(key)
        self._media_id = media_id
        self._ready = VERSION + media_commit(key, media_id)
        self._rest = bytearray()
        self._count = 0

    def update(self, data: bytes) -> bytes:
        """Take the next piece of any length; return what of the file is ready."""
        self._rest += data
        out = [self._ready]
        self._ready = b""
        # A full chunk waits until more follows: it may be the last, and must then say so.
        while len(self._rest) > CHUNK_BYTES:
            out.append(self._chunk(bytes(self._rest[:CHUNK_BYTES]), last=0))
            del self._rest[:CHUNK_BYTES]
        return b"".join(out)

    def finish(self) -> bytes:
        """Return the end of the file."""
        return self._ready + self._chunk(bytes(self._rest), last=1)

    def _chunk(self, data: bytes, last: int) -> bytes:
        """Return the next chunk, sealed."""
        n = self._count
        self._count += 1
        return self._aead.encrypt(chunk_nonce(n), data, chunk_aad(self._media_id, n, last))

    def __repr__(self) -> str:
        return f"MediaSealer({self._media_id!r})"


def seal_media(key: bytes, media_id: str, pt: bytes) -> bytes:
    """Return the whole file of *pt*."""
    sealer = MediaSealer(key, media_id)
    return sealer.update(pt) + sealer.finish()


def sealed_size(size: int) -> int:
    """Return how many bytes the file of *size* bytes of content has."""
    return HEAD_BYTES + size + TAG_BYTES * max(1, -(-size // CHUNK_BYTES))


def content_size(file_size: int) -> int:
    """Return how many bytes of content a file of *file_size* bytes holds; `Denied` for none."""
    chunks = max(1, -(-(file_size - HEAD_BYTES) // SEALED_CHUNK_BYTES))
    size = file_size - HEAD_BYTES - TAG_BYTES * chunks
    if size < 0 or sealed_size(size) != file_size:
        raise Denied
    return size


def media_commit(key: bytes, media_id: str) -> bytes:
    """Return the commitment of a file to its key, 32 bytes."""
    return H(enc("media-commit", key, media_id))


def chunk_nonce(n: int) -> bytes:
    """Return the nonce of chunk *n*, counted from 0."""
    return n.to_bytes(12, "big")


def chunk_aad(media_id: str, n: int, last: int) -> bytes:
    """Return what binds chunk *n* to its file and place; *last* is 1 for the last, else 0."""
    return enc("media", media_id, n, last)


def seal_media_key(public: PublicKey, media_id: str, user: str, key: bytes) -> bytes:
    """Return a file's key sealed to the *public* key of its uploader *user*, and no one else."""
    return public.seal(media_wrap_info(media_id, user), key)


def wrap_media_key(
    cek: bytes, hh: bytes, media_id: str, key: bytes, nonce: bytes | None = None
) -> bytes:
    """Return a file's key for the readers of the epoch *hh* whose event names the file."""
    info = media_epoch_info(hh, media_id)
    return wrap(expand(cek, info), key, info, nonce)


def seal_media_facts(key: bytes, media_id: str, facts: bytes, nonce: bytes | None = None) -> bytes:
    """Return what a file is called and what it is, sealed for whoever has the file's *key*."""
    info = media_facts_info(media_id)
    return wrap(expand(key, info), facts, info, nonce)


def seal_small_picture(
    key: bytes, media_id: str, form: str, picture: bytes, nonce: bytes | None = None
) -> bytes:
    """Return a small *picture* of a file, sealed for whoever has the file's *key*.

    *form* is its size; each nonce is random, so that one form may be made again.
    """
    info = small_picture_info(media_id, form)
    return wrap(expand(key, info), picture, info, nonce)


def media_wrap_info(media_id: str, user: str) -> bytes:
    """Return the HPKE info of the uploader's own wrap."""
    return enc("media-wrap", media_id, user)


def media_epoch_info(hh: bytes, media_id: str) -> bytes:
    """Return what binds a file's key to an epoch."""
    return enc("media-epoch", hh, media_id)


def media_facts_info(media_id: str) -> bytes:
    """Return what binds a file's name and type to it."""
    return enc("media-facts", media_id)


def small_picture_info(media_id: str, form: str) -> bytes:
    """Return what binds a small picture to its file and size."""
    return enc("media-small", media_id, form)
