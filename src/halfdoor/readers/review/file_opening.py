"""Opening one reported file: first all of it is checked, then it is opened piece by piece.

Nothing of a file leaves before its last byte was compared, and never more than a piece of it is in
memory. Of a file that its sender's client encrypted, both seals are opened (SEALING §6).
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from hashlib import sha256
from typing import Any, Final, Protocol, final

import msgspec

from halfdoor.readers.review.attachment_keys import AttachmentKey, attachment_key
from halfdoor.readers.review.case_keys import private_key
from halfdoor.readers.review.records import Case, Evidence, EvidenceFile
from halfdoor.sealing.labels import Denied, same_bytes
from halfdoor.sealing.media import content_size
from halfdoor.sealing.opening.cases import open_case_media_key
from halfdoor.sealing.opening.media import MediaOpener, open_media_facts

OPAQUE: Final = "application/octet-stream"
_AT_ONCE: Final = 262_144


class CaseCopies(Protocol):
    """Where the sealed copies of reported files lie, each under its case."""

    def read(self, case: str, media_id: str, digest: bytes) -> AsyncIterator[bytes]:
        """Yield the copy of a file whose SHA-256 is *digest*; `Denied` where there is none."""


class OpenedFile(msgspec.Struct, frozen=True):
    """A file that was opened for one look: `pieces` yield exactly `size` bytes.

    `type` is its sender's word: whoever shows it lets a browser guess nothing.
    """

    type: str
    size: int
    pieces: AsyncGenerator[bytes, None]

    def __repr__(self) -> str:
        return f"OpenedFile({self.size} bytes)"


class RevealedFile(msgspec.Struct, frozen=True):
    """One file that was opened; `again` opens it once more for the browser that shows it."""

    type: str
    size: int
    again: Callable[[], Awaitable[OpenedFile]]

    def __repr__(self) -> str:
        return f"RevealedFile({self.size} bytes)"


@final
class FileOpener:
    """Opens files for whoever has logged already who looks, and why."""

    def __init__(self, copies: CaseCopies) -> None:
        self._copies = copies

    async def open(
        self, case: Case | None, evidence: Evidence, file: EvidenceFile, content: bytes
    ) -> OpenedFile:
        """Return *file* of *evidence*, which was handed over in *case*.

        *content* is the JSON of what the event said: there the key of a file is that its sender's
        client encrypted. `Denied` where anything of it is not as it was stored.
        """
        if case is None:
            raise Denied
        key = open_case_media_key(
            private_key(case),
            file.key,
            case.id,
            evidence.reporter,
            file.media_id,
            file.digest,
        )
        said: dict[str, Any] = msgspec.json.decode(content)
        inner = attachment_key(said, file.media_id)
        await self._check(case.id, file, key, inner)
        return OpenedFile(
            type=inner.type or OPAQUE if inner is not None else _type(file, key),
            size=content_size(file.stored),
            pieces=self._pieces(case.id, file, key, inner),
        )

    async def _check(
        self, case: str, file: EvidenceFile, key: bytes, inner: AttachmentKey | None
    ) -> None:
        """Go over all of the copy once; `Denied` unless every byte is what was reported."""
        whole, within, opening = sha256(), sha256(), MediaOpener(key, file.media_id)
        async for piece in self._read(case, file):
            whole.update(piece)
            within.update(opening.update(piece))
        within.update(opening.finish())
        if not same_bytes(whole.digest(), file.digest):
            raise Denied
        if inner is not None and not same_bytes(within.digest(), inner.sha256):
            raise Denied

    async def _pieces(
        self, case: str, file: EvidenceFile, key: bytes, inner: AttachmentKey | None
    ) -> AsyncGenerator[bytes, None]:
        opening = MediaOpener(key, file.media_id)
        decrypting = inner.opening() if inner is not None else None
        async for piece in self._read(case, file):
            ready = opening.update(piece)
            if ready:
                yield ready if decrypting is None else decrypting.update(ready)
        rest = opening.finish()
        if rest:
            yield rest if decrypting is None else decrypting.update(rest)

    async def _read(self, case: str, file: EvidenceFile) -> AsyncIterator[bytes]:
        """Yield the copy in pieces that hold nobody else up, however far ahead the store reads."""
        async for piece in self._copies.read(case, file.media_id, file.digest):
            for at in range(0, len(piece), _AT_ONCE):
                yield piece[at : at + _AT_ONCE]
                await asyncio.sleep(0)


class _Facts(msgspec.Struct, frozen=True):
    type: str = OPAQUE


def _type(file: EvidenceFile, key: bytes) -> str:
    try:
        facts = open_media_facts(key, file.media_id, file.facts)
        return msgspec.json.decode(facts, type=_Facts).type
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise Denied from None
