"""Watches public logs: checks each face of a log on a timer, compares them, and raises alarms."""

import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol, final

import msgspec

from halfdoor.apps.verifying import VerifyError, memory_path, opened, verify
from halfdoor.clock import Clock
from halfdoor.merkle.checkpoint import parse_checkpoint
from halfdoor.merkle.errors import RefusedError
from halfdoor.merkle.proofs import check_consistency
from halfdoor.merkle.trust_policy import TrustPolicy
from halfdoor.store.memory_file import MemoryFile
from halfdoor.transparency.errors import StoppedError
from halfdoor.transparency.findings import Finding, Gravity
from halfdoor.transparency.published import PublishedTree
from halfdoor.transparency.source import SourceFiles, UnreachableError

# What is not delivered waits; a receiver that is gone for long hears of the newest.
_MOST_WAITING: Final = 1_000
# Of a spoilt log every entry may be at fault; one alarm names the first of each check.
_MOST_WORDS: Final = 500


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """What is told about one face of a log: a check that failed, or that all is good again."""

    log: str
    where: str
    check: str
    words: str
    good: bool = False
    evidence: str | None = None

    def __str__(self) -> str:
        state = "GOOD" if self.good else "ALARM"
        more = "" if self.evidence is None else f" (evidence: {self.evidence})"
        return f"{state} {self.where}: {self.check}: {self.words}{more}"


class Post(Protocol):
    """The way to whoever is told beside the log lines."""

    async def post(self, id: str, body: bytes, now_ms: int) -> bool:
        """Deliver one message; tell whether it was taken."""


@asynccontextmanager
async def posting(url: str | None, secret_file: Path | None) -> AsyncIterator[Post | None]:
    """Yield the way to a webhook, None without one; `VerifyError` where it cannot be used."""
    if url is None or secret_file is None:
        yield None
        return
    from halfdoor.web.outbound.addresses import AddressError, check_address  # noqa: PLC0415
    from halfdoor.web.outbound.log_source import log_client  # noqa: PLC0415
    from halfdoor.web.outbound.webhooks import (  # noqa: PLC0415
        DeliveryError,
        SecretError,
        WebhookPost,
        read_secret,
    )

    class Hook:
        """A webhook that says whether it was taken."""

        def __init__(self, hook: WebhookPost) -> None:
            self._hook = hook

        async def post(self, id: str, body: bytes, now_ms: int) -> bool:
            """Post one message."""
            try:
                await self._hook.post(id, body, now_ms)
            except DeliveryError:
                return False
            return True

    try:
        check_address(url.partition("?")[0])
        secret = read_secret(secret_file)
    except (AddressError, SecretError) as error:
        raise VerifyError(str(error)) from None
    async with log_client() as client:
        yield Hook(WebhookPost(client, url, secret))


