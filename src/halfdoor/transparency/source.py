"""Where a log is read from by those who check it: a server, or a folder somebody mirrored."""

from hashlib import sha256
from typing import Final, Protocol

from halfdoor.merkle import note
from halfdoor.merkle.bundles import MOST_BUNDLE_BYTES
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.tiles import TILE_BYTES
from halfdoor.sealing.labels import unb64

CHECKPOINT: Final = "checkpoint"
REPORT: Final = "report.json"
MOST_BYTES: Final = 33_554_432
_MOST_BY_KIND: Final = (
    (CHECKPOINT, note.MOST_BYTES),
    ("tile/entries/", MOST_BUNDLE_BYTES),
    ("tile/", TILE_BYTES),
)


class UnreachableError(Exception):
    """The log cannot be read now: nothing is known, good or bad."""


class Source(Protocol):
    """A log's public files by their paths."""

    async def get(self, path: str) -> bytes | None:
        """Return a file, None where there is none; `UnreachableError` where that is not known.

        No more than `most_bytes` are read: `RefusedError` for what is larger.
        """


class SourceFiles:
    """A source as `published.PublishedTree` reads it."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def read(self, path: str) -> bytes | None:
        """Return a file, None where there is none."""
        return await self._source.get(path)


def most_bytes(path: str) -> int:
    """Return how long the file at *path* may be; nobody reads more of it."""
    return next((most for begin, most in _MOST_BY_KIND if path.startswith(begin)), MOST_BYTES)


def day_path(day: int) -> str:
    """Return where the checkpoint that *day* ended with is."""
    return f"{CHECKPOINT}/{day}"


def document_path(digest: str) -> str:
    """Return where the document with this SHA-256 (base64) is."""
    return f"document/{unb64(digest).hex()}"


async def document(source: Source, digest: str) -> bytes:
    """Return the document with this SHA-256 (base64); `RefusedError` where it is not it."""
    data = await source.get(document_path(digest))
    if data is None:
        raise RefusedError("document", f"{document_path(digest)} is missing")
    if sha256(data).digest() != unb64(digest):
        raise RefusedError("document", f"{document_path(digest)} has another digest than its name")
    return data
