"""Checking a whole log from outside, with nothing but its address and a pinned policy file."""

from collections.abc import Callable
from contextlib import aclosing
from hashlib import sha256
from typing import Final

import msgspec

from halfdoor.merkle.checkpoint import Checkpoint, parse_checkpoint
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.frontier import Frontier
from halfdoor.merkle.proofs import check_consistency
from halfdoor.merkle.tree import leaf_hash
from halfdoor.merkle.trust_policy import TrustPolicy
from halfdoor.sealing.labels import b64
from halfdoor.transparency.custodians import Circle
from halfdoor.transparency.entries import HeartbeatEntry
from halfdoor.transparency.errors import EntryError, StoppedError
from halfdoor.transparency.findings import Finding, Gravity
from halfdoor.transparency.folding import Fold
from halfdoor.transparency.leaf_times import DAY_S, LeafTimes
from halfdoor.transparency.memory import Memory
from halfdoor.transparency.policies import LoggedPolicy, effective_at
from halfdoor.transparency.policy_documents import circles_of
from halfdoor.transparency.published import PublishedTree
from halfdoor.transparency.reading import Stretch, stretches
from halfdoor.transparency.report import Number, report_json
from halfdoor.transparency.source import (
    CHECKPOINT,
    REPORT,
    Source,
    SourceFiles,
    day_path,
)

# Witnesses cosign again every five minutes; what is older than this stands still.
STALE_S: Final = 900

# After this many entries a run is kept as far as it is.
PART: Final = 65_536