@final
class Monitor:
    """One watch over the faces of one log."""

    def __init__(
        self,
        origin: str,
        policy: TrustPolicy,
        places: Sequence[str],
        state: Path,
        clock: Clock,
        tell: Callable[[Alarm], None],
        *,
        post: Post | None = None,
    ) -> None:
        """*state* is the folder of memories and evidence."""
        self._origin = origin
        self._policy = policy
        self._places = places
        self._state = state
        self._clock = clock
        self._tell = tell
        self._post = post
        self._failing: dict[str, frozenset[str]] = {}
        self._waiting: list[tuple[str, bytes]] = []

    async def round(self) -> bool:
        """Check every face once, and all against each other; tell whether all was good."""
        shown: dict[str, bytes] = {}
        good = True
        for where in self._places:
            alarms = await self._check(where, shown)
            good = self._news(where, alarms) and good
        alarms = await self._compare(shown)
        # Whether faces agree is told of the log as a whole.
        good = self._news("", alarms) and good
        await self._deliver()
        return good

    async def _check(self, where: str, shown: dict[str, bytes]) -> list[Alarm]:
        memory = MemoryFile(memory_path(self._state, self._origin, where))
        try:
            async with opened(where) as source:
                verdict = await verify(
                    source,
                    self._policy,
                    self._origin,
                    memory,
                    now=self._clock.now_ms() // 1000,
                    progress=_silence,
                )
        except UnreachableError as error:
            return [self._alarm(where, Finding("log-unreachable", str(error)))]
        if verdict.checkpoint:
            shown[where] = verdict.checkpoint
        evidence = None if verdict.fork is None else str(memory.keep_fork(verdict.fork))
        failed: dict[str, Finding] = {}
        for one in verdict.findings:
            if one.gravity is Gravity.FAILED:
                failed.setdefault(one.check, one)
            elif one.check == "policy-change":
                # Told once for each: before it takes effect is when somebody can object.
                failed.setdefault(f"{one.check} {one.index}", one)
        return [self._alarm(where, one, evidence, check=check) for check, one in failed.items()]

    async def _compare(self, shown: dict[str, bytes]) -> list[Alarm]:
        """Hold every face's head against the largest: two trees of one log are a fork."""
        heads = {where: parse_checkpoint(data).head for where, data in shown.items()}
        if len(heads) < 2:
            return []
        largest = max(heads, key=lambda where: heads[where].size)
        new = heads[largest]
        found = []
        async with opened(largest) as source:
            tree = PublishedTree(SourceFiles(source), new.size)
            for where, old in heads.items():
                try:
                    proof = await tree.consistency(old.size)
                    check_consistency(old.size, new.size, proof, old.root, new.root)
                except (RefusedError, StoppedError) as error:
                    words = f"{where} and {largest} show two trees: {error}"
                    name = hashlib.sha256(f"{where}\n{largest}".encode()).hexdigest()[:32]
                    kept = MemoryFile(self._state / f"fork-{name}.json")
                    folder = kept.keep_fork((shown[where], shown[largest]))
                    found.append(self._alarm(where, Finding("log-fork", words), str(folder)))
                except UnreachableError as error:
                    found.append(self._alarm(largest, Finding("log-unreachable", str(error))))
        return found

    def _alarm(
        self, where: str, one: Finding, evidence: str | None = None, *, check: str | None = None
    ) -> Alarm:
        return Alarm(
            log=self._origin,
            where=where,
            check=check or one.check,
            words=one.words[:_MOST_WORDS],
            evidence=evidence,
        )

    def _news(self, where: str, alarms: list[Alarm]) -> bool:
        """Tell what was not told last time, and what is good again; whether all is good."""
        # A policy that is announced is news, and no fault.
        faults = {one.check for one in alarms if not one.check.startswith("policy-change")}
        now = frozenset(one.check for one in alarms)
        before = self._failing.get(where, frozenset())
        self._failing[where] = now
        for one in alarms:
            if one.check not in before:
                self._say(one)
        was_bad = any(not check.startswith("policy-change") for check in before)
        if was_bad and not faults:
            words = "every check passes again"
            self._say(
                Alarm(log=self._origin, where=where, check="log-good", words=words, good=True)
            )
        return not faults

    def _say(self, alarm: Alarm) -> None:
        self._tell(alarm)
        if self._post is not None:
            event = "log.good" if alarm.good else "log.alarm"
            now = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC)
            at = now.isoformat(timespec="milliseconds")
            body = msgspec.json.encode({"type": event, "timestamp": at, "data": alarm})
            name = f"msg_{hashlib.sha256(body).hexdigest()[:32]}"
            self._waiting = [*self._waiting, (name, body)][-_MOST_WAITING:]

    async def _deliver(self) -> None:
        while self._waiting and self._post is not None:
            name, body = self._waiting[0]
            # What is not taken stays, with its id, for the next round.
            if not await self._post.post(name, body, self._clock.now_ms()):
                return
            self._waiting.pop(0)


def _silence(_done: int, _of: int) -> None:
    """Show no progress: nobody looks at a monitor."""
