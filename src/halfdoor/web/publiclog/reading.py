"""The server's own check of the log it shows: what the page tells, by the code anybody runs."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Final

import msgspec

from halfdoor.merkle.checkpoint import Checkpoint, parse_checkpoint
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.trust_policy import TrustPolicy
from halfdoor.transparency.errors import StoppedError
from halfdoor.transparency.memory import Memory
from halfdoor.transparency.published import PublishedTree
from halfdoor.transparency.report import report_json
from halfdoor.transparency.source import CHECKPOINT, REPORT, Source, UnreachableError
from halfdoor.transparency.verifying import Verdict, Verifier

RECENT: Final = 12
# What overdue or stale is depends on the hour: it is looked at again though nothing was appended.
_AGAIN_S: Final = 60


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """One look at the log. `times` (s) are those of valid cosignatures by witness name."""

    at: int
    digest: bytes
    checkpoint: Checkpoint | None
    times: dict[str, int]
    verdict: Verdict
    recent: tuple[tuple[int, bytes], ...]

    @property
    def report(self) -> bytes:
        """The report over the entries that were read."""
        return report_json(self.verdict.size, list(self.verdict.numbers))


class Files:
    """A source as `PublishedTree` reads it."""

    def __init__(self, source: Source) -> None:
        self._source = source

    async def read(self, path: str) -> bytes | None:
        """Return a file, None where there is none."""
        return await self._source.get(path)


class Reading:
    """Reads on from where it was, one at a time, and keeps what it last saw."""

    def __init__(self, source: Source, policy: TrustPolicy, now: Callable[[], int]) -> None:
        """*now* is the time in s since 1970."""
        self.source = source
        self.policy = policy
        self._now = now
        self._memory = Memory(origin=policy.logs[0].key.name if policy.logs else "")
        self._one = asyncio.Lock()
        self.seen: Seen | None = None
        # How many entries of how many were read, while it reads.
        self.progress = (0, 0)

    async def renew(self) -> Seen:
        """Return the log as it stands now; `UnreachableError` where it cannot be read."""
        async with self._one:
            known, now = self.seen, self._now()
            if known is None or now - known.at >= _AGAIN_S or await self._moved(known):
                self.seen = await self._look(now)
                return self.seen
            return known

    async def _moved(self, known: Seen) -> bool:
        return _digest(await self.source.get(CHECKPOINT)) != known.digest

    async def _look(self, now: int) -> Seen:
        source = _Patient(self.source)
        verdict = await Verifier(
            source,
            self.policy,
            self._memory,
            now=now,
            progress=self._note,
        ).run()
        self._memory = verdict.memory
        checkpoint, times = None, dict[str, int]()
        try:
            if source.checkpoint is not None:
                checkpoint = parse_checkpoint(source.checkpoint)
                times = self.policy.cosigned(checkpoint)
        except RefusedError:
            # The verdict names it.
            times = {}
        size = 0 if checkpoint is None else min(checkpoint.head.size, verdict.size)
        return Seen(
            at=now,
            digest=_digest(source.checkpoint),
            checkpoint=checkpoint,
            times=times,
            verdict=verdict,
            recent=await self._recent(checkpoint, size),
        )

    async def _recent(
        self, checkpoint: Checkpoint | None, size: int
    ) -> tuple[tuple[int, bytes], ...]:
        if checkpoint is None or size != checkpoint.head.size:
            return ()
        begin = max(0, size - RECENT)
        try:
            leaves = await PublishedTree(Files(self.source), size).entries(begin)
        except (RefusedError, StoppedError):
            return ()
        return tuple(enumerate(leaves, begin))

    def _note(self, done: int, size: int) -> None:
        self.progress = (done, size)


class _Patient:
    """Remembers which checkpoint was checked; a long log lets others be answered meanwhile."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.checkpoint: bytes | None = None

    async def get(self, path: str) -> bytes | None:
        await asyncio.sleep(0)
        data = await self._source.get(path)
        if path == CHECKPOINT:
            self.checkpoint = data
        return data


def _digest(checkpoint: bytes | None) -> bytes:
    return hashlib.sha256(checkpoint or b"").digest()


async def report_of(reading: Reading) -> bytes:
    """Return the published report; where the source has none, the one its entries add up to.

    Raises `UnreachableError` while neither can be told.
    """
    published = await reading.source.get(REPORT)
    if published is not None:
        return published
    seen = await reading.renew()
    if seen.checkpoint is None:
        raise UnreachableError("there is no checkpoint yet")
    return seen.report
