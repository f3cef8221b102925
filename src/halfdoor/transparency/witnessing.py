"""What a witness decides: it vouches for a log that only grew (C2SP tlog-witness, its own side).

The one rule is that its newest checkpoint is kept before it answers, by compare-and-set: then it
never vouches for two histories, whatever is asked at once and whenever it is killed.
"""

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from halfdoor.clock import Clock
from halfdoor.merkle.add_checkpoint import AddCheckpoint, parse_add_checkpoint
from halfdoor.merkle.checkpoint import Checkpoint, Head, check_signed, parse_checkpoint
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.keys import VerifierKey
from halfdoor.merkle.note import Note, lines
from halfdoor.merkle.proofs import check_consistency
from halfdoor.merkle.signing import SigningKey
from halfdoor.merkle.tree import EMPTY_ROOT

TEXT: Final = "text/plain; charset=utf-8"
SIZE: Final = "text/x.tlog.size"


class Reply(msgspec.Struct, frozen=True):
    """An answer in terms of HTTP: status, media type, text."""

    status: int
    media_type: str
    text: str


class WitnessStore(Protocol):
    """A witness's memory: the newest checkpoint of each log. Durable before it returns."""

    async def newest(self, origin: str) -> bytes | None:
        """Return the newest checkpoint vouched for, signed by its log alone, or None."""

    async def replace(self, origin: str, old: bytes | None, new: bytes) -> bool:
        """Keep *new* if *old* is still the newest; False, and nothing is written, if not."""

    async def keep_evidence(self, origin: str, ours: bytes, theirs: bytes) -> None:
        """Keep two heads of one log that cannot both be true, signed as they came."""


class Witness:
    """One witness of some logs, each by its key."""

    def __init__(
        self, key: SigningKey, logs: Mapping[str, VerifierKey], store: WitnessStore, clock: Clock
    ) -> None:
        """*logs* by origin."""
        self._key = key
        self._logs = logs
        self._store = store
        self._clock = clock

    async def add_checkpoint(self, body: bytes) -> Reply:
        """Answer the request *body*: 200 with a cosignature, or 400, 403, 404, 409 or 422."""
        try:
            request = parse_add_checkpoint(body)
        except RefusedError as error:
            return Reply(400, TEXT, f"{error}\n")
        origin = request.checkpoint.head.origin
        log = self._logs.get(origin)
        if log is None:
            return Reply(404, TEXT, "checkpoint-origin: no such log is witnessed here\n")
        try:
            check_signed(request.checkpoint, log)
        except RefusedError as error:
            return Reply(403, TEXT, f"{error}\n")
        signed = str(signed_alone(request.checkpoint, log)).encode()
        while True:
            kept = await self._store.newest(origin)
            newest = parse_checkpoint(kept).head if kept else Head(origin, 0, EMPTY_ROOT)
            refused = await self._refusal(request, newest, kept)
            if refused is not None:
                return refused
            # Kept before it is vouched for; whoever was faster is looked at again.
            if await self._store.replace(origin, kept, signed):
                now = self._clock.now_ms() // 1000
                line = self._key.cosign(request.checkpoint.note.text, now)
                return Reply(200, TEXT, lines([line]))

    async def newest(self, origin: str) -> Reply:
        """Return the newest checkpoint of *origin*, freshly cosigned by this witness alone.

        What a log asks when it starts, lest it signs a smaller or another tree. 404 for a log that
        never asked.
        """
        kept = await self._store.newest(origin)
        if kept is None:
            return Reply(404, TEXT, "checkpoint-origin: nothing of this log was seen here\n")
        text = parse_checkpoint(kept).note.text
        line = self._key.cosign(text, self._clock.now_ms() // 1000)
        return Reply(200, TEXT, kept.decode() + lines([line]))

    async def _refusal(
        self, request: AddCheckpoint, newest: Head, kept: bytes | None
    ) -> Reply | None:
        head = request.checkpoint.head
        if head.size == newest.size and head.root != newest.root and kept is not None:
            # The log signed two trees of one size: nobody else can have.
            theirs = str(signed_alone(request.checkpoint, self._logs[head.origin])).encode()
            await self._store.keep_evidence(head.origin, kept, theirs)
            return Reply(409, SIZE, f"{newest.size}\n")
        if request.old != newest.size:
            return Reply(409, SIZE, f"{newest.size}\n")
        try:
            check_consistency(request.old, head.size, request.proof, newest.root, head.root)
        except RefusedError as error:
            return Reply(422, TEXT, f"{error}\n")
        return None


def signed_alone(checkpoint: Checkpoint, log: VerifierKey) -> Checkpoint:
    """Return *checkpoint* with the signature of its log alone."""
    own = tuple(one for one in checkpoint.note.signatures if one.of(log))
    return Checkpoint(checkpoint.head, Note(checkpoint.note.text, own))