Progress = Callable[[int, int], None]
Keep = Callable[[Memory], None]


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found, and what the next one goes on from (the old memory where checks failed).

    `circles` are the custodians of the policy in force, by document; `policy` is that policy and
    `coming` those that will take effect. `checkpoint` is the newest, where a quorum cosigned it;
    `fork` the two signed checkpoints that no honest log can have shown.
    """

    findings: tuple[Finding, ...]
    size: int
    time: int | None
    numbers: tuple[Number, ...]
    circles: dict[str, Circle]
    memory: Memory
    policy: LoggedPolicy | None = None
    coming: tuple[LoggedPolicy, ...] = ()
    checkpoint: bytes = b""
    fork: tuple[bytes, bytes] | None = None

    @property
    def good(self) -> bool:
        """Whether every check passed."""
        return all(one.gravity is not Gravity.FAILED for one in self.findings)


class Verifier:
    """One run over one log. The order of the checks stands in `run`."""

    def __init__(
        self,
        source: Source,
        policy: TrustPolicy,
        memory: Memory,
        *,
        now: int,
        progress: Progress = lambda done, size: None,
        keep: Keep = lambda memory: None,
        part: int = PART,
    ) -> None:
        """*now* is the checker's own time (s since 1970); *memory* what its last run kept.

        *keep* takes what a run that is cut short would go on from, every *part* entries.
        """
        self._source = source
        self._policy = policy
        self._memory = memory
        self._now = now
        self._progress = progress
        self._keep = keep
        self._part = part
        self._findings: list[Finding] = []
        self._shown = b""
        self._fork: tuple[bytes, bytes] | None = None
        self._report = memory.report

    async def run(self) -> Verdict:
        """Check everything that can be checked; `UnreachableError` where the log cannot be read."""
        memory = self._memory
        # The report first: while the log grows, it may be about less than the head, never more.
        published = await self._published_report()
        # 1. Signature, origin, quorum: without them nothing else means anything.
        checkpoint, time = await self._checkpoint()
        if checkpoint is None:
            return self._verdict(memory, None, Fold(memory))
        # 2. It goes on from what was seen before.
        if not await self._goes_on(checkpoint):
            return self._verdict(memory, time, Fold(memory))
        # 3. Every entry: bundle, tile, schema, rules; and all together the signed head.
        frontier = Frontier(memory.size, memory.heads)
        fold = Fold(memory)
        if not await self._entries(checkpoint, frontier, fold, published):
            return self._verdict(memory, time, fold)
        # 4. The days: each heartbeat's checkpoint, and by them when each leaf was there.
        seen = [*memory.seen]
        for index, heartbeat in fold.heartbeats:
            await self._day(index, heartbeat, checkpoint, seen)
        if time is not None:
            seen.append((checkpoint.head.size, time))
        times = LeafTimes(seen)
        now = time or self._now
        self._late_heartbeats(fold, now // DAY_S, times)
        # 5. What the entries say together.
        self._findings += fold.untimely_grants(times)
        self._findings += [*fold.grants.overdue(now // DAY_S), *fold.coming_policies(now, times)]
        circles = await self._documents(fold.policies)
        policy = effective_at(fold.policies, now, times)
        # 6. What the next run goes on from.
        kept = self._memory_of(checkpoint, frontier, fold)
        kept = msgspec.structs.replace(kept, seen=tuple(times.seen), due=(), first_day=None)
        return self._verdict(
            kept,
            time,
            fold,
            circles={} if policy is None else circles.get(policy.index, {}),
            policy=policy,
            coming=tuple(one for one in fold.policies if policy and one.index > policy.index),
        )

    async def _checkpoint(self) -> tuple[Checkpoint | None, int | None]:
        try:
            data = await self._source.get(CHECKPOINT)
            if data is None:
                raise RefusedError("checkpoint", "it is missing")
            checkpoint = parse_checkpoint(data)
            time = self._policy.quorum_time(self._policy.check(checkpoint))
        except RefusedError as error:
            self._fail(error.check, error.why)
            return None, None
        self._shown = data
        if time is not None and time < self._now - STALE_S:
            minutes = (self._now - time) // 60
            self._fail("checkpoint-stale", f"a quorum cosigned it {minutes} minutes ago")
        if time is not None and time > self._now + STALE_S:
            self._fail("checkpoint-future", "a quorum cosigned it in the future")
        return checkpoint, time

    async def _goes_on(self, checkpoint: Checkpoint) -> bool:
        memory, head = self._memory, checkpoint.head
        if not memory.checkpoint:
            return True
        old = parse_checkpoint(memory.checkpoint).head
        if memory.origin != head.origin:
            self._fail("log-origin", f"it was {memory.origin!r} and is {head.origin!r} now")
            return False
        if head.size < old.size:
            self._fail("log-shrank", f"it had {old.size} entries and has {head.size} now")
            self._fork = (memory.checkpoint, self._shown)
            return False
        try:
            proof = await self._tree(head.size).consistency(old.size)
            check_consistency(old.size, head.size, proof, old.root, head.root)
        except (RefusedError, StoppedError) as error:
            self._fail("log-consistency", f"it is not the log that was seen before: {error}")
            self._fork = (memory.checkpoint, self._shown)
            return False
        return True

    async def _entries(
        self, checkpoint: Checkpoint, frontier: Frontier, fold: Fold, published: bytes | None
    ) -> bool:
        """Read every entry that is new; False where that is not what was signed."""
        size, kept = checkpoint.head.size, fold.size
        self._compare_report(fold, published)
        try:
            async with aclosing(stretches(self._source, size, fold.size)) as found:
                async for stretch in found:
                    self._take(stretch, frontier, fold, published)
                    if fold.size - kept >= self._part and fold.size < size:
                        kept = fold.size
                        await self._keep_part(checkpoint, frontier, fold)
                    self._progress(fold.size, size)
        except RefusedError as error:
            at = fold.size if error.check == "tile-hash" else None
            self._fail(error.check, error.why, at)
            return False
        except StoppedError as error:
            self._fail("tile-there", str(error))
            return False
        if frontier.root() != checkpoint.head.root:
            self._fail("entries-root", "the entries are not those of the signed head")
            return False
        if published is not None and self._report != sha256(published).digest():
            self._fail("report-numbers", "the published report is not about this log as it stood")
        return True

    def _take(
        self, stretch: Stretch, frontier: Frontier, fold: Fold, published: bytes | None
    ) -> None:
        for leaf, expected in zip(stretch.entries, stretch.hashes, strict=True):
            head = leaf_hash(leaf)
            if head != expected:
                raise RefusedError("tile-hash", f"{stretch.bundle.path} and its tile differ")
            frontier.append(head)
            self._findings += fold.add(leaf)
            self._compare_report(fold, published)

    async def _keep_part(self, checkpoint: Checkpoint, frontier: Frontier, fold: Fold) -> None:
        """Keep what was read so far, once the signed head is seen to begin with it."""
        if not self._good:
            return
        head = checkpoint.head
        proof = await self._tree(head.size).consistency(frontier.size)
        check_consistency(frontier.size, head.size, proof, frontier.root(), head.root)
        self._keep(self._memory_of(checkpoint, frontier, fold))

    def _memory_of(self, checkpoint: Checkpoint, frontier: Frontier, fold: Fold) -> Memory:
        return Memory(
            origin=checkpoint.head.origin,
            size=frontier.size,
            heads=frontier.heads,
            checkpoint=self._shown,
            seen=self._memory.seen,
            last_day=fold.last_day,
            counted=fold.report.state,
            grants=fold.grants.state,
            policies=fold.seen_policies,
            report=self._report,
            due=fold.due,
            first_day=fold.first_day,
        )

    async def _day(
        self,
        index: int,
        heartbeat: HeartbeatEntry,
        newest: Checkpoint,
        seen: list[tuple[int, int]],
    ) -> None:
        if heartbeat.checkpoint is None:
            return
        try:
            data = await self._source.get(day_path(heartbeat.of_day))
            if data is None or b64(sha256(data).digest()) != heartbeat.checkpoint:
                raise RefusedError("day-checkpoint", "it is missing, or another one")
            checkpoint = parse_checkpoint(data)
            time = self._policy.quorum_time(self._policy.check(checkpoint))
            if checkpoint.head.size > newest.head.size:
                raise RefusedError("day-checkpoint", "it is larger than the log")
            root = await self._tree(newest.head.size).root(checkpoint.head.size)
            if root != checkpoint.head.root:
                self._fork = (data, self._shown)
                raise RefusedError("day-checkpoint", "it is the head of another tree")
        except (RefusedError, StoppedError) as error:
            self._fail("day-checkpoint", f"day {heartbeat.of_day}: {error}", index)
            return
        if time is not None:
            seen.append((checkpoint.head.size, time))

    def _late_heartbeats(self, fold: Fold, today: int, times: LeafTimes) -> None:
        """The house says once a day how it stands, about the day before."""
        last = fold.last_day
        if last is None and fold.size:
            # Before the first, it is owed since the log began: by witnesses, or its own word.
            begun = times.of(0)
            days = [one for one in (fold.first_day, begun and begun // DAY_S) if one is not None]
            last = min(days, default=today) - 1
        if last is not None and last < today - 2:
            self._fail("heartbeat-gap", f"the last is about day {last}, and it is day {today}")

    async def _documents(self, policies: list[LoggedPolicy]) -> dict[int, dict[str, Circle]]:
        """Fetch what the policies name; return the custodians of each by its index."""
        circles: dict[int, dict[str, Circle]] = {}
        for policy in policies:
            try:
                circles[policy.index] = await circles_of(self._source, policy.entry)
            except (RefusedError, EntryError) as error:
                self._fail("policy-document", str(error), policy.index)
        return circles

    async def _published_report(self) -> bytes | None:
        try:
            data = await self._source.get(REPORT)
        except RefusedError as error:
            self._fail("report-numbers", str(error))
            return None
        if data is None:
            note = Finding("report-numbers", "no report is published", Gravity.NOTE)
            self._findings.append(note)
        return data

    def _compare_report(self, fold: Fold, published: bytes | None) -> None:
        """Remember *published* where it is the report over the entries so far, and nothing else."""
        if published is None or not published.endswith(b'"size":%d,"v":1}' % fold.size):
            return
        if report_json(fold.size, fold.report.numbers()) == published:
            self._report = sha256(published).digest()

    def _tree(self, size: int) -> PublishedTree:
        return PublishedTree(SourceFiles(self._source), size)

    def _fail(self, check: str, words: str, index: int | None = None) -> None:
        self._findings.append(Finding(check, words, index=index))

    @property
    def _good(self) -> bool:
        return all(one.gravity is not Gravity.FAILED for one in self._findings)

    def _verdict(
        self,
        kept: Memory,
        time: int | None,
        fold: Fold,
        *,
        circles: dict[str, Circle] | None = None,
        policy: LoggedPolicy | None = None,
        coming: tuple[LoggedPolicy, ...] = (),
    ) -> Verdict:
        return Verdict(
            findings=tuple(self._findings),
            size=fold.size,
            time=time,
            numbers=tuple(fold.report.numbers()),
            circles=circles or {},
            # Who was shown something false goes on from what was true.
            memory=kept if self._good else self._memory,
            policy=policy,
            coming=coming,
            checkpoint=self._shown,
            fork=self._fork,
        )
